import { setTimeout as delay } from 'node:timers/promises';

/** A process that ends is started again: at once, then more and more patiently while it keeps ending. */
const PAUSES_MS = [0, 100, 300, 1000, 3000, 5000];
/** One that ran this long ended for a reason of its own. */
const STEADY_MS = 1_000;

export interface Kept {
  readonly ended: Promise<string>;
}

export interface KeepOptions<Child extends Kept> {
  name: string;
  first: Child;
  start(): Promise<Child>;
  onStarted(child: Child): void;
  say(text: string): void;
  signal: AbortSignal;
}

/**
 * Starts a process again whenever it ends, until the signal. `replace` puts another one in its place: its end is then
 * no accident.
 */
export function keepRunning<Child extends Kept>(options: KeepOptions<Child>) {
  const { name, start, onStarted, say, signal } = options;
  let current = options.first;
  let since = Date.now();
  let failures = 0;

  const again = async (): Promise<void> => {
    while (!signal.aborted) {
      const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]!;
      await delay(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      failures += 1;
      try {
        take(await start());
        onStarted(current);
        return;
      } catch (error) {
        say(`${(error as Error).message}\nTrying again; Ctrl-C ends it.`);
      }
    }
  };

  const take = (child: Child) => {
    current = child;
    since = Date.now();
    watch(child);
  };

  const watch = (child: Child) =>
    void child.ended.then((how) => {
      if (signal.aborted || child !== current) return;
      if (Date.now() - since > STEADY_MS) failures = 0;
      say(`The ${name} ended (${how}); starting it again.`);
      return again();
    });

  watch(current);
  return {
    get current() {
      return current;
    },
    /** The old one is no longer watched once this returns; end it then. */
    replace(child: Child): Child {
      const old = current;
      failures = 0;
      take(child);
      return old;
    },
  };
}
