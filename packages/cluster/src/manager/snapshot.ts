import type { Snapshot } from '@aws-sdk/client-ec2';
import { orGone } from '../aws/errors.ts';
import { ownerOf, type Scene } from '../engine/part.ts';
import { dataVolumeOf } from '../parts/manager-data.ts';
import { ourPart, tagged, tagOf, tagsOf } from '../tags.ts';

const HOUR_MS = 3_600_000;

/** Copies of the hub's disk, newest first; not the last ones that `down` takes. */
export async function hubSnapshots(scene: Scene): Promise<Snapshot[]> {
  const ec2 = await scene.aws.ec2();
  const Filters = ourPart(ownerOf(scene), 'manager-data');
  const { Snapshots = [] } = await ec2.describeSnapshots({ OwnerIds: ['self'], Filters });
  return Snapshots.filter((each) => tagOf(each, 'atrium:final') !== 'yes').sort(
    (a, b) => Number(b.StartTime) - Number(a.StartTime),
  );
}

/**
 * Takes a copy of the hub's disk when the newest is older than `olderThanMs`, and drops those above the number to keep.
 * Runs on the manager by a timer, and before an upgrade. The database writes ahead, so a copy of one moment is whole.
 * @returns the copy that was made; undefined when none was due.
 */
export async function snapshotHubData(scene: Scene, why: string, olderThanMs?: number): Promise<string | undefined> {
  const { everyHours, keep } = scene.config.manager.snapshots;
  const ec2 = await scene.aws.ec2();
  const volume = await dataVolumeOf(scene);
  if (!volume) return undefined;
  const before = await hubSnapshots(scene);
  const age = scene.clock.now() - Number(before[0]?.StartTime ?? 0);
  const isDue = age >= (olderThanMs ?? everyHours * HOUR_MS);
  let made: string | undefined;
  if (isDue) {
    const tags = tagsOf(ownerOf(scene), 'manager-data', 'hub-snapshot');
    const snapshot = await ec2.createSnapshot({
      VolumeId: volume.VolumeId!,
      Description: `Atrium ${scene.config.name}: the hub's disk, ${why}`,
      TagSpecifications: tagged('snapshot', tags),
    });
    made = snapshot.SnapshotId;
  }
  // Never the last whole one: what is still being copied does not count.
  const whole = before.filter(({ State }) => State === 'completed');
  for (const { SnapshotId } of whole.slice(keep)) await orGone(ec2.deleteSnapshot({ SnapshotId }));
  return made;
}
