import { setTimeout as delay } from 'node:timers/promises';
import { manualClock, type SimClock } from '@atrium/ec2-sim';

/** How often time is moved on; ms of ours. */
const TICK_MS = 4;

/** A region's time, which goes on while a hub runs and stands still while one is loaded: loading costs seconds of ours. */
export interface DrivenClock extends SimClock {
  freeze(): void;
  thaw(): void;
  /** Lets time pass at once. */
  skip(ms: number): Promise<void>;
}

/** Simulated time, `speed` times as fast as ours; stands still until thawed. */
export function drivenClock(speed: number, start: number = Date.now()): DrivenClock {
  const clock = manualClock(start);
  let frozen = true;
  let over = false;
  let last = performance.now();
  let turn: Promise<void> = Promise.resolve();
  const advance = (ms: number) => {
    turn = turn.then(() => clock.advance(ms));
    return turn;
  };
  void (async () => {
    while (!over) {
      await delay(TICK_MS);
      const now = performance.now();
      if (!frozen) await advance((now - last) * speed);
      last = now;
    }
  })();
  return {
    now: () => Math.floor(clock.now()),
    sleep: clock.sleep,
    after: clock.after,
    speed,
    freeze() {
      frozen = true;
    },
    thaw() {
      last = performance.now();
      frozen = false;
    },
    async skip(ms) {
      const STEP = 2_000;
      for (let passed = 0; passed < ms; passed += STEP) {
        await advance(Math.min(STEP, ms - passed));
        // Machines that call a hub which is not there need a moment of ours to hear so.
        await delay(1);
      }
    },
    dispose() {
      over = true;
    },
  };
}
