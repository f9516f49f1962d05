import type { Clock } from '@atrium/sdk';

const BASE_MS = 500;
export const CAP_MS = 20_000;

/** Full jitter: anything from 0 to the doubled delay, so that a class of machines does not come back in step. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  return Math.floor(random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 20)));
}

/** Waits, or returns early when the signal is aborted; never rejects. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await clock.sleep(ms, signal).catch(() => {});
}
