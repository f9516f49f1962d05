/** What decides whether the machine may go on. All times in ms. */
export interface LeaseFacts {
  now: number;
  leaseUntil: number;
  sessionUntil: number;
  hardStopAfterMs: number;
  busy: boolean;
}

export type Verdict =
  | { go: 'on' }
  /** The person should read that the machine will end, at a time. */
  | { go: 'warn'; why: 'session' | 'hub-gone'; at: number }
  | { go: 'off'; why: 'session' | 'idle' | 'hard-limit' };

/** How long before the end the person is warned. */
const WARN_MS = 15 * 60_000;

/**
 * The rules for a machine whose hub is silent: off when the lease ran out and nothing works; off regardless a long time
 * after that; and never longer than the profile's session, hub or no hub.
 */
export function judge({ now, leaseUntil, sessionUntil, hardStopAfterMs, busy }: LeaseFacts): Verdict {
  if (now >= sessionUntil) return { go: 'off', why: 'session' };
  const hardStop = leaseUntil + hardStopAfterMs;
  if (now >= hardStop) return { go: 'off', why: 'hard-limit' };
  if (now >= leaseUntil && !busy) return { go: 'off', why: 'idle' };
  if (now >= sessionUntil - WARN_MS) return { go: 'warn', why: 'session', at: sessionUntil };
  if (now >= hardStop - Math.max(WARN_MS, hardStopAfterMs / 12)) return { go: 'warn', why: 'hub-gone', at: hardStop };
  return { go: 'on' };
}
