import { Ec2Fault } from '../errors.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { changeHome, type HomeRow, readHome } from './home-row.ts';
import { lookVolume } from './look.ts';
import { driveSnapshot, lookSnapshot, wantSnapshot } from './snapshots.ts';

/** How far a home is on its way into a snapshot. */
export type Archiving = 'not now' | 'begun' | 'under way' | 'archived';

/**
 * One step from a volume to a snapshot. The volume goes only after a complete snapshot of it, taken while it was on no
 * machine and younger than its last use, stands in the row. Somebody who comes back before that keeps the volume.
 */
export async function archiveStep(world: Ec2World, storage: string, signal?: AbortSignal): Promise<Archiving> {
  const row = await readHome(world.store, storage);
  const volumeId = row?.volumeId;
  if (row?.tier !== 'disk' || !volumeId || row.making || row.restores.length > 0) return 'not now';
  const options = signal && { signal };
  const volume = await lookVolume(world, volumeId, signal);
  // A volume that is missing is looked into when somebody comes; what is not there cannot be copied.
  if (!volume) return 'not now';
  const holder = volume.attachments.find(({ state }) => state !== 'detached');
  if (holder) {
    const instance = await world.instances.look(holder.instanceId, 0, options);
    if (instance?.state !== 'stopped' || instance.tags[TAG.clusterId] !== world.cluster.id) return 'not now';
    if (holder.state !== 'detaching') await world.ec2.detachVolume(volumeId, { force: false }, options);
    return 'under way';
  }
  if (row.taking) {
    await driveSnapshot(world, row, { signal });
    return 'under way';
  }
  if (row.snapshotWhy !== 'archive' || (row.snapshotAt ?? 0) <= row.usedAt) {
    const wanted = await wantSnapshot(world, storage, 'archive');
    if (wanted?.taking) await driveSnapshot(world, wanted, { signal });
    return 'begun';
  }
  return (await nameSnapshot(world, row, volumeId, options)) ? 'archived' : 'under way';
}

/** The row says from now on that the home is the snapshot; then the volume is trash. */
async function nameSnapshot(
  world: Ec2World,
  { storage, snapshotId }: HomeRow,
  volumeId: string,
  options: { signal?: AbortSignal } | undefined,
): Promise<boolean> {
  const snapshot = snapshotId === null ? undefined : await lookSnapshot(world, snapshotId, options);
  if (snapshot?.state !== 'completed' || snapshot.volumeId !== volumeId) {
    // The one that the row remembers is gone, or of an earlier volume: a new one is taken at the next step.
    await changeHome(world.store, storage, (row) =>
      row.volumeId === volumeId && !row.taking ? { ...row, snapshotAt: null, snapshotWhy: null } : undefined,
    );
    return false;
  }
  const archived = await changeHome(world.store, storage, (row) =>
    row.volumeId === volumeId &&
    row.tier === 'disk' &&
    row.snapshotId === snapshot.id &&
    row.snapshotWhy === 'archive' &&
    (row.snapshotAt ?? 0) > row.usedAt
      ? { ...row, tier: 'archived', volumeId: null, zone: null, growTo: null, trash: [...row.trash, volumeId] }
      : undefined,
  );
  if (archived?.tier !== 'archived') return false;
  await emptyTrash(world, archived, options?.signal);
  return true;
}

/** Deletes the volumes that the row has given up. Each was copied, was one, or was given up on purpose. */
export async function emptyTrash(world: Ec2World, row: HomeRow, signal?: AbortSignal): Promise<void> {
  for (const volumeId of row.trash) {
    if (volumeId === row.volumeId) throw new Error(`home ${row.storage}: ${volumeId} is in use and in the trash`);
    if (!(await deleteVolume(world, volumeId, signal))) continue;
    await changeHome(world.store, row.storage, (now) => ({ ...now, trash: now.trash.filter((id) => id !== volumeId) }));
  }
}

/** One step towards a volume's end; a home on a machine that runs is left where it is. @returns true when it is gone. */
export async function deleteVolume(world: Ec2World, volumeId: string, signal?: AbortSignal): Promise<boolean> {
  const options = signal && { signal };
  const volume = await lookVolume(world, volumeId, signal);
  if (!volume) return true;
  if (volume.tags[TAG.clusterId] !== world.cluster.id) {
    world.log.error({ volume: volumeId }, 'a volume of another owner was to be deleted; it stays');
    return true;
  }
  const holder = volume.attachments.find(({ state }) => state !== 'detached');
  if (holder) {
    if (volume.tags[TAG.role] === 'home') {
      const instance = await world.instances.look(holder.instanceId, 2_000, options);
      if (instance && ['pending', 'running', 'stopping'].includes(instance.state)) return false;
    }
    if (holder.state !== 'detaching') await world.ec2.detachVolume(volumeId, { force: false }, options);
    return false;
  }
  // The manager's policy lets it delete nothing that is not marked.
  await world.ec2.createTags([volumeId], { [TAG.trash]: 'yes' }, options);
  try {
    await world.ec2.deleteVolume(volumeId, options);
    return true;
  } catch (error) {
    if (error instanceof Ec2Fault && error.code === 'InvalidVolume.NotFound') return true;
    if (error instanceof Ec2Fault && error.class === 'state') return false;
    throw error;
  }
}
