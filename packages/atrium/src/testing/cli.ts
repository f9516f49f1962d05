import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Places, placesOf } from '../files/data-dir.ts';
import { readState, type State } from '../up/state.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** A running `atrium up`. */
export interface Up {
  readonly process: ChildProcess;
  readonly url: string;
  /** What it said so far on standard error. */
  said(): string;
  state(): State;
  /** Sends the signal and waits for the end. @returns the exit status */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The real command, run as processes of its own in a folder and a data directory of their own. */
export interface TestCli extends AsyncDisposable {
  readonly dir: string;
  readonly places: Places;
  run(args: readonly string[], input?: string): Promise<Ran>;
  /** Answer of a command with `--json`, which must succeed. */
  json<T>(...args: string[]): Promise<T>;
  up(...args: string[]): Promise<Up>;
}

/**
 * `config` is the text of `atrium.config.ts` in the folder the command runs in; `env` is added to what the command finds
 * in its environment. `program` is what is run, else the sources.
 */
export function testCli(
  config?: string,
  env: Readonly<Record<string, string>> = {},
  program: readonly string[] = ['--conditions=atrium-source', MAIN],
): TestCli {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-cli-'));
  // As root, hub and proxy run as another account, which has to get here.
  chmodSync(dir, 0o755);
  if (config !== undefined) writeFileSync(join(dir, 'atrium.config.ts'), config);
  const dataDir = join(dir, 'data');
  const ups: Up[] = [];

  const start = (args: readonly string[]) =>
    spawn(process.execPath, [...program, ...args, '--data-dir', dataDir], {
      cwd: dir,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A test runner's own settings are not for a process that has nothing to do with it.
      env: { ...process.env, ...env, NODE_OPTIONS: '', VITEST: undefined, NODE_ENV: undefined },
    });

  const run = (args: readonly string[], input = ''): Promise<Ran> => {
    const child = start(args);
    const read = collect(child);
    child.stdin.end(input);
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...read() })));
  };

  return {
    dir,
    get places() {
      return placesOf(dataDir);
    },
    run,
    async json<T>(...args: string[]) {
      const { code, out, err } = await run([...args, '--json']);
      if (code !== 0) throw new Error(`atrium ${args.join(' ')} ended with ${code}: ${err}`);
      return JSON.parse(out) as T;
    },
    async up(...args) {
      const child = start(['up', '--json', ...args]);
      const read = collect(child);
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout.once('data', (line: string) => resolve((JSON.parse(line) as { url: string }).url));
        void ended.then((code) => reject(new Error(`atrium up ended with ${code}: ${read().err}`)));
      });
      const up: Up = {
        process: child,
        url,
        said: () => read().err,
        state() {
          const state = readState(placesOf(dataDir));
          if (!state) throw new Error('atrium up does not run');
          return state;
        },
        async end(signal = 'SIGINT') {
          child.kill(signal);
          return ended;
        },
      };
      ups.push(up);
      return up;
    },
    async [Symbol.asyncDispose]() {
      const running = readState(placesOf(dataDir));
      if (running) await run(['down', '--servers']);
      await Promise.all(ups.map((up) => up.end('SIGTERM')));
      const { runDir } = placesOf(dataDir);
      killLeft(runDir);
      rmSync(runDir, { recursive: true, force: true });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A failed test may leave servers behind: what carries this run directory in its environment goes. */
function killLeft(runDir: string): void {
  if (process.platform !== 'linux') return;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (environment.includes(`${runDir}/`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // gone, or not ours
    }
  }
}

function collect({ stdout, stderr }: ChildProcess): () => { out: string; err: string } {
  const text = { out: '', err: '' };
  stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text.out += chunk;
  });
  stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text.err += chunk;
  });
  return () => ({ ...text });
}

/** A config whose servers are one tiny process each. */
export const TINY_SERVERS = `
import { dirname } from 'node:path';
import { defineConfig, processSpawner } from 'atrium';
const script = \`
  const server = require('node:http').createServer((request, response) => response.end(String(process.pid)));
  server.on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\\\\r\\\\nConnection: Upgrade\\\\r\\\\nUpgrade: websocket\\\\r\\\\n\\\\r\\\\n');
    // Whoever was at the other end may be gone at any moment.
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(process.env.ATRIUM_SOCKET);
  process.on('SIGTERM', () => process.exit(0));
\`;
export default defineConfig({
  port: 0,
  spawner: processSpawner({
    command: [process.execPath, '-e', script],
    readOnlyPaths: [dirname(dirname(process.execPath))],
    isolation: 'none',
  }),
});
`;

/** A config whose servers are none. */
export const NO_SERVERS = `
import { defineConfig, echoSpawner } from 'atrium';
export default defineConfig({ port: 0, spawner: echoSpawner() });
`;
