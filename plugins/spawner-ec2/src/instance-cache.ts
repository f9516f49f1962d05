import type { Clock } from '@atrium/sdk';
import { type Batcher, batcher } from './calls/batch.ts';
import type { CallOptions, Ec2Calls, Ec2Instance } from './calls/types.ts';
import { Ec2Fault } from './errors.ts';

/** What EC2 last said of each instance, and a way to ask for many at once. */
export interface InstanceCache {
  /**
   * The instance as it was at most `maxAgeMs` ago. Undefined: EC2 says that there is no such id (which it also says of
   * one made seconds ago). @throws Ec2Fault when EC2 could not be asked: then nothing is known.
   */
  look(id: string, maxAgeMs: number, options?: CallOptions): Promise<Ec2Instance | undefined>;
  /** Takes what another call happened to learn. */
  see(instances: readonly Ec2Instance[]): void;
  /** What was seen last, however old, without asking. */
  last(id: string): Ec2Instance | undefined;
  /** The next look asks anew: after a call that changes its state. */
  stale(id: string): void;
}

const WINDOW_MS = 100;
/** One answer with so many instances is read in well under 50 ms. */
const AT_ONCE = 100;
/** Entries not seen for this long are dropped. */
const KEEP_MS = 2 * 3_600_000;

export function instanceCache(ec2: Pick<Ec2Calls, 'describeInstances'>, clock: Clock): InstanceCache {
  const seen = new Map<string, { instance: Ec2Instance | undefined; at: number }>();
  let pruned = clock.now();
  const prune = () => {
    const now = clock.now();
    if (now - pruned < KEEP_MS / 4) return;
    pruned = now;
    for (const [id, { at }] of seen) if (now - at > KEEP_MS) seen.delete(id);
  };
  const asked: Batcher<Ec2Instance | undefined> = batcher({
    clock,
    windowMs: WINDOW_MS,
    most: AT_ONCE,
    async run(ids) {
      const at = clock.now();
      const found = await describeKnown(ec2, ids);
      prune();
      for (const id of ids) seen.set(id, { instance: found.get(id), at });
      return new Map(ids.map((id) => [id, { value: found.get(id) }]));
    },
  });
  return {
    async look(id, maxAgeMs, options) {
      const known = seen.get(id);
      if (known && clock.now() - known.at <= maxAgeMs) return known.instance;
      return asked(id, options?.signal);
    },
    see(instances) {
      const at = clock.now();
      for (const instance of instances) seen.set(instance.id, { instance, at });
    },
    last: (id) => seen.get(id)?.instance,
    stale(id) {
      const known = seen.get(id);
      if (known) known.at = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Describes the ids that exist: one unknown id fails a whole call, so those that EC2 names are left out and asked again. */
async function describeKnown(
  ec2: Pick<Ec2Calls, 'describeInstances'>,
  ids: readonly string[],
): Promise<Map<string, Ec2Instance>> {
  if (ids.length === 0) return new Map();
  try {
    const found = await ec2.describeInstances({ ids });
    return new Map(found.map((one) => [one.id, one]));
  } catch (error) {
    if (!(error instanceof Ec2Fault) || !/^InvalidInstanceID\./.test(error.code)) throw error;
    if (ids.length === 1) return new Map();
    const named = new Set(error.message.match(/\bi-[0-9a-zA-Z]+\b/g) ?? []);
    const rest = ids.filter((id) => !named.has(id));
    if (rest.length < ids.length) return describeKnown(ec2, rest);
    const half = Math.ceil(ids.length / 2);
    const [one, other] = [await describeKnown(ec2, ids.slice(0, half)), await describeKnown(ec2, ids.slice(half))];
    return new Map([...one, ...other]);
  }
}
