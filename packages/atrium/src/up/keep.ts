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
  /** Runs already; without it, one is started at once. */
  first?: Child | undefined;
  start(): Promise<Child>;
  onStarted(child: Child): void;
  say(text: string): void;
  signal: AbortSignal;
}

/**
 * Starts a process again whenever it ends, until the signal. One change at a time: a restart that meets a crash comes
 * after it, or before it and then makes it no accident.
 */
export function keepRunning<Child extends Kept>(options: KeepOptions<Child>) {
  const { name, start, onStarted, say, signal } = options;
  let current = options.first;
  let since = Date.now();
  let failures = 0;
  let turns: Promise<void> = Promise.resolve();
  /** Who wants to put another in its place does not wait for one that cannot start. */
  let replacing = 0;
  let hurry = new AbortController();

  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const done = turns.then(() => (signal.aborted ? undefined : act()));
    turns = done.catch(() => {});
    return done;
  };

  const again = async (): Promise<void> => {
    while (!signal.aborted) {
      const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]!;
      await delay(pause, undefined, { signal: AbortSignal.any([signal, hurry.signal]) }).catch(() => {});
      if (signal.aborted || replacing > 0) return;
      failures += 1;
      try {
        take(await start());
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
    onStarted(child);
  };

  const watch = (child: Child) =>
    void child.ended.then((how) => {
      if (child === current) current = undefined;
      return inTurn(async () => {
        if (current) return;
        if (Date.now() - since > STEADY_MS) failures = 0;
        say(`The ${name} ended (${how}); starting it again.`);
        await again();
      });
    });

  if (current) watch(current);
  else void inTurn(again);
  return {
    /**
     * Puts what `exchange` gives in the place of the one that runs, which it may end; of none, while it cannot be started
     * again. When it rejects, so does this, and the old one goes on, or is started again if it has ended.
     */
    async replace(exchange: (old: Child | undefined) => Promise<Child>): Promise<void> {
      replacing += 1;
      hurry.abort();
      try {
        await inTurn(async () => {
          const next = await exchange(current);
          failures = 0;
          take(next);
        });
      } finally {
        replacing -= 1;
        if (replacing === 0) hurry = new AbortController();
        if (!current) void inTurn(async () => (current ? undefined : again()));
      }
    },
  };
}
