import { type Json, SpawnFault } from '@atrium/sdk';
import type { Ec2Volume } from '../calls/types.ts';
import { Ec2Fault } from '../errors.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { changeHome, type HomeRow, homeKey, homeTags, newHome, readHome, tokenOf } from './home-row.ts';
import { findByTag, lookVolume } from './look.ts';

/** Whose home, and where and how large a new one would be. */
export interface HomeWanted {
  storage: string;
  user: string;
  /** Zone of a new volume, or of one that comes back from an archive; an existing one stays where it is. */
  zone?: string | undefined;
  /** Size of a new one, GiB. */
  sizeGb: number;
}

export type HomeState =
  | { state: 'pending' | 'restoring'; message: string; percent: number }
  | { state: 'ready'; volumeId: string; zone: string; fresh: boolean; sizeGb: number };

/** EC2 may say for so long that there is no such volume, although it has just made it. */
export const CONSISTENCY_MS = 60_000;

const NEW: HomeState = { state: 'pending', message: 'Creating your home disk', percent: 5 };

/**
 * One step towards a home that can be attached; returns at once. May be cut off anywhere: what is to be made stands in
 * the row before it is made, with the token that makes it once. @throws SpawnFault, Ec2Fault
 */
export async function ensureHome(world: Ec2World, want: HomeWanted, signal?: AbortSignal): Promise<HomeState> {
  const row = await rowOf(world, want, signal);
  if (row.making === null && row.volumeId !== null && row.zone !== null) {
    // A day counts for the tiers, not a second; and an archiving that has begun must see that somebody came.
    if (world.clock.now() - row.usedAt > 3_600_000 || row.taking?.why === 'archive') await touch(world, row.storage);
    return ready(row, row.volumeId, row.zone);
  }
  const making = row.making ?? (await beginMaking(world, row, want)).making;
  if (!making) return NEW;
  return make(world, want.storage, signal);
}

/** Zone that the home binds its machine to; undefined when it may be anywhere. */
export async function homeZone(world: Ec2World, storage: string, signal?: AbortSignal): Promise<string | undefined> {
  const row = await readHome(world.store, storage);
  if (!row) return best((await findByTag(world, storage, signal)).volumes)?.zone;
  return (row.tier === 'disk' && (row.making?.zone ?? row.zone)) || undefined;
}

/** The first mount has happened: from now on no file system is ever made on it. */
export async function homeMounted(world: Ec2World, storage: string): Promise<void> {
  const row = await readHome(world.store, storage);
  if (!row?.fresh || !row.volumeId) return;
  await world.ec2.createTags([row.volumeId], { [TAG.fresh]: 'no' });
  await changeHome(world.store, storage, (now) => (now.fresh ? { ...now, fresh: false } : undefined));
}

async function touch(world: Ec2World, storage: string): Promise<void> {
  await changeHome(world.store, storage, (row) => ({
    ...row,
    usedAt: world.clock.now(),
    taking: row.taking?.why === 'archive' ? { ...row.taking, why: 'stop' } : row.taking,
  }));
}

/** The row: as it is, found again by tags, or new. */
async function rowOf(world: Ec2World, want: HomeWanted, signal?: AbortSignal): Promise<HomeRow> {
  const { store } = world;
  const known = await readHome(store, want.storage);
  if (known && known.tier !== 'none') return known;
  if (known) {
    // Deleted on purpose: the next one starts empty, and with tokens of its own.
    const again = { ...newHome(want.storage, want.user, want.sizeGb, world.clock.now(), known.n), trash: known.trash };
    await store.swap(homeKey(want.storage), known as Json, again as Json);
  } else {
    await store.claim(homeKey(want.storage), (await rowFromTags(world, want, signal)) as Json);
  }
  const row = await readHome(store, want.storage);
  if (!row) throw new Error(`the row of home ${want.storage} has gone`);
  return row;
}

/** A home that no row names any more, found by its tags. @returns whether there was one */
export async function recoverHome(world: Ec2World, want: HomeWanted, signal?: AbortSignal): Promise<boolean> {
  const row = await rowFromTags(world, want, signal);
  if (row.n === 0) return false;
  return world.store.claim(homeKey(want.storage), row as Json);
}

async function rowFromTags(world: Ec2World, want: HomeWanted, signal?: AbortSignal): Promise<HomeRow> {
  const { volumes, snapshots } = await findByTag(world, want.storage, signal);
  const row = newHome(want.storage, want.user, want.sizeGb, world.clock.now());
  const volume = best(volumes);
  const newest = snapshots[0];
  if (volumes.length > 1)
    world.log.error(
      { storage: want.storage, volumes: volumes.map(({ id }) => id) },
      'several home volumes carry one name',
    );
  if (volume) {
    world.log.warn({ storage: want.storage, volume: volume.id }, 'home found by its tags; its row was lost');
    return { ...row, ...factsOf(volume), n: 1, snapshotId: newest?.id ?? null, snapshotAt: newest?.startedAt ?? null };
  }
  if (newest) {
    world.log.warn({ storage: want.storage, snapshot: newest.id }, 'archived home found by its tags; its row was lost');
    return {
      ...row,
      tier: 'archived',
      n: 1,
      fresh: false,
      sizeGb: newest.sizeGb,
      snapshotId: newest.id,
      snapshotAt: newest.startedAt,
    };
  }
  return row;
}

const factsOf = (volume: Ec2Volume) => ({
  volumeId: volume.id,
  zone: volume.zone,
  sizeGb: volume.sizeGb,
  fresh: volume.tags[TAG.fresh] === 'yes',
});

/** Of several, the one that has been used: mounted before unmounted, then the oldest. */
function best(volumes: readonly Ec2Volume[]): Ec2Volume | undefined {
  const rank = (volume: Ec2Volume) => (volume.tags[TAG.fresh] === 'yes' ? 1 : 0);
  return volumes.toSorted((a, b) => rank(a) - rank(b) || a.createdAt - b.createdAt)[0];
}

/** Decides what volume is to be made, once. */
async function beginMaking(world: Ec2World, row: HomeRow, want: HomeWanted): Promise<HomeRow> {
  const changed = await changeHome(world.store, row.storage, (now) => {
    if (now.making || now.volumeId || now.tier === 'none') return undefined;
    const zone = want.zone ?? now.zone;
    if (!zone) throw new Error(`no zone was chosen for home ${row.storage}`);
    const from = now.tier === 'archived' ? now.snapshotId : null;
    return { ...now, tier: 'disk', ...nextMaking(world, now, zone, from), usedAt: world.clock.now() };
  });
  return changed ?? row;
}

/** The next volume of this home, from a snapshot or empty. */
export function nextMaking(world: Ec2World, row: HomeRow, zone: string, snapshotId: string | null): Partial<HomeRow> {
  const n = row.n + 1;
  const token = tokenOf(world, 'home', row.storage, n, snapshotId ?? 'empty');
  // A snapshot of a home that was never mounted is blank, and still to be made a file system.
  const fresh = snapshotId === null || row.fresh;
  return {
    n,
    fresh,
    volumeId: null,
    zone,
    missingSince: null,
    making: { token, zone, sizeGb: row.sizeGb, snapshotId, fresh, at: world.clock.now() },
  };
}

async function make(world: Ec2World, storage: string, signal?: AbortSignal): Promise<HomeState> {
  const row = await readHome(world.store, storage);
  if (!row?.making) return NEW;
  const { making } = row;
  const waiting: HomeState = making.snapshotId
    ? { state: 'restoring', message: 'Bringing your files back from a snapshot; this takes some minutes', percent: 5 }
    : NEW;
  if (row.volumeId === null) {
    const volume = await create(world, row, signal);
    if (!volume) return waiting;
    await changeHome(world.store, storage, (now) =>
      now.making?.token === making.token && now.volumeId === null
        ? // What was decided long ago (a start given up, a hub that was dead) may be a second old in EC2, which then
          // denies it: its age counts from here.
          { ...now, volumeId: volume.id, zone: making.zone, making: { ...now.making, at: world.clock.now() } }
        : undefined,
    );
    return waiting;
  }
  const { volumeId } = row;
  const volume = await lookVolume(world, volumeId, signal);
  const gone = !volume && world.clock.now() - making.at > CONSISTENCY_MS;
  if (gone || volume?.state === 'error') {
    world.log.warn({ storage, volume: volumeId }, 'a new home volume came to nothing; making another');
    await remake(world, storage, making.token);
    return waiting;
  }
  if (!volume || volume.state === 'creating') return waiting;
  await changeHome(world.store, storage, (now) =>
    now.making?.token === making.token ? { ...now, making: null, usedAt: world.clock.now() } : undefined,
  );
  return ready({ ...row, sizeGb: making.sizeGb }, volumeId, making.zone);
}

const ready = (row: HomeRow, volumeId: string, zone: string): HomeState => ({
  state: 'ready',
  volumeId,
  zone,
  fresh: row.fresh,
  sizeGb: row.sizeGb,
});

/** The same volume however often it is called for one `making`. */
async function create(world: Ec2World, row: HomeRow, signal?: AbortSignal): Promise<Ec2Volume | undefined> {
  const { making, storage } = row;
  if (!making) return undefined;
  const { token, zone, sizeGb, snapshotId } = making;
  const { kmsKey } = world.config.homes;
  try {
    return await world.ec2.createVolume(
      { token, zone, sizeGb, tags: homeTags(world, row), ...(snapshotId && { snapshotId }), ...(kmsKey && { kmsKey }) },
      signal && { signal },
    );
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    if (error.class === 'mismatch') {
      // A row that was lost had made one with this token: it shows by its tags, or it is no more.
      const lostOne = best((await findByTag(world, storage, signal)).volumes);
      if (lostOne) {
        await changeHome(world.store, storage, (now) =>
          now.making?.token === token ? { ...now, ...factsOf(lostOne), making: null } : undefined,
        );
      } else if (making.mismatchAt === undefined) {
        // It may be a second old, and without tags yet.
        await changeHome(world.store, storage, (now) =>
          now.making?.token === token
            ? { ...now, making: { ...now.making, mismatchAt: world.clock.now() } }
            : undefined,
        );
      } else if (world.clock.now() - making.mismatchAt > CONSISTENCY_MS) await remake(world, storage, token);
      return undefined;
    }
    if (error.code === 'InvalidSnapshot.NotFound')
      throw new SpawnFault(
        {
          class: 'lost',
          code: 'home_snapshot_gone',
          message: `The snapshot that holds your files (${snapshotId}) no longer exists in AWS.`,
          advice: 'Tell your administrator. Nothing was overwritten.',
        },
        { cause: error },
      );
    throw error;
  }
}

async function remake(world: Ec2World, storage: string, token: string): Promise<void> {
  await changeHome(world.store, storage, (now) =>
    now.making?.token === token
      ? { ...now, ...nextMaking(world, now, now.making.zone, now.making.snapshotId) }
      : undefined,
  );
}
