import type { Clock } from '@atrium/sdk';

/** What became of one member of a batch. */
export type Outcome<T> = { value: T } | { error: unknown };

/** Asks for one key; the call that answers it may be shared with others. */
export type Batcher<T> = (key: string, signal?: AbortSignal) => Promise<T>;

/**
 * Gathers keys for `windowMs` of the clock, then runs them `most` at a time. The same key asked for twice in one window
 * is run once. A key that `run` does not mention counts as an error of ours.
 */
export function batcher<T>({
  clock,
  windowMs,
  most,
  run,
}: {
  clock: Clock;
  windowMs: number;
  most: number;
  run(keys: string[]): Promise<Map<string, Outcome<T>>>;
}): Batcher<T> {
  let waiting = new Map<string, PromiseWithResolvers<T>>();

  async function flush(batch: Map<string, PromiseWithResolvers<T>>): Promise<void> {
    const keys = [...batch.keys()];
    const outcomes = await run(keys).catch((error: unknown) => new Map(keys.map((key) => [key, { error }])));
    for (const [key, { resolve, reject }] of batch) {
      const outcome = outcomes.get(key) ?? { error: new Error(`no outcome for ${key}`) };
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.value);
    }
  }

  async function gather(): Promise<void> {
    await clock.sleep(windowMs);
    const all = [...waiting];
    waiting = new Map();
    for (let at = 0; at < all.length; at += most) void flush(new Map(all.slice(at, at + most)));
  }

  return (key, signal) => {
    let entry = waiting.get(key);
    if (!entry) {
      entry = Promise.withResolvers<T>();
      // Whoever gave up waiting leaves nobody to handle an error.
      entry.promise.catch(() => {});
      const first = waiting.size === 0;
      waiting.set(key, entry);
      if (first) void gather();
    }
    return signal ? orAborted(entry.promise, signal) : entry.promise;
  };
}

/** The promise, or the signal's reason if that comes first. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Does `act` for all keys in one call; when that fails for a reason that may lie in one of them, halves are tried, so
 * that one bad key fails alone.
 */
export async function bisect(
  keys: string[],
  act: (keys: string[]) => Promise<void>,
  /** Whether halves may fare better; `depth` counts the halvings so far. */
  mayBeOne: (error: unknown, depth: number) => boolean,
  depth = 0,
): Promise<Map<string, Outcome<void>>> {
  try {
    await act(keys);
    return new Map(keys.map((key) => [key, { value: undefined }]));
  } catch (error) {
    if (keys.length === 1 || !mayBeOne(error, depth)) return new Map(keys.map((key) => [key, { error }]));
    const half = Math.ceil(keys.length / 2);
    const one = await bisect(keys.slice(0, half), act, mayBeOne, depth + 1);
    const other = await bisect(keys.slice(half), act, mayBeOne, depth + 1);
    return new Map([...one, ...other]);
  }
}
