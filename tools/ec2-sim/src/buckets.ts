import type { SimClock } from './clock.ts';

/** Tokens an API has at most, and how many come back per second. */
export interface BucketSize {
  burst: number;
  perSecond: number;
}

/** Token buckets of one account and region, filled by the simulator's clock. */
export class Buckets {
  readonly #clock: SimClock;
  readonly #levels = new Map<string, { tokens: number; at: number }>();

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  /** Takes `cost` tokens when there are that many; false takes none. */
  take(name: string, size: BucketSize, cost = 1): boolean {
    const now = this.#clock.now();
    const level = this.#levels.get(name) ?? { tokens: size.burst, at: now };
    const tokens = Math.min(size.burst, level.tokens + ((now - level.at) / 1000) * size.perSecond);
    const enough = tokens >= cost;
    this.#levels.set(name, { tokens: enough ? tokens - cost : tokens, at: now });
    return enough;
  }
}

const UNFILTERED = { burst: 50, perSecond: 10 };
const DESCRIBE = { burst: 100, perSecond: 20 };
const MUTATING = { burst: 50, perSecond: 5 };

const OWN: Record<string, BucketSize> = {
  CreateTags: { burst: 100, perSecond: 10 },
  DeleteTags: { burst: 100, perSecond: 10 },
  CreateVolume: { burst: 100, perSecond: 5 },
  CreateSnapshot: { burst: 100, perSecond: 5 },
  CreateVpcEndpoint: { burst: 4, perSecond: 0.3 },
};

/** Resource tokens: one per instance in the call, beside the request's own. */
const RESOURCES: Record<string, BucketSize> = {
  RunInstances: { burst: 1000, perSecond: 2 },
  StartInstances: { burst: 1000, perSecond: 2 },
  StopInstances: { burst: 1000, perSecond: 20 },
  TerminateInstances: { burst: 1000, perSecond: 20 },
};

/** The request bucket of an action. `narrowed`: the describe has a filter or asks for pages. */
export function requestBucket(
  action: string,
  mutating: boolean,
  narrowed: boolean,
): { name: string; size: BucketSize } {
  if (mutating) return { name: action, size: OWN[action] ?? MUTATING };
  return narrowed ? { name: action, size: DESCRIBE } : { name: `${action} (unfiltered)`, size: UNFILTERED };
}

/** The bucket of instances that an action fills or moves, if it has one. */
export function resourceBucket(action: string): { name: string; size: BucketSize } | undefined {
  const size = RESOURCES[action];
  return size && { name: `${action} (instances)`, size };
}
