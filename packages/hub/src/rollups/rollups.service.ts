import type { AppContext } from '../context.ts';
import { holdLease } from '../db/leases.repo.ts';
import { countPhases } from '../servers/live/live.service.ts';
import { BOUNDS } from './durations.ts';
import * as repo from './rollups.repo.ts';
import { HOUR_MS, nextOf, type Step, startOf, zoneOf } from './spans.ts';

export { recordReady, recordTrouble } from './outcomes.repo.ts';

const EVERY_MS = 60_000;
/** Longer than a round and its pause, so that the same hub keeps it; after this another one goes on. */
const LEASE_MS = 150_000;
/** Starts are kept one by one for so long, then as sums. */
export const OUTCOMES_MS = 48 * HOUR_MS;
/** Who was active is kept by name no longer than a day's figure needs it. */
const MARKS_MS = 72 * HOUR_MS;
/** So long into an hour or day, what was active at the end of the one before is still looked for. */
const LATE_MS = 5 * 60_000;
/** Starts that become sums in one transaction. */
const TOGETHER = 500;

/** Counts once a minute until the signal; of several hubs, one does. Every part may be repeated, and cut off anywhere. */
export async function watchRollups(ctx: AppContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const now = ctx.clock.now();
      if (await holdLease(ctx.db, 'rollups', ctx.instanceId, now, now + LEASE_MS)) await count(ctx, signal);
    } catch (err) {
      if (!signal.aborted) ctx.log.warn({ err }, 'figures for the charts not counted; trying again');
    }
    await ctx.clock.sleep(EVERY_MS, signal).catch(() => {});
  }
}

/** One round. */
export async function count(ctx: AppContext, signal: AbortSignal): Promise<void> {
  const now = ctx.clock.now();
  const zone = zoneOf(ctx.config);
  const { ready: servers } = await countPhases(ctx.db);
  for (const step of ['hour', 'day'] as const) {
    const start = startOf(step, now, zone);
    if (now - start < LATE_MS) await countPeople(ctx, step, startOf(step, start - 1, zone), zone);
    await countPeople(ctx, step, start, zone);
    await repo.raise(ctx.db, { kind: `servers.${step}`, start, key: '', value: servers });
  }
  await sumUp(ctx, now - OUTCOMES_MS, zone, signal);
  const { keep } = ctx.config.charts;
  await repo.pruneRollups(ctx.db, { marks: now - MARKS_MS, sums: keep === 0 ? 0 : now - keep * 1000 });
}

async function countPeople({ db }: AppContext, step: Step, start: number, zone: string): Promise<void> {
  await repo.markActive(db, step, start, nextOf(step, start, zone));
  const value = await repo.countMarks(db, step, start);
  await repo.raise(db, { kind: `people.${step}`, start, key: '', value });
}

/** Starts of long ago become sums by the hour. */
async function sumUp(ctx: AppContext, before: number, zone: string, signal: AbortSignal): Promise<void> {
  for (let taken = TOGETHER; taken === TOGETHER && !signal.aborted; ) {
    taken = await ctx.db.transaction().execute(async (db) => {
      const rows = await repo.takeOldOutcomes(db, before, TOGETHER);
      const sums = new Map<string, repo.Rollup>();
      for (const { at, kind, code, ms } of rows) {
        const key = kind === 'ready' ? `ready:${BOUNDS.find((le) => (ms ?? 0) <= le * 1000) ?? ''}` : `${kind}:${code}`;
        const start = startOf('hour', at, zone);
        const name = `${start} ${key}`;
        sums.set(name, { kind: 'starts', start, key, value: (sums.get(name)?.value ?? 0) + 1 });
      }
      // In one order, whoever does it: two that went crosswise would wait for each other.
      for (const [, sum] of [...sums].sort(([a], [b]) => (a < b ? -1 : 1))) await repo.add(db, sum);
      return rows.length;
    });
  }
}
