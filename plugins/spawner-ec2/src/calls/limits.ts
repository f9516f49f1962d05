import type { Clock } from '@atrium/sdk';
import type { Ec2Config } from '../config.ts';
import { type TokenBucket, tokenBucket } from './buckets.ts';

/*
 * Limits per account and region as the EC2 API documentation publishes them ("Request throttling for the Amazon EC2
 * API"), for accounts without raised ones.
 */
const READ = { burst: 100, perSecond: 20 };
const READ_UNFILTERED = { burst: 50, perSecond: 10 };
const WRITE = { burst: 50, perSecond: 5 };
const PUBLISHED: Readonly<Record<string, { burst: number; perSecond: number }>> = {
  CreateTags: { burst: 100, perSecond: 10 },
  CreateVolume: { burst: 100, perSecond: 5 },
  CreateSnapshot: { burst: 100, perSecond: 5 },
  // What launches with a turn wait for was taken with the turn.
  'RunInstances with a turn': { burst: 1e6, perSecond: 1e6 },
  GetParameter: { burst: 40, perSecond: 40 },
  // Machines, not calls.
  'RunInstances machines': { burst: 1000, perSecond: 2 },
  'StartInstances machines': { burst: 1000, perSecond: 2 },
  'StopInstances machines': { burst: 1000, perSecond: 20 },
  'TerminateInstances machines': { burst: 1000, perSecond: 20 },
};
/** Our buckets are a little smaller: calls that wait on the way arrive in a bunch. */
const MARGIN = 0.9;

/** One bucket per API, made when it is first asked for. */
export type Buckets = (api: string) => TokenBucket;

export function buckets(clock: Clock, limits: Ec2Config['limits']): Buckets {
  const made = new Map<string, TokenBucket>();
  return (api) => {
    let bucket = made.get(api);
    if (!bucket) {
      const { burst, perSecond } = limits.buckets[api] ?? PUBLISHED[api] ?? fallback(api);
      const part = MARGIN / limits.hubs;
      bucket = tokenBucket(clock, { burst: Math.max(1, burst * part), perSecond: perSecond * part });
      made.set(api, bucket);
    }
    return bucket;
  };
}

function fallback(api: string) {
  if (api.endsWith(' unfiltered')) return READ_UNFILTERED;
  return /^(Describe|Get)/.test(api) ? READ : WRITE;
}
