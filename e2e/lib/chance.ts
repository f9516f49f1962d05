import { randomInt } from 'node:crypto';

/** Chance that can be had again: `CRASH_SEED` repeats what a run's output names. */
export interface Chance {
  readonly seed: number;
  /** In [0, 1). */
  next(): number;
}

export function chance(seed = Number(process.env.CRASH_SEED) || randomInt(1, 2 ** 31)): Chance {
  // Mulberry32.
  let state = seed;
  return {
    seed,
    next() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
