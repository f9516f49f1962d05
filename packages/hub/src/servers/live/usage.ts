import type { Json } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { fromJson } from '../../db/json.ts';
import { pluginIo } from '../../plugins/plugin-io.ts';
import { listReadyRefs } from './live.repo.ts';

/** What a server uses, as people read it. */
export interface Used {
  memory: number;
  memoryLimit: number | null;
  /** Cores; null before the second look. */
  cpu: number | null;
  at: number;
}

/** More often than this nobody looks, however many ask; ms. */
const FRESH_MS = 5_000;
/** An older figure says nothing about now, ms. */
const STALE_MS = 60_000;
const TIMEOUT_MS = 10_000;

interface Sample {
  generation: number;
  used: Used;
  cpuSeconds: number | null;
}

/** What servers were last seen to use: by this hub, while somebody looked. Nothing of it is kept. */
interface UsageBook {
  samples: Map<string, Sample>;
  at: number;
  running: Promise<void> | undefined;
}

const books = new WeakMap<AppContext['db'], UsageBook>();

function bookOf(ctx: AppContext): UsageBook {
  const book = books.get(ctx.db) ?? { samples: new Map(), at: Number.NEGATIVE_INFINITY, running: undefined };
  books.set(ctx.db, book);
  return book;
}

/** What it used when somebody last looked; null when that is not known, or long ago. */
export function usageOf(ctx: AppContext, id: string, generation: number): Used | null {
  const sample = bookOf(ctx).samples.get(id);
  if (!sample || sample.generation !== generation || ctx.clock.now() - sample.used.at > STALE_MS) return null;
  return sample.used;
}

/** Of all that run, when somebody looked just now. */
export function allUsage(ctx: AppContext): Used[] {
  const now = ctx.clock.now();
  return [...bookOf(ctx).samples.values()].map(({ used }) => used).filter(({ at }) => now - at <= STALE_MS);
}

/** Looks at everything that runs, unless that was done just now. A spawner that cannot tell is not asked. */
export async function lookAtUsage(ctx: AppContext): Promise<void> {
  const book = bookOf(ctx);
  if (!ctx.spawner.usage || ctx.clock.now() - book.at < FRESH_MS) return;
  book.running ??= look(ctx, book).finally(() => {
    book.running = undefined;
  });
  await book.running;
}

async function look(ctx: AppContext, book: UsageBook): Promise<void> {
  const rows = await listReadyRefs(ctx.db);
  const refs = rows.map(({ ref }) => fromJson<Json>(ref));
  const io = pluginIo(ctx, AbortSignal.timeout(TIMEOUT_MS));
  const seen = (await ctx.spawner.usage?.(refs, io)) ?? [];
  const now = ctx.clock.now();
  const samples = new Map<string, Sample>();
  for (const [index, { id, generation }] of rows.entries()) {
    const usage = seen[index];
    if (!usage) continue;
    const before = book.samples.get(id);
    samples.set(id, {
      generation,
      cpuSeconds: usage.cpuSeconds,
      used: {
        memory: usage.memoryBytes,
        memoryLimit: usage.memoryLimitBytes,
        cpu: before?.generation === generation ? rate(before, usage.cpuSeconds, now) : null,
        at: now,
      },
    });
  }
  book.samples = samples;
  book.at = now;
}

/** What ended takes its seconds along where only the living are counted: then it counts as nothing, not as less. */
function rate(before: Sample, seconds: number | null, now: number): number | null {
  const elapsed = (now - before.used.at) / 1000;
  if (seconds === null || before.cpuSeconds === null || elapsed <= 0) return before.used.cpu;
  return Math.max(0, Math.round(((seconds - before.cpuSeconds) / elapsed) * 100) / 100);
}
