import { setTimeout as delay } from 'node:timers/promises';
import { startEcho, watchHealth } from './children.ts';
import { benchDir, type HubKind, type Placing, type RunningHub, startHub } from './hub.ts';
import { type Door, type Visit, visit } from './person.ts';
import { usageOf } from './processes.ts';
import { quantile } from './quantile.ts';

export interface StormOptions extends Placing {
  users: number;
  /** Seconds over which they all arrive, evenly. */
  within: number;
}

/** What one hub did with one class. Times in ms. */
export interface Result {
  hub: string;
  users: number;
  ready: number;
  refused: number;
  failed: number;
  /** The most frequent problems, with how often. */
  problems: string[];
  /** From the first arrival to the last server. */
  wallMs: number;
  startsPerSecond: number;
  toReady: { p50: number; p95: number; max: number };
  /** Of CPU, per start that came to be ready. */
  cpuPerStart: { hub: number; proxy: number; driver: number };
  /** Bytes, the most the hub process had. */
  peakRss: number;
  bootMs: number;
  health: { asked: number; failures: number; p50: number; p99: number; max: number };
}

/** Nobody waits longer than this for a server. */
const PATIENCE_MS = 180_000;
/** Health is looked at for this long before the first arrives and after the last is done. */
const CALM_MS = 300;

/** Boots a hub, lets a class arrive, and measures. Stops everything it started. */
export async function storm(kind: HubKind, options: StormOptions): Promise<Result> {
  await kind.prepare?.();
  using dir = benchDir();
  await using echo = await startEcho();
  const plan = await kind.plan(dir.path, echo.url);
  // Once before, so that neither compiles its sources while it is measured.
  await (await startHub(kind, plan, dir.path, options))[Symbol.asyncDispose]();
  await using hub = await startHub(kind, plan, dir.path, options);
  return await measure(kind.title, hub, options);
}

async function measure(title: string, hub: RunningHub, { users, within }: StormOptions): Promise<Result> {
  await using health = watchHealth(`${hub.door.origin}${hub.door.hub}health`);
  await delay(CALM_MS);
  const cpu = (role: 'hub' | 'proxy') => hub.pids(role).reduce((sum, pid) => sum + usageOf(pid).cpuMs, 0);
  const before = { hub: cpu('hub'), proxy: cpu('proxy'), driver: process.cpuUsage() };
  const began = performance.now();
  const visits = await arrive(hub.door, users, within * 1000);
  const after = { hub: cpu('hub'), proxy: cpu('proxy'), driver: process.cpuUsage(before.driver) };
  await delay(CALM_MS);
  const answers = await health.stop();

  const ready = visits.filter(({ outcome }) => outcome === 'ready');
  const times = ready.map(({ ms }) => ms);
  const looks = answers.map(({ ms }) => ms);
  const wallMs = Math.max(...visits.map(({ readyAt }) => readyAt)) - began;
  const each = (ms: number) => (ready.length === 0 ? Number.NaN : ms / ready.length);
  return {
    hub: title,
    users,
    ready: ready.length,
    refused: visits.filter(({ outcome }) => outcome === 'refused').length,
    failed: visits.filter(({ outcome }) => outcome === 'failed').length,
    problems: problemsOf(visits),
    wallMs,
    startsPerSecond: (ready.length * 1000) / wallMs,
    toReady: { p50: quantile(times, 0.5), p95: quantile(times, 0.95), max: quantile(times, 1) },
    cpuPerStart: {
      hub: each(after.hub - before.hub),
      proxy: each(after.proxy - before.proxy),
      driver: each((after.driver.user + after.driver.system) / 1000),
    },
    peakRss: Math.max(...hub.pids('hub').map((pid) => usageOf(pid).peakRss)),
    bootMs: hub.bootMs,
    health: {
      asked: answers.length,
      failures: answers.filter(({ ok }) => !ok).length,
      p50: quantile(looks, 0.5),
      p99: quantile(looks, 0.99),
      max: quantile(looks, 1),
    },
  };
}

function arrive(door: Door, users: number, withinMs: number): Promise<Visit[]> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return Promise.all(
    Array.from({ length: users }, async (_, at) => {
      await delay((at * withinMs) / users);
      return visit(door, `student-${String(at).padStart(4, '0')}`, signal);
    }),
  );
}

function problemsOf(visits: readonly Visit[]): string[] {
  const counts = new Map<string, number>();
  for (const { problem } of visits) {
    if (problem === undefined) continue;
    const kind = problem.replaceAll(/student-\d+/g, '…');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([problem, count]) => `${count} × ${problem}`);
}
