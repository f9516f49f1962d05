import type { Clock } from '@atrium/sdk';
import type { TokenBucket } from './buckets.ts';

/** Whoever does not ask for its place for so long has left the queue. */
const LEFT_MS = 15_000;

/** Who may launch next: a start asks at each of its steps for its place, so nobody is kept waiting inside a step. */
export function launchQueue(clock: Clock, every: readonly TokenBucket[]) {
  const waiting = new Map<string, number>();
  return (key: string): { place: number; waitMs: number } => {
    const now = clock.now();
    for (const [other, asked] of waiting) if (now - asked > LEFT_MS) waiting.delete(other);
    waiting.set(key, now);
    const ahead = [...waiting.keys()].indexOf(key);
    if (every.every((bucket) => bucket.has(ahead + 1))) {
      waiting.delete(key);
      for (const bucket of every) void bucket.take(1);
      return { place: 0, waitMs: 0 };
    }
    return { place: ahead + 1, waitMs: Math.max(...every.map((bucket) => bucket.waitMs(ahead + 1))) };
  };
}
