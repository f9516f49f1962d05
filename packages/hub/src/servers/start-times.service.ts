import type { AppContext } from '../context.ts';
import { recentStartTimes, recentStories } from './events.repo.ts';
import { countBusy, readQueue } from './queue.repo.ts';
import type { Server } from './server.ts';

/**
 * Where a queued server stands, 1 first, and in how many ms its turn is likely to come: so many start at a time, each for
 * as long as usual. Null when it is not queued; the time is null before there was a start.
 */
export async function queuePlace(
  ctx: AppContext,
  server: Server,
): Promise<{ place: number; turnInMs: number | null } | null> {
  if (server.phase !== 'queued') return null;
  const order = await queueOf(ctx);
  const place = placeIn(order, server.id) ?? order.length + 1;
  const usual = await typicalWorkMs(ctx);
  const { concurrency } = ctx.config.start;
  const knowable = usual !== null && !(await waitsForStops(ctx, place));
  return { place, turnInMs: knowable ? Math.ceil(place / concurrency) * usual : null };
}

/** Where it stands, 1 first; null when it does not wait any more. */
export async function placeInQueue(ctx: AppContext, serverId: string): Promise<number | null> {
  return placeIn(await queueOf(ctx), serverId);
}

function placeIn(order: readonly string[], serverId: string): number | null {
  const at = order.indexOf(serverId);
  return at === -1 ? null : at + 1;
}

const queueOf = (ctx: AppContext) => cached(ctx, 'queue', 1_000, () => readQueue(ctx.db, 100_000));

/** Somebody's server has to stop before: nobody knows when that will be. */
async function waitsForStops(ctx: AppContext, place: number): Promise<boolean> {
  const { activeLimit } = ctx.config.start;
  if (activeLimit === 0) return false;
  const { active } = await cached(ctx, 'busy', 1_000, () => countBusy(ctx.db));
  return active + place > activeLimit;
}

/** The median of recent starts in ms, from request to ready; null before there was one. */
export async function typicalStartMs(ctx: AppContext): Promise<number | null> {
  const times = await cached(ctx, 'start-times', 10_000, () => recentStartTimes(ctx.db, 31));
  return median(times);
}

/** The same without the time in the queue: from the first step that the spawner told, where it told any. */
async function typicalWorkMs(ctx: AppContext): Promise<number | null> {
  return cached(ctx, 'work-times', 10_000, async () => {
    const stories = await recentStories(ctx.db, 31);
    const times = stories.map((story) => {
      const [asked, begun = asked] = story.length > 2 ? story : story.slice(0, 1);
      return (story.at(-1)?.at ?? 0) - (begun?.at ?? 0);
    });
    return median(times);
  });
}

/** Steps that take less are over before anybody wonders; ms. */
const SLOW_STEP = 5_000;

/**
 * How long steps of a start usually take, in ms: the median of recent starts, by the step's message with its numbers left
 * out (`stepKey`). Only of those that are slow.
 */
export async function typicalStepMs(ctx: AppContext): Promise<ReadonlyMap<string, number>> {
  return cached(ctx, 'step-times', 10_000, async () => {
    const times = new Map<string, number[]>();
    for (const story of await recentStories(ctx.db, 31)) {
      for (const [index, { at, message }] of story.entries()) {
        const next = story[index + 1];
        if (next) times.set(stepKey(message), [...(times.get(stepKey(message)) ?? []), next.at - at]);
      }
    }
    const medians = [...times].map(([key, all]) => [key, median(all) ?? 0] as const);
    return new Map(medians.filter(([, ms]) => ms >= SLOW_STEP));
  });
}

/** What steps of different starts have in common: `Waiting for i-0ab12 (3 GB)` is one step, whatever the machine. */
export function stepKey(message: string): string {
  return message.replace(/\b\w*\d\w*\b/g, '#');
}

function median(times: readonly number[]): number | null {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? null;
}

/** What many waiting pages ask at once is read once. Per installation, gone with it. */
const caches = new WeakMap<AppContext, Map<string, { at: number; value: Promise<unknown> }>>();

function cached<T>(ctx: AppContext, key: string, maxAgeMs: number, read: () => Promise<T>): Promise<T> {
  const cache = caches.get(ctx) ?? new Map<string, { at: number; value: Promise<unknown> }>();
  caches.set(ctx, cache);
  const known = cache.get(key);
  const now = ctx.clock.now();
  if (known && now - known.at < maxAgeMs) return known.value as Promise<T>;
  const value = read();
  cache.set(key, { at: now, value });
  value.catch(() => cache.delete(key));
  return value;
}
