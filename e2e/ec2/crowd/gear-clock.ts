import type { SimClock } from '@atrium/ec2-sim';

/** A clock that can be told to run faster from now on: what waits on it waits accordingly shorter. */
export interface GearClock extends SimClock {
  shift(speed: number): void;
}

interface Timer {
  at: number;
  task: () => void;
}

/** Begins at the real time, at the real speed. */
export function gearClock(): GearClock {
  const timers = new Set<Timer>();
  let speed = 1;
  let base = { real: performance.now(), shown: Date.now() };
  let next: NodeJS.Timeout | undefined;

  const now = () => Math.floor(base.shown + (performance.now() - base.real) * speed);
  const arm = () => {
    clearTimeout(next);
    const soonest = Math.min(...[...timers].map(({ at }) => at));
    if (timers.size > 0) next = setTimeout(ring, Math.max(0, Math.ceil((soonest - now()) / speed)));
  };
  const ring = () => {
    const due = [...timers].filter(({ at }) => at <= now()).sort((a, b) => a.at - b.at);
    for (const timer of due) {
      timers.delete(timer);
      timer.task();
    }
    arm();
  };
  const clock: GearClock = {
    get speed() {
      return speed;
    },
    now,
    after(ms, task) {
      const timer = { at: now() + Math.max(0, ms), task };
      timers.add(timer);
      arm();
      return () => {
        timers.delete(timer);
        arm();
      };
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const aborted = () => {
          cancel();
          reject(signal?.reason);
        };
        const cancel = clock.after(ms, () => {
          signal?.removeEventListener('abort', aborted);
          resolve();
        });
        signal?.addEventListener('abort', aborted, { once: true });
      }),
    shift(faster) {
      base = { real: performance.now(), shown: now() };
      speed = faster;
      arm();
    },
    dispose() {
      clearTimeout(next);
      timers.clear();
    },
  };
  return clock;
}
