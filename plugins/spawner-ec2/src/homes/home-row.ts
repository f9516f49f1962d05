import { createHash } from 'node:crypto';
import type { Json, Store } from '@atrium/sdk';
import { TAG, tagsOf, userTag } from '../tags.ts';
import type { Ec2World } from '../world.ts';

/** A volume that is being made: everything its call is made with, saved before the call so that it is repeated exactly. */
export type Making = {
  token: string;
  zone: string;
  sizeGb: number;
  snapshotId: string | null;
  fresh: boolean;
  at: number;
  /** Since when EC2 says that the token has made something else. */
  mismatchAt?: number;
};

/**
 * A snapshot that is being taken. `key` is its tag, because EC2 gives this call no token; `calledAt` is written before
 * the call, by the one hub that makes it.
 */
export type Taking = {
  key: string;
  at: number;
  why: 'stop' | 'asked' | 'archive';
  calledAt: number | null;
  id: string | null;
};

/** A copy of a snapshot on its way into the home. */
export type Restore = {
  id: string;
  snapshotId: string;
  /** Folder in the home: `restored-2026-11-21`. */
  into: string;
  at: number;
  token: string;
  zone: string | null;
  volumeId: string | null;
  /** The agent has copied it, or failed to; the volume is no longer wanted. */
  done: boolean;
};

/** One home, whatever becomes of it. Key `home/<storage>`. */
export type HomeRow = {
  storage: string;
  user: string;
  /** `disk`: a volume, or one being made. `archived`: the snapshot `snapshotId`. `none`: deleted on purpose. */
  tier: 'disk' | 'archived' | 'none';
  /** Counts the volumes made for it; part of each one's token. */
  n: number;
  volumeId: string | null;
  zone: string | null;
  sizeGb: number;
  /** Never mounted yet: only then may a file system be made. */
  fresh: boolean;
  /** Set until the volume has been seen whole. */
  making: Making | null;
  /** EC2 has said since then that there is no such volume. */
  missingSince: number | null;
  /** When somebody last wanted it. */
  usedAt: number;
  taking: Taking | null;
  /** The last complete snapshot; for an archived home, the home. */
  snapshotId: string | null;
  snapshotAt: number | null;
  /** What it was taken for: only one taken for it, with the disk on no machine, makes a volume superfluous. */
  snapshotWhy: Taking['why'] | null;
  /** Set at the last resize. */
  resizedAt: number | null;
  /** Size that the file system has yet to grow to. */
  growTo: number | null;
  restores: Restore[];
  /** Volumes to be deleted, each with a complete copy or deleted on purpose. */
  trash: string[];
  /** Volumes that somebody deleted by hand. */
  lost: string[];
};

export const homeKey = (storage: string): string => `home/${storage}`;

export async function readHome(store: Store, storage: string): Promise<HomeRow | undefined> {
  return (await store.get(homeKey(storage))) as HomeRow | undefined;
}

/**
 * Changes a row as nobody else saw it last: `change` is asked again when another hub was faster. Undefined from it
 * changes nothing. @returns the row as it is afterwards.
 */
export async function changeHome(
  store: Store,
  storage: string,
  change: (row: HomeRow) => HomeRow | undefined,
): Promise<HomeRow | undefined> {
  for (;;) {
    const seen = await readHome(store, storage);
    const next = seen && change(seen);
    if (!seen || !next) return seen;
    if (await store.swap(homeKey(storage), seen as Json, next as Json)) return next;
  }
}

/** A row for a home that is not there yet. */
export function newHome(storage: string, user: string, sizeGb: number, now: number, n = 0): HomeRow {
  return {
    storage,
    user,
    tier: 'disk',
    n,
    volumeId: null,
    zone: null,
    sizeGb,
    fresh: true,
    making: null,
    missingSince: null,
    usedAt: now,
    taking: null,
    snapshotId: null,
    snapshotAt: null,
    snapshotWhy: null,
    resizedAt: null,
    growTo: null,
    restores: [],
    trash: [],
    lost: [],
  };
}

/** A `ClientToken`, at most 64 characters, the same for the same parts. */
export function tokenOf(world: Pick<Ec2World, 'cluster'>, ...parts: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([world.cluster.id, ...parts]))
    .digest('hex')
    .slice(0, 64);
}

/** Tags of a home's volume. Made of the row alone: the same call must be made again with the same tags. */
export function homeTags(world: Pick<Ec2World, 'cluster'>, row: HomeRow): Record<string, string> {
  return tagsOf(world.cluster, 'home', {
    ...ownerTags(row),
    [TAG.fresh]: row.making?.fresh ? 'yes' : 'no',
    [TAG.name]: `${world.cluster.name} home ${userTag(row.user)}`.slice(0, 255),
  });
}

/** Whose it is. */
export function ownerTags(row: Pick<HomeRow, 'user' | 'storage'>): Record<string, string> {
  return { [TAG.user]: userTag(row.user), [TAG.storage]: userTag(row.storage) };
}
