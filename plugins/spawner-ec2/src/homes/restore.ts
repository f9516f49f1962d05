import { HubError } from '@atrium/sdk';
import { Ec2Fault } from '../errors.ts';
import { TAG, tagsOf, userTag } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { deleteVolume } from './archive.ts';
import { CONSISTENCY_MS } from './ensure-home.ts';
import { changeHome, type HomeRow, ownerTags, type Restore, readHome, tokenOf } from './home-row.ts';
import { lookVolume } from './look.ts';
import { driveSnapshot, lookSnapshot } from './snapshots.ts';

const DEVICE = '/dev/sdi';

/** Work for the agent of a running machine; it answers by `id`. */
export type HomeTask =
  | { id: string; kind: 'restore'; volume: string; into: string; [key: string]: string }
  | { id: string; kind: 'grow' | 'flush'; [key: string]: string };

/** Asks for a copy of one snapshot beside the files of now. @throws HubError in words */
export async function wantRestore(
  world: Ec2World,
  storage: string,
  snapshotId: string,
  signal?: AbortSignal,
): Promise<void> {
  const snapshot = await lookSnapshot(world, snapshotId, signal && { signal });
  const mine =
    snapshot?.tags[TAG.clusterId] === world.cluster.id &&
    snapshot.tags[TAG.role] === 'snapshot' &&
    snapshot.tags[TAG.storage] === userTag(storage);
  if (!snapshot || !mine) throw new HubError('not_found', 'There is no such snapshot of this home.');
  if (snapshot.state !== 'completed')
    throw new HubError('bad_request', 'This snapshot is not complete yet. Try again in a few minutes.');
  const at = world.clock.now();
  await changeHome(world.store, storage, (row) => {
    const open = row.restores.find((one) => !one.done);
    if (open?.snapshotId === snapshotId) return undefined;
    if (open) throw new HubError('bad_request', 'Another snapshot is being restored. Wait until it has arrived.');
    const id = tokenOf(world, 'restore', storage, snapshotId, at).slice(0, 24);
    const into = `restored-${new Date(snapshot.startedAt).toISOString().slice(0, 10)}`;
    const restore: Restore = { id, snapshotId, into, at, token: id, zone: null, volumeId: null, done: false };
    return { ...row, restores: [...row.restores, restore] };
  });
}

/**
 * What the agent of the machine with this home is to do now; also moves a restore on by one step, so that it goes at the
 * pace of heartbeats. Reads one row when there is nothing to do.
 */
export async function homeTasks(
  world: Ec2World,
  { storage, instanceId }: { storage: string; instanceId: string },
  signal?: AbortSignal,
): Promise<HomeTask[]> {
  const row = await readHome(world.store, storage);
  if (!row) return [];
  const tasks: HomeTask[] = [];
  if (row.growTo !== null && row.volumeId && (await hasGrown(world, row, signal)))
    tasks.push({ id: `grow-${row.growTo}`, kind: 'grow' });
  if (row.taking?.why === 'asked' && row.taking.id === null)
    tasks.push({ id: `flush-${row.taking.key}`, kind: 'flush' });
  for (const restore of row.restores) {
    const task = await restoreStep(world, row, restore, instanceId, signal);
    if (task) tasks.push(task);
  }
  return tasks;
}

/** The agent has done a task, or says why it could not. @returns what its owner is to be told, if anything */
export async function homeTaskDone(
  world: Ec2World,
  { storage, id, ok, message }: { storage: string; id: string; ok: boolean; message?: string | undefined },
): Promise<{ code: string; message: string } | undefined> {
  const row = await readHome(world.store, storage);
  if (!row) return undefined;
  if (!ok) world.log.error({ storage, task: id, message }, 'a machine could not do what a home needs');
  if (id.startsWith('grow-')) {
    await changeHome(world.store, storage, (now) =>
      `grow-${now.growTo}` === id ? { ...now, growTo: null } : undefined,
    );
    // A machine grows the file system to its disk whenever it mounts it.
    if (!ok)
      return { code: 'grow_failed', message: 'Your home could not be enlarged while in use; the next start does it.' };
    return { code: 'home_grown', message: `Your home has ${row.sizeGb} GB now.` };
  }
  if (id.startsWith('flush-')) {
    if (id === `flush-${row.taking?.key}` && row.taking?.id === null) await driveSnapshot(world, row);
    return undefined;
  }
  const restore = row.restores.find((one) => one.id === id);
  if (!restore || restore.done) return undefined;
  await changeHome(world.store, storage, (now) => ({
    ...now,
    restores: now.restores.map((one) => (one.id === id ? { ...one, done: true } : one)),
  }));
  return ok
    ? { code: 'home_restored', message: `Your files of that day are in the folder ${restore.into}.` }
    : { code: 'restore_failed', message: `The snapshot could not be restored: ${message ?? 'no reason was given'}.` };
}

async function hasGrown(world: Ec2World, row: HomeRow, signal?: AbortSignal): Promise<boolean> {
  const volume = row.volumeId ? await lookVolume(world, row.volumeId, signal) : undefined;
  return volume !== undefined && row.growTo !== null && volume.sizeGb >= row.growTo;
}

async function restoreStep(
  world: Ec2World,
  row: HomeRow,
  restore: Restore,
  instanceId: string,
  signal?: AbortSignal,
): Promise<HomeTask | undefined> {
  const { storage } = row;
  if (restore.done) {
    await clearRestore(world, storage, restore, signal);
    return undefined;
  }
  const change = (part: Partial<Restore>) =>
    changeHome(world.store, storage, (now) => ({
      ...now,
      restores: now.restores.map((one) =>
        one.id === restore.id && one.token === restore.token ? { ...one, ...part } : one,
      ),
    }));
  if (restore.volumeId === null) {
    const zone = restore.zone ?? row.zone;
    if (!zone) return undefined;
    if (restore.zone === null) await change({ zone });
    const volume = await createCopy(world, row, { ...restore, zone }, signal);
    if (volume) await change({ volumeId: volume });
    else await change({ done: true });
    return undefined;
  }
  const volume = await lookVolume(world, restore.volumeId, signal);
  if (!volume && world.clock.now() - restore.at > CONSISTENCY_MS) {
    // Deleted by somebody: another copy, with another token.
    await change({ volumeId: null, zone: null, token: tokenOf(world, restore.token, 'again') });
    return undefined;
  }
  if (!volume || volume.state === 'creating') return undefined;
  const holder = volume.attachments.find(({ state }) => state !== 'detached');
  if (holder?.instanceId === instanceId)
    return holder.state === 'attached'
      ? { id: restore.id, kind: 'restore', volume: volume.id, into: restore.into }
      : undefined;
  if (holder) {
    const other = await world.instances.look(holder.instanceId, 2_000, signal && { signal });
    if (other?.state === 'stopped' && holder.state !== 'detaching')
      await world.ec2.detachVolume(volume.id, { force: false }, signal && { signal });
    return undefined;
  }
  if (volume.zone !== row.zone) {
    // The home has moved to another zone since.
    await deleteVolume(world, volume.id, signal);
    await change({ volumeId: null, zone: null, token: tokenOf(world, restore.token, 'moved') });
    return undefined;
  }
  try {
    await world.ec2.attachVolume(volume.id, instanceId, DEVICE, signal && { signal });
  } catch (error) {
    if (!(error instanceof Ec2Fault) || !['state', 'consistency'].includes(error.class)) throw error;
  }
  return undefined;
}

/** @returns the copy's id; undefined when its snapshot is no more. */
async function createCopy(
  world: Ec2World,
  row: HomeRow,
  restore: Restore & { zone: string },
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { kmsKey } = world.config.homes;
  const options = signal && { signal };
  const snapshot = await lookSnapshot(world, restore.snapshotId, options);
  if (!snapshot) return undefined;
  const volume = await world.ec2.createVolume(
    {
      token: restore.token,
      zone: restore.zone,
      sizeGb: snapshot.sizeGb,
      snapshotId: restore.snapshotId,
      ...(kmsKey && { kmsKey }),
      tags: tagsOf(world.cluster, 'restored', {
        ...ownerTags(row),
        [TAG.name]: `${world.cluster.name} ${restore.into}`,
      }),
    },
    options,
  );
  return volume.id;
}

/** The copy is detached and deleted, then forgotten. */
export async function clearRestore(
  world: Ec2World,
  storage: string,
  restore: Restore,
  signal?: AbortSignal,
): Promise<void> {
  if (restore.volumeId !== null && !(await deleteVolume(world, restore.volumeId, signal))) return;
  await changeHome(world.store, storage, (row) => ({
    ...row,
    restores: row.restores.filter(({ id }) => id !== restore.id),
  }));
}
