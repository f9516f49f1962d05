import type { Clock } from '@atrium/sdk';

/** Calls of one address: refused ones count most, because machines of ours are not refused. */
const REFUSALS = { most: 60, perSecond: 1 };
/** However many machines share an address (a NAT gateway, a simulator). */
const CALLS = { most: 4_000, perSecond: 400 };
/** Addresses that are remembered; more are only seen in an attack, and then the oldest go. */
const MOST_PEERS = 20_000;

interface Bucket {
  refusals: number;
  calls: number;
  at: number;
}

/** What one address may still ask; tokens that come back with time. */
export interface Peers {
  /** Takes one call. @returns seconds to wait when there is none left, else 0. */
  take(peer: string): number;
  /** A call of this address was refused. */
  refused(peer: string): void;
}

export function countPeers(clock: Clock): Peers {
  const buckets = new Map<string, Bucket>();

  function bucketOf(peer: string): Bucket {
    const now = clock.now();
    const known = buckets.get(peer);
    const seconds = known ? Math.max(0, now - known.at) / 1000 : 0;
    const bucket: Bucket = {
      refusals: Math.min(REFUSALS.most, (known?.refusals ?? REFUSALS.most) + seconds * REFUSALS.perSecond),
      calls: Math.min(CALLS.most, (known?.calls ?? CALLS.most) + seconds * CALLS.perSecond),
      at: now,
    };
    // Whoever was seen last stands last.
    buckets.delete(peer);
    buckets.set(peer, bucket);
    if (buckets.size > MOST_PEERS) buckets.delete(buckets.keys().next().value ?? peer);
    return bucket;
  }

  return {
    take(peer) {
      const bucket = bucketOf(peer);
      if (bucket.refusals < 1) return Math.ceil((1 - bucket.refusals) / REFUSALS.perSecond);
      if (bucket.calls < 1) return 1;
      bucket.calls -= 1;
      return 0;
    },
    refused(peer) {
      bucketOf(peer).refusals -= 1;
    },
  };
}
