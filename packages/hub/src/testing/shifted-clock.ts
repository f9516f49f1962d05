import { type Clock, systemClock } from '@atrium/sdk';

/** Stands still until it is moved; sleeps are real, so that what waits in the background goes on. */
export interface ShiftedClock extends Clock {
  move(ms: number): void;
  set(at: number): void;
}

export function shiftedClock(start: number): ShiftedClock {
  let now = start;
  return {
    now: () => now,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    move(ms) {
      now += ms;
    },
    set(at) {
      now = at;
    },
  };
}
