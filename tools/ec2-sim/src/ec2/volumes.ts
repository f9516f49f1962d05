import type { Volume, VolumeAttachmentState, VolumeType } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { copyFiles } from '../machines.ts';
import { newResource, type SimVolume, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, onceFor, tagsFor } from './find.ts';
import { STORAGE_USD } from './instance-types.ts';
import { checkVolumeQuota } from './launch.ts';
import { paginate } from './paging.ts';
import { deleteVolumeNow, meterVolume, releaseVolume } from './volume-state.ts';

const MAX_GB = 16_384;

function view(world: World, volume: SimVolume): Volume {
  return {
    VolumeId: volume.id,
    Size: volume.sizeGb,
    VolumeType: volume.type as VolumeType,
    ...(volume.iops || volume.type === 'gp3' ? { Iops: volume.iops ?? 3000 } : {}),
    ...(volume.throughput || volume.type === 'gp3' ? { Throughput: volume.throughput ?? 125 } : {}),
    AvailabilityZone: volume.zone,
    State: volume.state,
    Encrypted: volume.encrypted,
    ...(volume.encrypted
      ? { KmsKeyId: volume.kmsKeyId ?? `arn:aws:kms:${world.region}:${world.accountId}:key/aws-managed-ebs` }
      : {}),
    SnapshotId: volume.snapshotId ?? '',
    CreateTime: new Date(volume.createdAt),
    MultiAttachEnabled: false,
    Tags: tagList(world, volume),
    Attachments: viewAttachments(volume),
  };
}

function viewAttachments(volume: SimVolume) {
  const { attachment } = volume;
  return attachment ? [viewAttachment(volume, attachment.state)] : [];
}

function viewAttachment(volume: SimVolume, state: string) {
  const { instanceId, device, deleteOnTermination, at } = volume.attachment!;
  return {
    VolumeId: volume.id,
    InstanceId: instanceId,
    Device: device,
    State: state as VolumeAttachmentState,
    AttachTime: new Date(at),
    DeleteOnTermination: deleteOnTermination,
  };
}

const VOLUME_FILTERS: FilterTable<SimVolume> = {
  'attachment.delete-on-termination': (v) => v.attachment?.deleteOnTermination,
  'attachment.device': (v) => v.attachment?.device,
  'attachment.instance-id': (v) => v.attachment?.instanceId,
  'attachment.status': (v) => v.attachment?.state,
  'availability-zone': (v) => v.zone,
  'create-time': (v) => new Date(v.createdAt).toISOString(),
  encrypted: (v) => v.encrypted,
  size: (v) => v.sizeGb,
  'snapshot-id': (v) => v.snapshotId,
  status: (v) => v.state,
  'volume-id': (v) => v.id,
  'volume-type': (v) => v.type,
};

export const volumeActions: Action[] = [
  action('CreateVolume', {
    parameters:
      'AvailabilityZone Encrypted Iops KmsKeyId Size SnapshotId VolumeType TagSpecifications Throughput ClientToken',
    run(input, { core, world }) {
      const { AvailabilityZone: zone, Size, SnapshotId, VolumeType: type = 'gp2' } = input;
      const volume = onceFor(world, 'CreateVolume', input.ClientToken, input, () => {
        if (!zone) throw new ApiError('MissingParameter', 'The request must contain the parameter zone');
        if (!world.zones.includes(zone))
          throw new ApiError('InvalidZone.NotFound', `The zone '${zone}' does not exist.`);
        if (!Object.hasOwn(STORAGE_USD, type) || type === ('snapshot' as string) || type === ('archive' as string)) {
          throw new ApiError('InvalidParameterValue', `Value (${type}) for parameter volumeType is invalid.`);
        }
        const snapshot = SnapshotId ? find(world, world.snapshots, SnapshotId, KINDS.snapshot) : undefined;
        if (snapshot && (snapshot.state !== 'completed' || snapshot.tier === 'archive')) {
          throw new ApiError(
            'IncorrectState',
            `Snapshot ${SnapshotId} is not usable: it is ${snapshot.tier === 'archive' ? 'archived' : snapshot.state}.`,
          );
        }
        const sizeGb = Size ?? snapshot?.sizeGb;
        if (sizeGb === undefined)
          throw new ApiError('MissingParameter', 'The request must contain the parameter size/snapshot');
        if (sizeGb < (snapshot?.sizeGb ?? 1) || sizeGb > MAX_GB) {
          throw new ApiError(
            'InvalidParameterValue',
            `Volume of ${sizeGb}GiB is not between ${snapshot?.sizeGb ?? 1}GiB and ${MAX_GB}GiB`,
          );
        }
        checkSpecifications(input.TagSpecifications, ['volume']);
        checkVolumeQuota(core, 1);
        const made: SimVolume = {
          ...newResource(world, 'vol', tagsFor(input.TagSpecifications, 'volume'), true),
          sizeGb,
          type,
          ...(input.Iops ? { iops: input.Iops } : {}),
          ...(input.Throughput ? { throughput: input.Throughput } : {}),
          zone,
          encrypted: input.Encrypted ?? snapshot?.encrypted ?? false,
          ...(input.KmsKeyId ? { kmsKeyId: input.KmsKeyId } : {}),
          ...(SnapshotId ? { snapshotId: SnapshotId } : {}),
          state: 'creating',
          ...(input.ClientToken ? { clientToken: input.ClientToken } : {}),
        };
        world.volumes.set(made.id, made);
        meterVolume(core, made);
        if (SnapshotId) copyFiles(core, SnapshotId, made.id);
        world.clock.after(world.delays.creatingMs, () => {
          if (made.state === 'creating') made.state = 'available';
        });
        return made;
      });
      return view(world, volume);
    },
  }),

  action('DescribeVolumes', {
    parameters: 'VolumeIds MaxResults NextToken',
    filters: VOLUME_FILTERS,
    run({ VolumeIds: ids, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.volumes, ids, KINDS.volume) : world.volumes.values();
      const { page, ...rest } = paginate(select(world, from, VOLUME_FILTERS, Filters), request, {
        ids: { name: 'volumeSet', given: ids },
      });
      return { Volumes: page.map((volume) => view(world, volume)), ...rest };
    },
  }),

  action('AttachVolume', {
    parameters: 'Device InstanceId VolumeId',
    run({ Device: device, InstanceId, VolumeId }, { world }) {
      const volume = find(world, world.volumes, VolumeId, KINDS.volume);
      const instance = find(world, world.instances, InstanceId, KINDS.instance);
      if (!device) throw new ApiError('MissingParameter', 'The request must contain the parameter device');
      if (!/^(\/dev\/(sd[a-z]|xvd[a-z]{1,2})\d{0,2}|xvd[a-z]{1,2})$/.test(device)) {
        throw new ApiError(
          'InvalidParameterValue',
          `Value (${device}) for parameter device is invalid. ${device} is not a valid EBS device name.`,
        );
      }
      if (volume.attachment) throw new ApiError('VolumeInUse', `${volume.id} is already attached to an instance`);
      if (volume.state !== 'available') throw new ApiError('IncorrectState', `${volume.id} is not 'available'.`);
      if (instance.state !== 'running' && instance.state !== 'stopped') {
        throw new ApiError('IncorrectState', `Instance '${instance.id}' is not 'running'.`);
      }
      if (volume.zone !== instance.zone) {
        throw new ApiError(
          'InvalidVolume.ZoneMismatch',
          `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`,
        );
      }
      if (instance.devices.has(device)) {
        throw new ApiError(
          'InvalidParameterValue',
          `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
        );
      }
      const attachment: SimVolume['attachment'] = {
        instanceId: instance.id,
        device,
        state: 'attaching',
        deleteOnTermination: false,
        at: world.clock.now(),
      };
      volume.attachment = attachment;
      volume.state = 'in-use';
      instance.devices.set(device, volume.id);
      world.clock.after(world.delays.attachMs, () => {
        if (attachment.state === 'attaching') attachment.state = 'attached';
      });
      return viewAttachment(volume, 'attaching');
    },
  }),

  action('DetachVolume', {
    parameters: 'Device Force InstanceId VolumeId',
    run({ Device, InstanceId, VolumeId }, { core, world }) {
      const volume = find(world, world.volumes, VolumeId, KINDS.volume);
      const { attachment } = volume;
      if (!attachment || attachment.state === 'detaching') {
        throw new ApiError('IncorrectState', `Volume '${volume.id}' is in the '${volume.state}' state.`);
      }
      if ((InstanceId && InstanceId !== attachment.instanceId) || (Device && Device !== attachment.device)) {
        throw new ApiError(
          'InvalidAttachment.NotFound',
          `The volume '${volume.id}' is not attached to instance '${InstanceId}' as device '${Device}'`,
        );
      }
      const instance = world.instances.get(attachment.instanceId);
      if (instance?.rootDevice === attachment.device && instance.state !== 'stopped') {
        throw new ApiError(
          'OperationNotPermitted',
          `Unable to detach root volume '${volume.id}' from instance '${instance.id}'`,
        );
      }
      attachment.state = 'detaching';
      const seen = viewAttachment(volume, 'detaching');
      world.clock.after(world.delays.detachMs, () => {
        if (volume.attachment === attachment) releaseVolume(core, volume);
      });
      return seen;
    },
  }),

  action('DeleteVolume', {
    parameters: 'VolumeId',
    run({ VolumeId }, { core, world }) {
      const volume = find(world, world.volumes, VolumeId, KINDS.volume);
      if (volume.attachment) {
        throw new ApiError(
          'VolumeInUse',
          `Volume ${volume.id} is currently attached to ${volume.attachment.instanceId}`,
        );
      }
      if (volume.state === 'creating') throw new ApiError('IncorrectState', `Volume ${volume.id} is being created`);
      deleteVolumeNow(core, volume);
      return {};
    },
  }),
];
