/** Functions of a clock and a log that give no promise. */
const AT_ONCE: ReadonlySet<PropertyKey> = new Set(['now', 'debug', 'info', 'warn', 'error']);

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
  const hang = (key: PropertyKey): unknown => {
    if (AT_ONCE.has(key)) throw new Abandoned();
    return never;
  };
  const call = (key: PropertyKey, act: () => unknown): unknown => {
    calls += 1;
    if (calls < n) return act();
    if (calls > n) return hang(key);
    const effect = when === 'after' ? act() : undefined;
    if (effect instanceof Promise) void effect.then(die, die);
    else die();
    return hang(key);
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
          return (...args: unknown[]) => call(key, () => Reflect.apply(value, target, args));
        },
      }),
  };
}
