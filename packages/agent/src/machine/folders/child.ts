import { spawn } from 'node:child_process';
import type { ServerSpec, ServerState } from '../machine.ts';

/** A server that somebody started for the machine. */
export interface RunningServer {
  /** Where its programs are looked for; none for a server within this process. */
  pid?: number | undefined;
  /** Resolves when it ended. */
  ended: Promise<{ code: number | null; log: string }>;
  stop(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export type Launch = (spec: ServerSpec) => RunningServer | Promise<RunningServer>;

const LOG_TAIL = 8192;

/** Starts the command as a child process in a group of its own; as the account when we are root. */
export const launchChild: Launch = ({ account, home, command: [program, ...args], env }) => {
  const root = process.getuid?.() === 0;
  const child = spawn(program, args, {
    cwd: home,
    env: { ...env },
    // A group of its own, so that kernels and terminals end with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(root ? { uid: account.uid, gid: account.uid } : {}),
  });
  let log = '';
  const keep = (chunk: Buffer) => {
    log = (log + chunk).slice(-LOG_TAIL);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return {
    pid: child.pid,
    ended: new Promise((resolve) => {
      child.on('error', (error) => resolve({ code: 127, log: error.message }));
      child.on('exit', (code) => resolve({ code, log }));
    }),
    stop(signal) {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
};

export interface ChildServer {
  start(spec: ServerSpec): Promise<void>;
  state(): ServerState;
  stop(graceMs: number): Promise<void>;
  pid(): number | undefined;
}

/** Holds the one server of a machine made of folders. It ends with the agent, as a machine's programs end with it. */
export function childServer(launch: Launch): ChildServer {
  let held: { server: RunningServer; spec: ServerSpec; state: ServerState } | undefined;

  const stop = async (graceMs: number) => {
    const one = held;
    if (!one) return;
    one.server.stop('SIGTERM');
    const force = setTimeout(() => one.server.stop('SIGKILL'), graceMs);
    await one.server.ended.finally(() => clearTimeout(force));
    // What its programs left behind goes, too.
    one.server.stop('SIGKILL');
    if (held === one) held = undefined;
  };

  return {
    async start(spec) {
      if (held?.state.state === 'running' && JSON.stringify(held.spec) === JSON.stringify(spec)) return;
      await stop(10_000);
      const server = await launch(spec);
      const mine = { server, spec, state: { state: 'running' } as ServerState };
      held = mine;
      void server.ended.then((end) => {
        mine.state = { state: 'exited', ...end };
      });
    },
    state: () => held?.state ?? { state: 'absent' },
    stop,
    pid: () => (held?.state.state === 'running' ? held.server.pid : undefined),
  };
}
