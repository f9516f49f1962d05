import { setTimeout as delay } from 'node:timers/promises';
import { manualClock, type SimClock } from '../../../tools/ec2-sim/src/clock.ts';

/** Simulated time goes on in steps of this, ms, */
const STEP_MS = 2_000;
/** each of which takes at least this, in ms of ours. */
const TICK_MS = 5;
/** Steps at once while there is no hub, simulated ms. */
const SKIP_MS = 2_000;

/**
 * The time that a region and the hub share. It goes on step by step, and not before whoever follows has made the one
 * before: on a busy machine it goes slower, and nobody seems late. It stands still while a hub is loaded.
 */
export interface DrivenClock extends SimClock {
  freeze(): void;
  thaw(): void;
  /** Lets time pass at once. */
  skip(ms: number): Promise<void>;
  /** Told of each step, which waits for it. */
  follow(step: (now: number) => Promise<void>): void;
}

/** Stands still until thawed. */
export function drivenClock(start: number = Date.now()): DrivenClock {
  const clock = manualClock(start);
  let frozen = true;
  let over = false;
  let turn: Promise<void> = Promise.resolve();
  let behind: Promise<void> | undefined;
  let follower: (now: number) => Promise<void> = async () => {};
  const advance = (ms: number) => {
    turn = turn.then(() => clock.advance(ms));
    return turn;
  };
  void (async () => {
    while (!over) {
      await delay(TICK_MS);
      if (frozen) continue;
      await advance(STEP_MS);
      await behind;
      behind = follower(clock.now());
    }
  })();
  return {
    ...clock,
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
    },
    async skip(ms) {
      for (let passed = 0; passed < ms; passed += SKIP_MS) {
        await advance(Math.min(SKIP_MS, ms - passed));
        // Machines that call a hub which is not there need a moment of ours to hear so.
        await delay(1);
      }
    },
    follow(step) {
      follower = step;
    },
    dispose() {
      over = true;
    },
  };
}
