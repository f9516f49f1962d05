import type { Json } from '@atrium/sdk';
import type { Ec2Snapshot } from '../calls/types.ts';
import { Ec2Fault } from '../errors.ts';
import { TAG, tagsOf, userTag } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { changeHome, type HomeRow, homeKey, ownerTags, type Taking, tokenOf } from './home-row.ts';
import { ours } from './look.ts';

/** Names one snapshot before it is taken: EC2 gives the call no token. */
export const TAKEN_FOR = 'atrium:taken-for';

/** After a call whose answer never came, its snapshot shows by its tags within this time. */
const SETTLE_MS = 20_000;

/** A new snapshot of this home is wanted; nothing when one is already on its way. Nothing is called yet. */
export async function wantSnapshot(world: Ec2World, storage: string, why: Taking['why']): Promise<HomeRow | undefined> {
  const at = world.clock.now();
  return changeHome(world.store, storage, (row) => {
    if (row.tier !== 'disk' || row.volumeId === null || row.making) return undefined;
    // What was begun for another reason stays that: it may have been begun on a machine.
    if (row.taking) return undefined;
    const key = tokenOf(world, 'snapshot', storage, row.volumeId, at).slice(0, 32);
    return { ...row, taking: { key, at, why, calledAt: null, id: null } };
  });
}

/**
 * One step of the snapshot that this row, as it was just read, wants. Of several hubs one makes the call; when that one
 * was cut off, what it made is looked for before another is taken. @returns true when it is complete.
 */
export async function driveSnapshot(
  world: Ec2World,
  row: HomeRow,
  { seen, signal }: { seen?: Ec2Snapshot | undefined; signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const { taking, volumeId, storage } = row;
  if (!taking || !volumeId) return false;
  const options = signal && { signal };
  const here = (now: HomeRow) => now.taking?.key === taking.key;
  if (taking.id === null) {
    const now = world.clock.now();
    if (taking.calledAt !== null && now - taking.calledAt < SETTLE_MS) return false;
    const calling = { ...row, taking: { ...taking, calledAt: now } };
    if (!(await world.store.swap(homeKey(storage), row as Json, calling as Json))) return false;
    const before = taking.calledAt === null ? undefined : await findTaken(world, taking.key, options);
    const made = before ?? (await take(world, row, taking));
    await changeHome(world.store, storage, (now) =>
      here(now) && now.taking ? { ...now, taking: { ...now.taking, id: made.id } } : undefined,
    );
    return false;
  }
  const snapshot = seen ?? (await lookSnapshot(world, taking.id, options));
  if (snapshot?.state === 'completed') {
    await changeHome(world.store, storage, (now) =>
      here(now)
        ? { ...now, taking: null, snapshotId: snapshot.id, snapshotAt: taking.at, snapshotWhy: now.taking?.why ?? null }
        : undefined,
    );
    return true;
  }
  const failed = snapshot?.state === 'error' || (!snapshot && world.clock.now() - taking.at > 10 * 60_000);
  if (failed) {
    world.log.error({ storage, snapshot: taking.id }, 'a snapshot of a home failed; it will be taken again');
    await changeHome(world.store, storage, (now) => (here(now) ? { ...now, taking: null } : undefined));
  }
  return false;
}

/** The snapshot now; undefined when EC2 knows none of this id. */
export async function lookSnapshot(
  world: Ec2World,
  id: string,
  options?: { signal?: AbortSignal },
): Promise<Ec2Snapshot | undefined> {
  try {
    return (await world.ec2.describeSnapshots({ ids: [id] }, options)).find((one) => one.id === id);
  } catch (error) {
    if (error instanceof Ec2Fault && error.code === 'InvalidSnapshot.NotFound') return undefined;
    throw error;
  }
}

/** Snapshots of one home, newest first, those under way too. */
export async function snapshotsOf(
  world: Ec2World,
  storage: string,
  options?: { signal?: AbortSignal },
): Promise<Ec2Snapshot[]> {
  const filters = { ...ours(world, 'snapshot'), [`tag:${TAG.storage}`]: [userTag(storage)] };
  const found = await world.ec2.describeSnapshots({ filters }, options);
  return found.filter(({ state }) => state !== 'error').toSorted((a, b) => b.startedAt - a.startedAt);
}

async function findTaken(
  world: Ec2World,
  key: string,
  options?: { signal?: AbortSignal },
): Promise<Ec2Snapshot | undefined> {
  const filters = { ...ours(world, 'snapshot'), [`tag:${TAKEN_FOR}`]: [key] };
  return (await world.ec2.describeSnapshots({ filters }, options))[0];
}

function take(world: Ec2World, row: HomeRow, taking: Taking): Promise<Ec2Snapshot> {
  const tags = tagsOf(world.cluster, 'snapshot', {
    ...ownerTags(row),
    [TAKEN_FOR]: taking.key,
    [TAG.fresh]: row.fresh ? 'yes' : 'no',
    [TAG.name]: `${world.cluster.name} home ${userTag(row.user)}`.slice(0, 255),
  });
  return world.ec2.createSnapshot(row.volumeId ?? '', `Home of ${userTag(row.user)}`, tags);
}
