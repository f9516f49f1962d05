import type { AppContext } from '../context.ts';

const EVERY_MS = 50;

/** Measures until the signal how long 50 ms take: more is time in which nobody was answered. */
export async function watchEventLoop(ctx: AppContext, signal: AbortSignal): Promise<void> {
  let before = performance.now();
  while (!signal.aborted) {
    await ctx.clock.sleep(EVERY_MS, signal).catch(() => {});
    const now = performance.now();
    if (!signal.aborted) ctx.metrics.eventLoop.observe({}, (now - before) / 1000);
    before = now;
  }
}
