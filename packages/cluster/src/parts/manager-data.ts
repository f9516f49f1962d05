import type { Snapshot } from '@aws-sdk/client-ec2';
import { orGone } from '../aws/errors.ts';
import type { ClusterConfig } from '../config.ts';
import { idOf, type Look, notFound, ownerOf, type Part, remember, type Scene } from '../engine/part.ts';
import { ourPart, tagged, tagOf, tagsOf, tokenFor } from '../tags.ts';

export const DATA_DEVICE = '/dev/sdf';
const FRESH = 'atrium:fresh';

/** The disk with the hub's database and keys. It outlives every manager; `down` keeps it unless told otherwise. */
export const dataVolume = (config: ClusterConfig, zone: string | undefined): Part => ({
  part: 'manager-data',
  title: `the hub's disk, ${config.manager.dataGb} GB`,
  patience: 1_200_000,
  async look(scene): Promise<Look> {
    if (!scene.owner) return { state: 'absent' };
    const found = await dataVolumeOf(scene);
    if (!found) {
      const copy = await newestCopy(scene);
      return notFound(scene, 'manager-data', copy && `from its copy ${copy.SnapshotId}`);
    }
    const id = found.VolumeId!;
    if (found.State === 'creating') return { state: 'pending', id, note: 'being made' };
    if ((found.Size ?? 0) < config.manager.dataGb) {
      if (await isGrowing(scene, id)) return { state: 'pending', id, note: 'grows' };
      return { state: 'differs', id, note: `has ${found.Size} GB` };
    }
    return { state: 'same', id };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    if (seen.state === 'differs') {
      await ec2.modifyVolume({ VolumeId: seen.id, Size: config.manager.dataGb });
      return;
    }
    const owner = ownerOf(scene);
    const copy = await newestCopy(scene);
    if (copy) scene.say(`the hub's disk comes from its newest copy, ${copy.SnapshotId}`);
    const tags = tagsOf(owner, 'manager-data', 'manager-data', { [FRESH]: copy ? 'no' : 'yes' });
    const AvailabilityZone = zone ?? (await managerZone(scene));
    const Size = Math.max(config.manager.dataGb, copy?.VolumeSize ?? 0);
    const made = await ec2.createVolume({
      AvailabilityZone,
      Size,
      VolumeType: 'gp3',
      Encrypted: true,
      ...(copy ? { SnapshotId: copy.SnapshotId } : {}),
      ClientToken: tokenFor(owner, 'manager-data', AvailabilityZone, Size, copy?.SnapshotId ?? ''),
      TagSpecifications: tagged('volume', tags),
    });
    remember(scene, 'manager-data', made.VolumeId);
  },
});

/** AWS changes a disk over minutes, and once in six hours: a second request would be refused. */
async function isGrowing(scene: Scene, VolumeId: string): Promise<boolean> {
  const ec2 = await scene.aws.ec2();
  const found = await orGone(ec2.describeVolumesModifications({ VolumeIds: [VolumeId] }));
  return (found?.VolumesModifications ?? []).some(
    ({ ModificationState }) => ModificationState === 'modifying' || ModificationState === 'optimizing',
  );
}

async function managerZone(scene: Scene): Promise<string> {
  const ec2 = await scene.aws.ec2();
  const { Subnets = [] } = await ec2.describeSubnets({ SubnetIds: [idOf(scene, 'subnet-manager')] });
  return Subnets[0]?.AvailabilityZone ?? '';
}

/** A disk that is gone comes back from here: a cluster that had data never starts with a blank one. */
async function newestCopy(scene: Scene): Promise<Snapshot | undefined> {
  const ec2 = await scene.aws.ec2();
  const Filters = ourPart(ownerOf(scene), 'manager-data');
  const { Snapshots = [] } = await ec2.describeSnapshots({ OwnerIds: ['self'], Filters });
  return Snapshots.filter(({ State }) => State === 'completed').sort(
    (a, b) => Number(b.StartTime) - Number(a.StartTime),
  )[0];
}

export async function dataVolumeOf(scene: Scene) {
  const ec2 = await scene.aws.ec2();
  const { Volumes = [] } = await ec2.describeVolumes({ Filters: ourPart(ownerOf(scene), 'manager-data') });
  return Volumes.find(({ State }) => State !== 'deleting' && State !== 'deleted');
}

/** The disk joined to the manager. It is a step of its own: either may be there without the other. */
export const dataAttached: Part = {
  part: 'manager-data-attached',
  title: "the hub's disk on the manager",
  async look(scene): Promise<Look> {
    const volume = scene.owner && (await dataVolumeOf(scene));
    const manager = scene.ids.get('manager');
    if (!volume || !manager) return { state: 'absent' };
    const id = volume.VolumeId!;
    const [attachment] = (volume.Attachments ?? []).filter(({ State }) => State !== 'detached');
    if (!attachment) return { state: 'absent' };
    if (attachment.InstanceId !== manager) {
      return attachment.State === 'detaching'
        ? { state: 'pending', id, note: 'is being taken from the old manager' }
        : { state: 'differs', id, note: `is on ${attachment.InstanceId}` };
    }
    return attachment.State === 'attached'
      ? { state: 'same', id }
      : { state: 'pending', id, note: `${attachment.State}` };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    const VolumeId = idOf(scene, 'manager-data');
    if (seen.state === 'differs') {
      await ec2.detachVolume({ VolumeId });
      return;
    }
    await ec2.attachVolume({ VolumeId, InstanceId: idOf(scene, 'manager'), Device: DATA_DEVICE });
  },
};

/** A disk that carried a hub is never again made a file system, however blank it looks. */
export const dataInUse: Part = {
  part: 'manager-data-used',
  title: "the hub's disk is in use",
  async look(scene): Promise<Look> {
    const volume = scene.owner && (await dataVolumeOf(scene));
    if (!volume) return { state: 'absent' };
    const id = volume.VolumeId!;
    return tagOf(volume, FRESH) === 'yes'
      ? { state: 'differs', id, note: 'still marked as blank' }
      : { state: 'same', id };
  },
  async make(scene, seen) {
    if (seen.state !== 'differs') return;
    await (await scene.aws.ec2()).createTags({ Resources: [seen.id], Tags: [{ Key: FRESH, Value: 'no' }] });
  },
};

/** For `down --delete-hub-data`: one last snapshot, then the disk goes. Called until it is gone. */
export async function removeDataVolume(scene: Scene): Promise<'gone' | 'waiting'> {
  const ec2 = await scene.aws.ec2();
  const volume = await dataVolumeOf(scene);
  if (!volume) return 'gone';
  if (volume.State !== 'available') return 'waiting';
  const Filters = [...ourPart(ownerOf(scene), 'manager-data'), { Name: 'volume-id', Values: [volume.VolumeId!] }];
  const { Snapshots = [] } = await ec2.describeSnapshots({ OwnerIds: ['self'], Filters });
  const last = Snapshots.find((snapshot) => tagOf(snapshot, 'atrium:final') === 'yes');
  if (!last) {
    const tags = tagsOf(ownerOf(scene), 'manager-data', 'hub-snapshot', { 'atrium:final': 'yes' });
    await ec2.createSnapshot({
      VolumeId: volume.VolumeId!,
      Description: `Atrium ${scene.config.name}: the hub's disk, before it was deleted`,
      TagSpecifications: tagged('snapshot', tags),
    });
    return 'waiting';
  }
  if (last.State !== 'completed') return 'waiting';
  await orGone(ec2.deleteVolume({ VolumeId: volume.VolumeId! }));
  return 'waiting';
}
