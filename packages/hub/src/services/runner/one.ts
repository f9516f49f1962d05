import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { endLeftovers, MARK, markOf } from './leftovers.ts';
import type { RunnerOptions, ServiceEvent, ServiceProcess } from './types.ts';

/** It is started again after so long: at once would be in vain for what ends at once. */
const PAUSES_MS = [500, 1_000, 2_000, 5_000, 10_000, 30_000];
/** One that ran this long ended for a reason of its own. */
const STEADY_MS = 60_000;
/** How long it may take to end politely. */
const GRACE_MS = 5_000;

/** What a process on this machine keeps of ours (contract §1.1). */
const KEPT = [
  'CONDA_DEFAULT_ENV',
  'CONDA_ROOT',
  'JUPYTERHUB_SINGLEUSER_APP',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'PATH',
  'PYTHONPATH',
  'VIRTUAL_ENV',
] as const;

const keptOf = (parent: RunnerOptions['environment']) =>
  Object.fromEntries(KEPT.flatMap((key) => (parent[key] === undefined ? [] : [[key, parent[key]] as const])));

export interface KeptService {
  readonly order: ServiceProcess;
  readonly pid: number | undefined;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** Keeps one service running until it is stopped. */
export function keepService(
  order: ServiceProcess,
  hubId: string,
  options: RunnerOptions,
  tell: (event: ServiceEvent) => void,
): KeptService {
  const { name } = order;
  const stopping = new AbortController();
  let child: ChildProcess | undefined;

  const once = async (): Promise<string> => {
    const { uid, gid, environment } = options.accountOf(order.user);
    const [program = '', ...args] = order.command;
    const started = spawn(program, args, {
      cwd: order.cwd ?? options.cwd,
      env: { ...keptOf(options.environment), ...environment, ...order.environment, [MARK]: markOf(hubId, name) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which ends as a whole; and no Ctrl-C of a terminal reaches it.
      detached: true,
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    });
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => tell({ kind: 'output', name, text }));
    }
    const ended = new Promise<string>((resolve) => {
      started.once('error', (error) => resolve(error.message));
      started.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `status ${code}`));
    });
    if (started.pid !== undefined) {
      child = started;
      tell({ kind: 'started', name, pid: started.pid });
      if (stopping.signal.aborted) signalGroup(started, 'SIGTERM');
    }
    const how = await ended;
    // What it left of its own would hold its port.
    signalGroup(started, 'SIGKILL');
    child = undefined;
    return how;
  };

  const keep = async (): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      const since = Date.now();
      const how = await once().catch((error: Error) => error.message);
      if (Date.now() - since > STEADY_MS) failures = 0;
      const againMs = stopping.signal.aborted ? null : PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]!;
      tell({ kind: 'ended', name, how, againMs });
      if (againMs !== null) await delay(againMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  const kept = keep();
  return {
    order,
    get pid() {
      return child?.pid;
    },
    async stop() {
      stopping.abort();
      if (child) signalGroup(child, 'SIGTERM');
      const late = new AbortController();
      void delay(GRACE_MS, undefined, { signal: late.signal }).then(
        () => child && signalGroup(child, 'SIGKILL'),
        () => {},
      );
      await kept;
      late.abort();
      endLeftovers(markOf(hubId, name), { exact: true });
    },
  };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group is gone.
  }
}
