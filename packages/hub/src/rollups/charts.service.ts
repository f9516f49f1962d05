import type { AppContext } from '../context.ts';
import { countPhases } from '../servers/live/live.service.ts';
import { BOUNDS, type Bucket, quantile } from './durations.ts';
import * as repo from './rollups.repo.ts';
import { type Step, startOf, startsWithin, zoneOf } from './spans.ts';

export interface Charts {
  zone: string;
  activity: { start: number; people: number; servers: number }[];
  starts: {
    ready: number;
    failed: number;
    p50: number | null;
    p90: number | null;
    p99: number | null;
    histogram: Bucket[];
    perStep: { start: number; ready: number; failed: number }[];
  };
  failures: { code: string; kind: 'start' | 'ended'; words: string; count: number; lastAt: number }[];
  /** Since when figures are kept at all; null when there are none yet. */
  completeSince: number | null;
}

/** Days or hours in one answer at most. */
export const MOST_STEPS = 1_000;

/** What the charts of a stretch of time are drawn from; ms. */
export async function readCharts(ctx: AppContext, since: number, until: number, step: Step): Promise<Charts> {
  const { db, config } = ctx;
  const zone = zoneOf(config);
  const starts = startsWithin(step, since, until, zone);
  const from = starts[0] ?? since;
  const [figures, sums, recent, words, completeSince] = await Promise.all([
    repo.listRollups(db, [`people.${step}`, `servers.${step}`], from, until),
    repo.listRollups(db, ['starts'], from, until),
    repo.sumOutcomes(db, from, until),
    repo.lastWords(db, from, until),
    repo.oldestRollup(db),
  ]);
  const activity = starts.map((start) => ({ start, people: 0, servers: 0 }));
  for (const { kind, start, value } of figures) {
    const point = activity[indexOf(starts, start)];
    const key = kind.startsWith('people') ? 'people' : 'servers';
    // Of another zone, before the configuration was changed: two of those can lie in one of these.
    if (point) point[key] = Math.max(point[key], value);
  }
  const all = [...sums.map(outcomeOf), ...recent];
  await addNow(ctx, activity, step, zone);
  return { zone, activity, starts: startsOf(all, starts), failures: failuresOf(all, words), completeSince };
}

/** What is going on now has not all been counted yet. */
async function addNow(
  { db, clock }: AppContext,
  activity: Charts['activity'],
  step: Step,
  zone: string,
): Promise<void> {
  const last = activity.at(-1);
  if (!last || last.start !== startOf(step, clock.now(), zone)) return;
  last.people = Math.max(last.people, await repo.countActiveSince(db, last.start));
  last.servers = Math.max(last.servers, (await countPhases(db)).ready);
}

/** Which of the stretches a time lies in. */
function indexOf(starts: readonly number[], at: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}

/** A sum of long ago in the form of the recent ones. */
function outcomeOf({ start, key, value }: repo.Rollup): repo.OutcomeSum {
  const at = key.indexOf(':');
  const kind = key.slice(0, at) as repo.OutcomeSum['kind'];
  const rest = key.slice(at + 1);
  const le = kind === 'ready' && rest !== '' ? Number(rest) : null;
  return { quarter: start, kind, code: kind === 'ready' ? null : rest, le, count: value };
}

function startsOf(all: readonly repo.OutcomeSum[], starts: readonly number[]): Charts['starts'] {
  const perStep = starts.map((start) => ({ start, ready: 0, failed: 0 }));
  const counts = new Map<number | null, number>();
  for (const { quarter, kind, le, count } of all) {
    const point = perStep[indexOf(starts, quarter)];
    if (!point || kind === 'ended') continue;
    point[kind] += count;
    if (kind === 'ready') counts.set(le, (counts.get(le) ?? 0) + count);
  }
  const histogram = [...BOUNDS, null].map((le) => ({ le, count: counts.get(le) ?? 0 }));
  const total = (key: 'ready' | 'failed') => perStep.reduce((sum, point) => sum + point[key], 0);
  return {
    ready: total('ready'),
    failed: total('failed'),
    p50: quantile(histogram, 0.5),
    p90: quantile(histogram, 0.9),
    p99: quantile(histogram, 0.99),
    histogram,
    perStep,
  };
}

/** For what is only a sum by now: the words that went with it are gone. */
const WORDS: Readonly<Record<string, string>> = {
  exited: 'The server ended by itself.',
  lost: 'The server was gone.',
  out_of_memory: 'The server ran out of memory.',
  disk_full: 'A disk was full.',
  start_timeout: 'The server did not start in time.',
  answer_timeout: 'The server ran but did not answer in time.',
  spawner_error: 'An error in the hub.',
};

function failuresOf(
  all: readonly repo.OutcomeSum[],
  words: Awaited<ReturnType<typeof repo.lastWords>>,
): Charts['failures'] {
  const found = new Map<string, Charts['failures'][number]>();
  for (const { kind, code, count, quarter } of all) {
    if (kind === 'ready' || code === null) continue;
    const name = `${kind}:${code}`;
    const said = words.find((one) => one.kind === kind && one.code === code);
    const one = found.get(name) ?? {
      code,
      kind: kind === 'failed' ? ('start' as const) : ('ended' as const),
      words: said?.message ?? WORDS[code] ?? code.replaceAll('_', ' '),
      count: 0,
      lastAt: said?.at ?? quarter,
    };
    one.count += count;
    one.lastAt = Math.max(one.lastAt, said?.at ?? quarter);
    found.set(name, one);
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}
