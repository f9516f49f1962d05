import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { familyOf, hurry } from '../hub/processes.ts';

export interface PinnedOptions {
  core: number | undefined;
  urgent: boolean;
  env?: Record<string, string>;
  /** With a channel for messages, as our own processes have. */
  ipc?: boolean;
}

/** A process that was started here. */
export interface Run extends AsyncDisposable {
  pid: number;
  title: string;
  ended(): boolean;
  /** Its next message. */
  message<T>(): Promise<T>;
}

/** Starts a program on one core. What it complains about goes to our standard error. */
export async function startPinned(command: readonly string[], options: PinnedOptions): Promise<Run> {
  const { core, urgent, env = {}, ipc = false } = options;
  const [program, ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  const child = spawn(program!, args, {
    stdio: ['ignore', 2, 2, ...(ipc ? (['ipc'] as const) : [])],
    env: { ...process.env, ...env },
  });
  await once(child, 'spawn');
  const pid = child.pid!;
  if (urgent) hurry([pid]);
  return {
    pid,
    title: command.slice(0, 2).join(' '),
    ended: () => child.exitCode !== null || child.signalCode !== null,
    async message<T>() {
      const gone = once(child, 'exit').then(() => {
        throw new Error(`${command[0]} ended before it said anything`);
      });
      const [message] = await Promise.race([once(child, 'message'), gone]);
      return message as T;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(hard);
}

export function familyPids(root: number): number[] {
  return familyOf(root).map(({ pid }) => pid);
}

/** CPU that processes have used so far, all threads, by the scheduler's own account; ms. */
export function cpuOf(pids: readonly number[]): number {
  let ns = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return ns / 1e6;
}

/** Memory by proportional set size, what several share counted once; bytes. */
export function pssOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return sum + Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) * 1024;
  }, 0);
}

/** Open descriptors. */
export function descriptorsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
}
