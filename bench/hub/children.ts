import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { HealthAnswer } from './health.ts';

/** Pins this process, and so everything it starts from now on, to one core. */
export async function pinDriver(core: number): Promise<void> {
  await promisify(execFile)('taskset', ['-acp', String(core), String(process.pid)]);
}

function helper(script: 'echo' | 'health', ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`./${script}.ts`, import.meta.url));
  return fork(path, args, { execArgv: ['--conditions=atrium-source'], stdio: ['ignore', 2, 2, 'ipc'] });
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${child.spawnargs.at(-1)} ended with ${code} before it answered`);
  });
  const [answer] = await Promise.race([once(child, 'message'), ended]);
  return answer as T;
}

/** The server that answers for every user. */
export async function startEcho(): Promise<AsyncDisposable & { url: string; pid: number }> {
  const child = helper('echo');
  const { host, port } = await answerOf<{ host: string; port: number }>(child);
  return {
    url: `http://${host}:${port}`,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** Looks at `/hub/health` until `stop`, which gives every answer in the order of asking. */
export function watchHealth(url: string): AsyncDisposable & { stop(): Promise<HealthAnswer[]> } {
  const child = helper('health', url);
  return {
    async stop() {
      const answer = answerOf<HealthAnswer[]>(child);
      child.send('stop');
      return answer;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill();
  await gone;
}
