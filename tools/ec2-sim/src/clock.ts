import type { Clock } from '@atrium/sdk';

/** The simulator's time: the clock of the sdk, and timers on it. */
export interface SimClock extends Clock {
  /** Runs `task` once when `ms` of simulated time have passed; returns how to call it off. */
  after(ms: number, task: () => void): () => void;
  /** Simulated milliseconds per real one; 0 for a clock that is advanced by hand. */
  readonly speed: number;
  dispose(): void;
}

/** A clock that stands still until somebody advances it. */
export interface ManualClock extends SimClock {
  /** Moves time on and runs what became due, in order, letting promises settle between two moments. */
  advance(ms: number): Promise<void>;
}

interface Timer {
  at: number;
  order: number;
  task: () => void;
}

/** Smallest first: what is due next stands at 0. */
class TimerHeap {
  #timers: Timer[] = [];

  get next(): Timer | undefined {
    return this.#timers[0];
  }

  push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!sooner(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  pop(): Timer | undefined {
    const heap = this.#timers;
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && sooner(heap[child + 1]!, heap[child]!)) child += 1;
      if (!sooner(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function sooner(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function sleepOn(clock: Pick<SimClock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    const aborted = () => {
      cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** Time that moves only by `advance`. Starts at `start`, or at a Monday morning in term. */
export function manualClock(start: number = Date.UTC(2026, 9, 5, 9)): ManualClock {
  const timers = new TimerHeap();
  let now = start;
  let order = 0;

  const clock: ManualClock = {
    speed: 0,
    now: () => now,
    after(ms, task) {
      const timer = { at: now + Math.max(0, ms), order: order++, task };
      timers.push(timer);
      return () => {
        timer.task = () => {};
      };
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    async advance(ms) {
      const until = now + ms;
      await settle();
      while (timers.next && timers.next.at <= until) {
        now = Math.max(now, timers.next.at);
        while (timers.next && timers.next.at <= now) timers.pop()!.task();
        await settle();
      }
      now = until;
      await settle();
    },
    dispose() {},
  };
  return clock;
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Real time, `speed` times as fast, from `start` (now, when left out). */
export function scaledClock(speed = 1, start: number = Date.now()): SimClock {
  if (!(speed > 0)) throw new RangeError(`A clock's speed is a number above 0, not ${speed}`);
  const began = performance.now();
  const running = new Set<NodeJS.Timeout>();

  const clock: SimClock = {
    speed,
    now: () => Math.floor(start + (performance.now() - began) * speed),
    after(ms, task) {
      // Node turns a timeout above 2^31 ms into 1 ms: what is further away than that is looked at again later.
      const real = Math.max(0, ms) / speed;
      const far = real > 2 ** 31 - 1;
      let cancel = () => {};
      const timer = setTimeout(
        () => {
          running.delete(timer);
          if (far) cancel = clock.after(ms - (2 ** 31 - 1) * speed, task);
          else task();
        },
        far ? 2 ** 31 - 1 : Math.ceil(real),
      );
      running.add(timer);
      cancel = () => {
        clearTimeout(timer);
        running.delete(timer);
      };
      return () => cancel();
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    dispose() {
      for (const timer of running) clearTimeout(timer);
      running.clear();
    },
  };
  return clock;
}
