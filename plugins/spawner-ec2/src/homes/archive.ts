import { Ec2Fault } from '../errors.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { changeHome, type HomeRow } from './home-row.ts';
import { lookVolume } from './look.ts';
import { driveSnapshot, lookSnapshot, wantSnapshot } from './snapshots.ts';

/**
 * One step from a volume to a snapshot. The volume goes only after a complete snapshot of it, younger than its last
 * use, stands in the row. Somebody who comes back before that keeps the volume.
 */
export async function archiveStep(world: Ec2World, row: HomeRow, signal?: AbortSignal): Promise<void> {
  const { storage, volumeId } = row;
  if (row.tier !== 'disk' || !volumeId || row.making || row.restores.length > 0) return;
  const options = signal && { signal };
  const volume = await lookVolume(world, volumeId, signal);
  // A volume that is missing is looked into when somebody comes; what is not there cannot be copied.
  if (!volume) return;
  const holder = volume.attachments.find(({ state }) => state !== 'detached');
  if (holder) {
    const instance = await world.instances.look(holder.instanceId, 0, options);
    if (
      holder.state !== 'detaching' &&
      instance?.state === 'stopped' &&
      instance.tags[TAG.clusterId] === world.cluster.id
    )
      await world.ec2.detachVolume(volumeId, { force: false }, options);
    return;
  }
  if (row.taking) {
    const done = await driveSnapshot(world, row, { again: true, ...options });
    if (!done) return;
  } else if (row.snapshotAt === null || row.snapshotAt <= row.usedAt) {
    const wanted = await wantSnapshot(world, storage, 'archive');
    if (wanted?.taking) await driveSnapshot(world, wanted, { again: false, ...options });
    return;
  }
  await nameSnapshot(world, storage, volumeId, options);
}

/** The row says from now on that the home is the snapshot; then the volume is trash. */
async function nameSnapshot(
  world: Ec2World,
  storage: string,
  volumeId: string,
  options: { signal?: AbortSignal } | undefined,
): Promise<void> {
  let complete: string | undefined;
  const look = await changeHome(world.store, storage, () => undefined);
  if (look?.snapshotId) {
    const snapshot = await lookSnapshot(world, look.snapshotId, options);
    if (snapshot?.state === 'completed' && snapshot.volumeId === volumeId) complete = snapshot.id;
  }
  if (complete === undefined) {
    // The one that the row remembers is gone, or of an earlier volume: a new one is taken at the next step.
    await changeHome(world.store, storage, (row) =>
      row.volumeId === volumeId && !row.taking ? { ...row, snapshotAt: null } : undefined,
    );
    return;
  }
  const archived = await changeHome(world.store, storage, (row) =>
    row.volumeId === volumeId &&
    row.tier === 'disk' &&
    row.snapshotId === complete &&
    (row.snapshotAt ?? 0) > row.usedAt
      ? { ...row, tier: 'archived', volumeId: null, zone: null, growTo: null, trash: [...row.trash, volumeId] }
      : undefined,
  );
  if (archived?.tier === 'archived') await emptyTrash(world, archived, options?.signal);
}

/** Deletes the volumes that the row has given up. Each was copied, was one, or was given up on purpose. */
export async function emptyTrash(world: Ec2World, row: HomeRow, signal?: AbortSignal): Promise<void> {
  for (const volumeId of row.trash) {
    if (volumeId === row.volumeId) throw new Error(`home ${row.storage}: ${volumeId} is in use and in the trash`);
    if (!(await deleteVolume(world, volumeId, signal))) continue;
    await changeHome(world.store, row.storage, (now) => ({ ...now, trash: now.trash.filter((id) => id !== volumeId) }));
  }
}

/** One step towards a volume's end. @returns true when it is gone. */
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
