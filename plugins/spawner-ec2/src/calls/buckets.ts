import type { Clock } from '@atrium/sdk';

/** Full jitter up to this, after EC2 said that there were too many calls. */
const MOST_BACK_OFF_MS = 20_000;
const FIRST_BACK_OFF_MS = 500;

/** Our side of a token bucket of EC2: calls wait here instead of being refused there. */
export interface TokenBucket {
  /** Resolves when `n` tokens are ours, first come, first served. Rejects when aborted; the tokens go back. */
  take(n: number, signal?: AbortSignal): Promise<void>;
  /** Whether `n` tokens are there now. */
  has(n: number): boolean;
  /** How long until `n` tokens are there, ms. */
  waitMs(n: number): number;
  /** EC2 refused a call: ours is emptier than we thought. Others use the account, too. */
  refused(): void;
}

export function tokenBucket(clock: Clock, { burst, perSecond }: { burst: number; perSecond: number }): TokenBucket {
  /** Below zero: promised to those who wait. */
  let tokens = burst;
  let at = clock.now();
  let backOff = 0;
  let pausedUntil = 0;
  const fill = () => {
    const now = clock.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond);
    at = now;
    // A quiet minute, and the refusals are forgotten.
    if (backOff > 0 && now > pausedUntil + 60_000) backOff = 0;
  };
  const waitMs = (n: number) => {
    fill();
    const short = tokens >= n ? 0 : ((n - tokens) / perSecond) * 1000;
    return Math.max(short, pausedUntil - clock.now(), 0);
  };
  return {
    waitMs,
    has: (n) => waitMs(n) === 0,
    async take(n, signal) {
      signal?.throwIfAborted();
      const wait = waitMs(n);
      tokens -= n;
      if (wait <= 0) return;
      await clock.sleep(Math.ceil(wait), signal).catch((error: unknown) => {
        tokens += n;
        throw error;
      });
    },
    refused() {
      fill();
      tokens = Math.min(tokens, 0);
      backOff = Math.min(backOff === 0 ? FIRST_BACK_OFF_MS : backOff * 2, MOST_BACK_OFF_MS);
      pausedUntil = Math.max(pausedUntil, clock.now() + Math.random() * backOff);
    },
  };
}
