import type { AppContext } from '../context.ts';
import { readCharts } from '../rollups/charts.service.ts';
import { startOf, zoneOf } from '../rollups/spans.ts';
import { allUsage, countPhases, lookAtUsage } from '../servers/live/live.service.ts';
import { listServices } from '../services/services.service.ts';
import { listAlerts } from '../upkeep/upkeep.service.ts';
import { countPeople, oldestQueued } from './overview.repo.ts';

/** Whoever did something in the last so many ms is there now. */
const NOW_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;
/** Reasons of failures in the list; the charts have all. */
const MOST_REASONS = 20;

export interface Problem {
  kind: 'alert' | 'warning' | 'service' | 'failure';
  text: string;
  since: number | null;
  link: { kind: 'service' | 'server'; name: string } | null;
}

/** Who is on, is anything broken, are we near a limit, what changed today. */
export async function readOverview(ctx: AppContext) {
  const now = ctx.clock.now();
  const today = startOf('day', now, zoneOf(ctx.config));
  await lookAtUsage(ctx).catch((err) => ctx.log.warn({ err }, 'the spawner did not say what servers use'));
  const [people, phases, oldest, charts, alerts, services] = await Promise.all([
    countPeople(ctx.db, { now: now - NOW_MS, today }),
    countPhases(ctx.db),
    oldestQueued(ctx.db),
    Promise.all([readCharts(ctx, today, now + 1, 'day'), readCharts(ctx, now - DAY_MS, now + 1, 'hour')]),
    listAlerts(ctx.db),
    listServices(ctx.db),
  ]);
  const [{ starts }, { failures }] = charts;
  const problems: Problem[] = [
    ...alerts.map(({ message, firstAt }) => ({ kind: 'alert' as const, text: message, since: firstAt, link: null })),
    ...services.flatMap(({ name, problem }) =>
      problem === null
        ? []
        : [
            {
              kind: 'service' as const,
              text: `${name}: ${problem}`,
              since: null,
              link: { kind: 'service' as const, name },
            },
          ],
    ),
    ...failures
      .toSorted((a, b) => b.lastAt - a.lastAt)
      .slice(0, MOST_REASONS)
      .map(({ words, count, lastAt }) => ({
        kind: 'failure' as const,
        text: count === 1 ? words : `${words} (${count} times)`,
        since: lastAt,
        link: null,
      })),
    ...ctx.spawner.caps.warnings.map((text) => ({ kind: 'warning' as const, text, since: null, link: null })),
  ];
  return { now, today, people, phases, oldestQueued: oldest, starts, problems, usage: sumOf(allUsage(ctx)) };
}

/** Null where no server was measured lately; the limit is null as soon as one of them has none. */
function sumOf(all: ReturnType<typeof allUsage>): { memory: number; memoryLimit: number | null } | null {
  if (all.length === 0) return null;
  const limits = all.map(({ memoryLimit }) => memoryLimit);
  return {
    memory: all.reduce((sum, { memory }) => sum + memory, 0),
    memoryLimit: limits.includes(null) ? null : limits.reduce<number>((sum, limit) => sum + (limit ?? 0), 0),
  };
}
