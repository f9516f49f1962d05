import type { Image } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { newResource, type SimImage, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import { reboot } from './lifecycle.ts';
import { paginate } from './paging.ts';
import { takeSnapshot } from './snapshots.ts';

export function viewImage(world: World, image: SimImage): Image {
  return {
    ImageId: image.id,
    Name: image.name,
    Description: image.description,
    ImageLocation: `${image.ownerAlias ?? image.ownerId}/${image.name}`,
    OwnerId: image.ownerId,
    ...(image.ownerAlias ? { ImageOwnerAlias: image.ownerAlias } : {}),
    State: image.state,
    Public: image.public,
    Architecture: image.architecture as 'x86_64',
    CreationDate: new Date(image.createdAt).toISOString(),
    ImageType: 'machine',
    RootDeviceName: image.rootDevice,
    RootDeviceType: 'ebs',
    VirtualizationType: 'hvm',
    Hypervisor: 'xen',
    EnaSupport: true,
    PlatformDetails: 'Linux/UNIX',
    ...(image.sourceInstanceId ? { SourceInstanceId: image.sourceInstanceId } : {}),
    ...(image.deprecatedAt === undefined ? {} : { DeprecationTime: new Date(image.deprecatedAt).toISOString() }),
    BlockDeviceMappings: image.devices.map(({ device, snapshotId, sizeGb, type, deleteOnTermination, encrypted }) => ({
      DeviceName: device,
      Ebs: {
        ...(snapshotId ? { SnapshotId: snapshotId } : {}),
        VolumeSize: sizeGb,
        VolumeType: type as 'gp3',
        DeleteOnTermination: deleteOnTermination,
        Encrypted: encrypted,
      },
    })),
    Tags: tagList(world, image),
  };
}

const FILTERS: FilterTable<SimImage> = {
  architecture: (i) => i.architecture,
  'block-device-mapping.snapshot-id': (i) => i.devices.map(({ snapshotId }) => snapshotId),
  'creation-date': (i) => new Date(i.createdAt).toISOString(),
  description: (i) => i.description,
  'image-id': (i) => i.id,
  'is-public': (i) => i.public,
  name: (i) => i.name,
  'owner-alias': (i) => i.ownerAlias,
  'owner-id': (i) => i.ownerId,
  'root-device-type': () => 'ebs',
  'source-instance-id': (i) => i.sourceInstanceId,
  state: (i) => i.state,
  'virtualization-type': () => 'hvm',
};

function checkName(world: World, name: string | undefined): string {
  if (!name || !/^[\w ().\-/'@[\]]{3,128}$/.test(name)) {
    throw new ApiError(
      'InvalidAMIName.Malformed',
      "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and ( ) . - / _ ' @ [ ]",
    );
  }
  const same = [...world.images.values()].find(
    (one) => one.name === name && one.ownerId === world.accountId && one.state !== 'deregistered',
  );
  if (same) throw new ApiError('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI ${same.id}`);
  return name;
}

export const imageActions: Action[] = [
  action('CreateImage', {
    parameters: 'InstanceId Name Description NoReboot TagSpecifications',
    run({ InstanceId, Name, Description = '', NoReboot = false, TagSpecifications }, { core, world }) {
      const instance = find(world, world.instances, InstanceId, KINDS.instance);
      if (instance.state !== 'running' && instance.state !== 'stopped') {
        throw new ApiError('IncorrectState', `Instance '${instance.id}' is not 'running' or 'stopped'.`);
      }
      const name = checkName(world, Name);
      checkSpecifications(TagSpecifications, ['image', 'snapshot']);
      const base = newResource(world, 'ami', tagsFor(TagSpecifications, 'image'), true);
      const devices = [...instance.devices].map(([device, volumeId]) => {
        const volume = world.volumes.get(volumeId)!;
        const snapshot = takeSnapshot(
          core,
          volume,
          `Created by CreateImage(${instance.id}) for ${base.id}`,
          tagsFor(TagSpecifications, 'snapshot'),
        );
        const { sizeGb, type, encrypted } = volume;
        return {
          device,
          snapshotId: snapshot.id,
          sizeGb,
          type,
          encrypted,
          deleteOnTermination: volume.attachment?.deleteOnTermination ?? true,
        };
      });
      const image: SimImage = {
        ...base,
        name,
        description: Description,
        ownerId: world.accountId,
        state: 'pending',
        architecture: instance.architecture,
        rootDevice: instance.rootDevice,
        devices,
        sourceInstanceId: instance.id,
        public: false,
      };
      world.images.set(image.id, image);
      world.clock.after(world.delays.imageMs, () => {
        if (image.state === 'pending') image.state = 'available';
      });
      if (!NoReboot && instance.state === 'running') reboot(core, instance);
      return { ImageId: image.id };
    },
  }),

  action('RegisterImage', {
    parameters: `Name Description Architecture RootDeviceName VirtualizationType EnaSupport ImdsSupport BootMode TagSpecifications
      BlockDeviceMappings.DeviceName BlockDeviceMappings.Ebs.SnapshotId BlockDeviceMappings.Ebs.VolumeSize
      BlockDeviceMappings.Ebs.VolumeType BlockDeviceMappings.Ebs.DeleteOnTermination`,
    run(input, { world }) {
      const name = checkName(world, input.Name);
      checkSpecifications(input.TagSpecifications, ['image']);
      const devices = (input.BlockDeviceMappings ?? []).map(({ DeviceName = '', Ebs }) => {
        const snapshot = find(world, world.snapshots, Ebs?.SnapshotId, KINDS.snapshot);
        return {
          device: DeviceName,
          snapshotId: snapshot.id,
          sizeGb: Ebs?.VolumeSize ?? snapshot.sizeGb,
          type: Ebs?.VolumeType ?? 'gp3',
          deleteOnTermination: Ebs?.DeleteOnTermination ?? true,
          encrypted: snapshot.encrypted,
        };
      });
      const image: SimImage = {
        ...newResource(world, 'ami', tagsFor(input.TagSpecifications, 'image'), true),
        name,
        description: input.Description ?? '',
        ownerId: world.accountId,
        state: 'available',
        architecture: input.Architecture ?? 'x86_64',
        rootDevice: input.RootDeviceName ?? '/dev/sda1',
        devices,
        public: false,
      };
      world.images.set(image.id, image);
      return { ImageId: image.id };
    },
  }),

  action('DeregisterImage', {
    parameters: 'ImageId',
    run({ ImageId }, { world }) {
      const image = find(world, world.images, ImageId, KINDS.image);
      if (image.ownerId !== world.accountId)
        throw new ApiError('AuthFailure', `Not authorized for image:${image.id}`, 403);
      image.state = 'deregistered';
      world.images.delete(image.id);
      return { Return: true };
    },
  }),

  action('DescribeImages', {
    parameters: 'ImageIds Owners ExecutableUsers IncludeDeprecated MaxResults NextToken',
    filters: FILTERS,
    run({ ImageIds: ids, Owners, Filters, IncludeDeprecated: _i, ExecutableUsers: _e, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.images, ids, KINDS.image) : [...world.images.values()];
      const owned = from.filter(
        ({ ownerId, ownerAlias }) =>
          !Owners?.length ||
          Owners.some(
            (owner) => owner === ownerId || owner === ownerAlias || (owner === 'self' && ownerId === world.accountId),
          ),
      );
      const { page, ...rest } = paginate(select(world, owned, FILTERS, Filters), request, { min: 1 });
      return { Images: page.map((image) => viewImage(world, image)), ...rest };
    },
  }),
];
