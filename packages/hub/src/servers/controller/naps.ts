import type { Clock } from '@atrium/sdk';

/** The pauses of one start between two looks at it. */
export interface Nap extends Disposable {
  /** Resolves after `ms`, or at once when somebody wakes it or has woken it since the last pause. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Lets a start be looked at as soon as its machine has something to tell, whenever its next turn would be. */
export interface Naps {
  of(id: string): Nap;
  wake(id: string): void;
}

export function naps(clock: Clock): Naps {
  const all = new Map<string, { woken: boolean; end: () => void }>();
  return {
    of(id) {
      const mine = { woken: false, end: () => {} };
      all.set(id, mine);
      return {
        async sleep(ms, signal) {
          if (!mine.woken && !signal.aborted) {
            const over = new AbortController();
            mine.end = () => over.abort();
            await clock.sleep(ms, AbortSignal.any([signal, over.signal])).catch(() => {});
            mine.end = () => {};
          }
          mine.woken = false;
        },
        [Symbol.dispose]() {
          if (all.get(id) === mine) all.delete(id);
        },
      };
    },
    wake(id) {
      const one = all.get(id);
      if (!one) return;
      one.woken = true;
      one.end();
    },
  };
}
