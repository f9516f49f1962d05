import type { Clock } from '@atrium/sdk';

/** The pauses of one start between two looks at it. */
export interface Nap extends Disposable {
  /**
   * Resolves after `ms`, or at once when somebody wakes it or has woken it since the last pause. Answers how long there
   * was nothing to do, ms: what came after that is the hub's own slowness. Never rejects.
   */
  sleep(ms: number, signal: AbortSignal): Promise<number>;
}

/** Lets a start be looked at as soon as its machine has something to tell, whenever its next turn would be. */
export interface Naps {
  of(id: string): Nap;
  wake(id: string): void;
}

export function naps(clock: Clock): Naps {
  const all = new Map<string, { wokenAt: number | undefined; end: () => void }>();
  return {
    of(id) {
      const mine = { wokenAt: undefined as number | undefined, end: () => {} };
      all.set(id, mine);
      return {
        async sleep(ms, signal) {
          const began = clock.now();
          if (mine.wokenAt === undefined && !signal.aborted) {
            const over = new AbortController();
            mine.end = () => over.abort();
            await clock.sleep(ms, AbortSignal.any([signal, over.signal])).catch(() => {});
            mine.end = () => {};
          }
          const until = Math.min(mine.wokenAt ?? Number.POSITIVE_INFINITY, began + ms, clock.now());
          mine.wokenAt = undefined;
          return Math.max(0, until - began);
        },
        [Symbol.dispose]() {
          if (all.get(id) === mine) all.delete(id);
        },
      };
    },
    wake(id) {
      const one = all.get(id);
      if (!one) return;
      one.wokenAt ??= clock.now();
      one.end();
    },
  };
}
