import { abort, type CallParts, turnOfLoop } from './instances.ts';
import { filterList, tagList, toModification, toSnapshot, toVolume } from './shapes.ts';
import type { Ec2Calls, Ec2Snapshot, Ec2Volume, VolumeModification } from './types.ts';

const PAGE = 200;

type VolumeCalls = Pick<
  Ec2Calls,
  | 'createVolume'
  | 'describeVolumes'
  | 'attachVolume'
  | 'detachVolume'
  | 'modifyVolume'
  | 'describeVolumesModifications'
  | 'deleteVolume'
  | 'createSnapshot'
  | 'describeSnapshots'
  | 'deleteSnapshot'
>;

export function volumeCalls({ sdk, client, send }: CallParts): VolumeCalls {
  return {
    async createVolume(volume, options = {}) {
      const input = {
        ClientToken: volume.token,
        AvailabilityZone: volume.zone,
        Size: volume.sizeGb,
        VolumeType: 'gp3' as const,
        Encrypted: true,
        ...(volume.kmsKey && { KmsKeyId: volume.kmsKey }),
        ...(volume.snapshotId && { SnapshotId: volume.snapshotId }),
        TagSpecifications: [{ ResourceType: 'volume' as const, Tags: tagList(volume.tags) }],
      };
      const call = () => client.send(new sdk.CreateVolumeCommand(input), abort(options));
      return toVolume(await send('CreateVolume', call, { again: 'any', ...options }));
    },
    async describeVolumes(query, options = {}) {
      const found: Ec2Volume[] = [];
      if ('ids' in query) {
        for (let at = 0; at < query.ids.length; at += PAGE) {
          const input = { VolumeIds: query.ids.slice(at, at + PAGE) };
          const call = () => client.send(new sdk.DescribeVolumesCommand(input), abort(options));
          const answer = await send('DescribeVolumes', call, {
            bucket: 'DescribeVolumes unfiltered',
            again: 'any',
            ...options,
          });
          found.push(...(answer.Volumes ?? []).map(toVolume));
          await turnOfLoop();
        }
        return found;
      }
      let next: string | undefined;
      do {
        const input = { Filters: filterList(query.filters), MaxResults: PAGE, ...(next && { NextToken: next }) };
        const call = () => client.send(new sdk.DescribeVolumesCommand(input), abort(options));
        const answer = await send('DescribeVolumes', call, { again: 'any', ...options });
        found.push(...(answer.Volumes ?? []).map(toVolume));
        await turnOfLoop();
        next = answer.NextToken;
      } while (next);
      return found;
    },
    async attachVolume(volumeId, instanceId, device, options = {}) {
      const input = { VolumeId: volumeId, InstanceId: instanceId, Device: device };
      const call = () => client.send(new sdk.AttachVolumeCommand(input), abort(options));
      await send('AttachVolume', call, { again: 'throttle', ...options });
    },
    async detachVolume(volumeId, { force }, options = {}) {
      const call = () =>
        client.send(new sdk.DetachVolumeCommand({ VolumeId: volumeId, ...(force && { Force: true }) }), abort(options));
      await send('DetachVolume', call, { again: 'throttle', ...options });
    },
    async modifyVolume(volumeId, sizeGb, options = {}) {
      const call = () => client.send(new sdk.ModifyVolumeCommand({ VolumeId: volumeId, Size: sizeGb }), abort(options));
      await send('ModifyVolume', call, { again: 'throttle', ...options });
    },
    async describeVolumesModifications(ids, options = {}) {
      const found: VolumeModification[] = [];
      for (let at = 0; at < ids.length; at += PAGE) {
        // By filter: a volume that was never modified is an error when it is asked for by id.
        const input = { Filters: filterList({ 'volume-id': ids.slice(at, at + PAGE) }) };
        const call = () => client.send(new sdk.DescribeVolumesModificationsCommand(input), abort(options));
        const answer = await send('DescribeVolumesModifications', call, { again: 'any', ...options });
        found.push(...(answer.VolumesModifications ?? []).map(toModification));
        await turnOfLoop();
      }
      return found;
    },
    async deleteVolume(id, options = {}) {
      const call = () => client.send(new sdk.DeleteVolumeCommand({ VolumeId: id }), abort(options));
      await send('DeleteVolume', call, { again: 'any', ...options });
    },
    async createSnapshot(volumeId, description, tags, options = {}) {
      const input = {
        VolumeId: volumeId,
        Description: description,
        TagSpecifications: [{ ResourceType: 'snapshot' as const, Tags: tagList(tags) }],
      };
      const call = () => client.send(new sdk.CreateSnapshotCommand(input), abort(options));
      return toSnapshot(await send('CreateSnapshot', call, { again: 'throttle', ...options }));
    },
    async describeSnapshots(query, options = {}) {
      const found: Ec2Snapshot[] = [];
      let next: string | undefined;
      do {
        const input =
          'ids' in query
            ? { SnapshotIds: [...query.ids] }
            : {
                OwnerIds: ['self'],
                Filters: filterList(query.filters),
                MaxResults: PAGE,
                ...(next && { NextToken: next }),
              };
        const call = () => client.send(new sdk.DescribeSnapshotsCommand(input), abort(options));
        const answer = await send('DescribeSnapshots', call, { again: 'any', ...options });
        found.push(...(answer.Snapshots ?? []).map(toSnapshot));
        await turnOfLoop();
        next = answer.NextToken;
      } while (next);
      return found;
    },
    async deleteSnapshot(id, options = {}) {
      const call = () => client.send(new sdk.DeleteSnapshotCommand({ SnapshotId: id }), abort(options));
      await send('DeleteSnapshot', call, { again: 'any', ...options });
    },
  };
}
