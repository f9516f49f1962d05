/** What a door throws where it cannot hang; a plug-in that catches it goes on in a hub that is no more. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/** A hub that is killed in the middle of a call: the calls through its doors are counted, and one is the last. */
export interface Doom {
  /** A copy of `door` whose functions count. After the last call every other one hangs and has no effect. */
  guard<T extends object>(door: T): T;
  /** Resolves when the last call has been made. */
  readonly dead: Promise<void>;
  readonly calls: number;
}

/**
 * Dies at the `n`-th call, `before` or `after` it took effect. What the plug-in was waiting for never comes, as with
 * `kill -9`; only functions that answer at once have to throw.
 */
export function doomedAt(n: number, when: 'before' | 'after'): Doom {
  const { promise: dead, resolve: die } = Promise.withResolvers<void>();
  const never = new Promise<never>(() => undefined);
  let calls = 0;
  const call = (act: () => unknown): unknown => {
    calls += 1;
    const last = calls === n;
    if (calls < n) return act();
    const result = last && when === 'after' ? act() : undefined;
    const settled = result instanceof Promise ? result.then(die, die) : undefined;
    if (last && !settled) die();
    if (result instanceof Promise || when === 'before') return never;
    throw new Abandoned();
  };
  return {
    dead,
    get calls() {
      return calls;
    },
    guard: <T extends object>(door: T): T =>
      new Proxy(door, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => call(() => Reflect.apply(value, target, args));
        },
      }),
  };
}
