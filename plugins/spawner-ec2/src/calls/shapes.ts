import type {
  Image,
  Instance,
  InstanceStatus,
  Snapshot,
  Tag,
  VolumeModification as Vm,
  Volume,
} from '@aws-sdk/client-ec2';
import type {
  Ec2Image,
  Ec2Instance,
  Ec2Snapshot,
  Ec2Volume,
  Filters,
  InstanceHealth,
  Tags,
  VolumeModification,
} from './types.ts';

/*
 * From the SDK's shapes, where everything is optional, to ours. The SDK's answers hold hundreds of fields; only what is
 * acted on is kept, so that a cache of thousands stays small.
 */

const ms = (date: Date | undefined): number => date?.getTime() ?? 0;
const tagsFrom = (tags: readonly Tag[] = []): Tags =>
  Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));

/** To the list that EC2 wants. */
export const tagList = (tags: Tags): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
export const filterList = (filters: Filters) =>
  Object.entries(filters).map(([Name, values]) => ({ Name, Values: [...values] }));

export function toInstance(one: Instance, ownerId: string | undefined): Ec2Instance {
  return {
    id: one.InstanceId ?? '',
    state: one.State?.Name ?? 'pending',
    type: one.InstanceType ?? '',
    zone: one.Placement?.AvailabilityZone ?? '',
    imageId: one.ImageId ?? '',
    market: one.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
    ...(one.PrivateIpAddress && { privateIp: one.PrivateIpAddress }),
    ...(one.PublicIpAddress && { publicIp: one.PublicIpAddress }),
    launchedAt: ms(one.LaunchTime),
    ...(ownerId && { ownerId }),
    ...(one.ClientToken && { clientToken: one.ClientToken }),
    tags: tagsFrom(one.Tags),
    volumes: (one.BlockDeviceMappings ?? []).map(({ DeviceName = '', Ebs }) => ({
      volumeId: Ebs?.VolumeId ?? '',
      device: DeviceName,
      deleteOnTermination: Ebs?.DeleteOnTermination ?? false,
    })),
    ...(one.RootDeviceName && { rootDevice: one.RootDeviceName }),
    hibernation: one.HibernationOptions?.Configured ?? false,
    ...(one.StateReason?.Code && {
      stateReason: { code: one.StateReason.Code, message: one.StateReason.Message ?? '' },
    }),
    ...transitionOf(one.StateTransitionReason),
  };
}

/** EC2 says it in words only: `User initiated (2026-11-21 10:00:00 GMT)`. */
function transitionOf(reason = ''): { transitionAt?: number } {
  const said = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)/.exec(reason);
  return said ? { transitionAt: Date.parse(`${said[1]}T${said[2]}Z`) } : {};
}

export function toVolume(one: Volume): Ec2Volume {
  return {
    id: one.VolumeId ?? '',
    state: one.State ?? 'creating',
    zone: one.AvailabilityZone ?? '',
    sizeGb: one.Size ?? 0,
    encrypted: one.Encrypted ?? false,
    ...(one.SnapshotId && { snapshotId: one.SnapshotId }),
    createdAt: ms(one.CreateTime),
    tags: tagsFrom(one.Tags),
    attachments: (one.Attachments ?? []).map(({ InstanceId = '', Device = '', State = 'attaching' }) => ({
      instanceId: InstanceId,
      device: Device,
      state: State,
    })),
  };
}

export function toSnapshot(one: Snapshot): Ec2Snapshot {
  return {
    id: one.SnapshotId ?? '',
    volumeId: one.VolumeId ?? '',
    state: one.State ?? 'pending',
    startedAt: ms(one.StartTime),
    sizeGb: one.VolumeSize ?? 0,
    percent: Number.parseInt(one.Progress || '0', 10) || 0,
    tags: tagsFrom(one.Tags),
  };
}

export function toImage(one: Image): Ec2Image {
  return {
    id: one.ImageId ?? '',
    state: one.State ?? '',
    createdAt: Date.parse(one.CreationDate ?? '') || 0,
    ...(one.Architecture && { architecture: one.Architecture }),
    ...(one.RootDeviceName && { rootDevice: one.RootDeviceName }),
  };
}

export function toHealth(one: InstanceStatus): InstanceHealth {
  const checks = [one.InstanceStatus?.Status, one.SystemStatus?.Status];
  return {
    id: one.InstanceId ?? '',
    impaired: checks.includes('impaired'),
    checking: checks.includes('initializing'),
    events: (one.Events ?? []).map(({ Code = '', NotBefore }) => ({ code: Code, notBefore: ms(NotBefore) })),
  };
}

export function toModification(one: Vm): VolumeModification {
  return {
    volumeId: one.VolumeId ?? '',
    state: one.ModificationState ?? 'modifying',
    sizeGb: one.TargetSize ?? 0,
    percent: one.Progress ?? 0,
    startedAt: ms(one.StartTime),
  };
}
