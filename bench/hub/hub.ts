import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Door } from './person.ts';
import { familyOf, hurry } from './processes.ts';

/** A kind of hub that can be measured. */
export interface HubKind {
  /** As the table's column says. */
  title: string;
  /** Makes what it needs, once; what it makes stays for the next run. */
  prepare?(): Promise<void>;
  /** How to run it with its files in `dir`. */
  plan(dir: string, echoUrl: string): Promise<Plan>;
  /** Which of its processes is which. */
  role(command: string): 'hub' | 'proxy' | 'other';
}

export interface Plan {
  command: readonly [string, ...string[]];
  env: Record<string, string>;
  door: Door;
  /** A PostgreSQL database in place of its own file. */
  database?: string;
}

/** A hub that answers. */
export interface RunningHub extends AsyncDisposable {
  readonly door: Door;
  /** ms from starting the command to the first good answer of `/hub/health`. */
  readonly bootMs: number;
  pids(role: 'hub' | 'proxy' | 'other'): number[];
}

const BOOT_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 15_000;
/** The kernel's own wait between looks while a hub boots, ms. */
const LOOK_MS = 10;

/** A directory for one hub, gone afterwards. */
export function benchDir(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'atrium-bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Placing {
  /** Core of hub and proxy; undefined: wherever the kernel puts them. */
  core?: number | undefined;
  /** They go before everything else on this machine. */
  urgent?: boolean;
}

/** Runs a hub until disposed. @throws with the end of its output when it does not answer. */
export async function startHub(kind: HubKind, plan: Plan, dir: string, placing: Placing): Promise<RunningHub> {
  const { core, urgent } = placing;
  const logFile = join(dir, 'output.log');
  const log = openSync(logFile, 'a', 0o600);
  const [file, ...args] = core === undefined ? plan.command : ['taskset', '-c', String(core), ...plan.command];
  const began = performance.now();
  const child = spawn(file, args, { cwd: dir, env: { ...process.env, ...plan.env }, stdio: ['ignore', log, log] });
  const { door } = plan;
  if (urgent && child.pid) hurry([child.pid]);
  try {
    await untilHealthy(child, `${door.origin}${door.hub}health`);
  } catch (error) {
    await stop(child);
    throw new Error(`${kind.title}: ${(error as Error).message}\n${readFileSync(logFile, 'utf8').slice(-3_000)}`);
  }
  const bootMs = performance.now() - began;
  const family = familyOf(child.pid ?? 0);
  if (urgent) hurry(family.map(({ pid }) => pid));
  return {
    door,
    bootMs,
    pids: (role) => family.filter(({ command }) => kind.role(command) === role).map(({ pid }) => pid),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function untilHealthy(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + BOOT_DEADLINE_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if ((await statusOf(url)) === 200) return;
    await delay(LOOK_MS);
  }
  throw new Error(`no answer within ${BOOT_DEADLINE_MS / 1000} s`);
}

export function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, timeout: 1_000 }, (reply) => {
      reply.resume();
      resolve(reply.statusCode ?? 0);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', () => resolve(0));
    sent.end();
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const family = familyOf(child.pid ?? 0);
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  const force = delay(STOP_DEADLINE_MS, undefined, { signal: late.signal }).then(
    () => {
      for (const { pid } of family.reverse()) kill(pid);
    },
    () => {},
  );
  await gone;
  late.abort();
  await force;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
