import { randomUUID } from 'node:crypto';
import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { copyFiles } from '../machines.ts';
import type { SimCore } from '../sim.ts';
import { newId, newPrivateIp, newResource, type SimInstance, type SimVolume } from '../world.ts';
import { find, KINDS, tagsFor } from './find.ts';
import { typeFacts } from './instance-types.ts';
import type { LaunchSpec } from './launch-spec.ts';
import { power } from './lifecycle.ts';
import type { SimInterface } from './network-types.ts';
import { freeAddresses } from './subnet-room.ts';
import { meterVolume } from './volume-state.ts';

/** Quota codes by family and market. */
const VCPU_QUOTAS = {
  standard: { 'on-demand': 'L-1216C47A', spot: 'L-34B43A08' },
  g: { 'on-demand': 'L-DB2E81BA', spot: 'L-3819A6DF' },
} as const;

/** What an account has when nobody asked for more; a real new account may have as little as 5. */
const DEFAULT_VCPUS = 100_000;

/** Refuses what would run more virtual processors than the quota allows. */
export function checkVcpus(core: SimCore, type: string, market: 'on-demand' | 'spot', count: number): void {
  const facts = typeFacts(type)!;
  const code = VCPU_QUOTAS[facts.family][market];
  const limit = core.world.quotas.get(code) ?? DEFAULT_VCPUS;
  if (limit >= DEFAULT_VCPUS) return;
  let used = 0;
  for (const other of core.world.instances.values()) {
    const running = other.state === 'pending' || other.state === 'running';
    if (running && other.market === market && typeFacts(other.type)?.family === facts.family)
      used += typeFacts(other.type)!.vcpu;
  }
  if (used + facts.vcpu * count <= limit) return;
  if (market === 'spot') throw new ApiError('MaxSpotInstanceCountExceeded', 'Max spot instance count exceeded');
  throw new ApiError(
    'VcpuLimitExceeded',
    `You have requested more vCPU capacity than your current vCPU limit of ${limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`,
  );
}

export function noCapacity(type: string, zone: string): ApiError {
  return new ApiError(
    'InsufficientInstanceCapacity',
    `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity.`,
    500,
  );
}

/** Launches between `min` and `max` instances, as many as there is room for; all refusals come before anything is made. */
export function launch(core: SimCore, spec: LaunchSpec, min: number, max: number): SimInstance[] {
  const { world } = core;
  const { type, zone, market } = spec;
  checkVcpus(core, type, market, min);
  if (freeAddresses(world, spec.subnet) < min) {
    throw new ApiError(
      'InsufficientFreeAddressesInSubnet',
      `There are not enough free addresses in subnet '${spec.subnet.id}' to satisfy the requested number of instances.`,
    );
  }
  const count = Math.min(world.capacity.room({ type, zone, market }, max), freeAddresses(world, spec.subnet));
  if (count < min || count === 0) throw noCapacity(type, zone);
  checkVolumeQuota(core, count);
  world.capacity.take({ type, zone, market }, count);
  const reservationId = newId('r');
  return Array.from({ length: count }, () => launchOne(core, spec, reservationId));
}

/** Volumes an account may have per region here: as a quota named `volumes`; real accounts are limited by terabytes. */
export function checkVolumeQuota(core: SimCore, more: number): void {
  const limit = core.world.quotas.get('volumes') ?? Number.POSITIVE_INFINITY;
  if (core.world.volumes.size + more > limit) {
    throw new ApiError('VolumeLimitExceeded', `You have exceeded your maximum number of volumes (${limit}).`);
  }
}

function launchOne(core: SimCore, spec: LaunchSpec, reservationId: string): SimInstance {
  const { world } = core;
  const { input, image } = spec;
  const options = input.MetadataOptions;
  const instance: SimInstance = {
    ...newResource(world, 'i', tagsFor(input.TagSpecifications, 'instance'), true),
    reservationId,
    imageId: image.id,
    type: spec.type,
    zone: spec.zone,
    subnetId: spec.subnet.id,
    vpcId: spec.subnet.vpcId,
    privateIp: newPrivateIp(world),
    assignPublicIp: spec.assignPublicIp,
    state: 'pending',
    transitionReason: '',
    launchedAt: world.clock.now(),
    boots: 0,
    market: spec.market,
    onInterruption: spec.onInterruption as SimInstance['onInterruption'],
    ...(spec.market === 'spot' ? { spotRequestId: `sir-${randomUUID().slice(0, 8)}` } : {}),
    ...(input.ClientToken ? { clientToken: input.ClientToken } : {}),
    devices: new Map(),
    rootDevice: image.rootDevice,
    groups: spec.groups,
    interfaceIds: [],
    ...(spec.profile ? { profile: spec.profile } : {}),
    ...(input.KeyName ? { keyName: input.KeyName } : {}),
    ...(input.UserData ? { userData: input.UserData } : {}),
    onShutdown: input.InstanceInitiatedShutdownBehavior === 'terminate' ? 'terminate' : 'stop',
    hibernation: input.HibernationOptions?.Configured ?? false,
    hibernated: false,
    ebsOptimized: input.EbsOptimized ?? false,
    monitoring: input.Monitoring?.Enabled ?? false,
    protectedFromTermination: input.DisableApiTermination ?? false,
    protectedFromStop: input.DisableApiStop ?? false,
    architecture: image.architecture,
    metadata: {
      httpTokens: options?.HttpTokens ?? 'optional',
      httpEndpoint: options?.HttpEndpoint ?? 'enabled',
      hopLimit: options?.HttpPutResponseHopLimit ?? 1,
      tags: options?.InstanceMetadataTags ?? 'disabled',
      ipv6: options?.HttpProtocolIpv6 ?? 'disabled',
    },
    ...(typeFacts(spec.type)?.burstable ? { cpuCredits: input.CreditSpecification?.CpuCredits ?? 'unlimited' } : {}),
    console: [],
    impaired: false,
    turn: 0,
  };
  world.instances.set(instance.id, instance);
  addInterface(core, instance, spec);
  addVolumes(core, instance, spec);
  power(core, instance);
  return instance;
}

function addInterface(core: SimCore, instance: SimInstance, spec: LaunchSpec): void {
  const { world } = core;
  const eni: SimInterface = {
    ...newResource(world, 'eni', tagsFor(spec.input.TagSpecifications, 'network-interface')),
    subnetId: spec.subnet.id,
    vpcId: spec.subnet.vpcId,
    zone: spec.zone,
    privateIp: instance.privateIp,
    groups: spec.groups,
    description: '',
    kind: 'interface',
    requesterManaged: false,
    instanceId: instance.id,
    attachmentId: newId('eni-attach'),
    status: 'in-use',
    deleteOnTermination: spec.interfaceDeletes,
  };
  world.interfaces.set(eni.id, eni);
  instance.interfaceIds.push(eni.id);
}

type Mapping = NonNullable<RunInstancesCommandInput['BlockDeviceMappings']>[number];

/** Volumes of the image with what the call changes about them, and those the call adds. */
function addVolumes(core: SimCore, instance: SimInstance, { image, input, zone }: LaunchSpec): void {
  const { world } = core;
  const own = new Map<string, Mapping>((input.BlockDeviceMappings ?? []).map((one) => [one.DeviceName ?? '', one]));
  const devices = new Set([...image.devices.map(({ device }) => device), ...own.keys()]);
  for (const device of devices) {
    const base = image.devices.find((one) => one.device === device);
    const ebs = own.get(device)?.Ebs;
    if (own.get(device)?.NoDevice !== undefined || (!base && !ebs)) continue;
    const snapshotId = ebs?.SnapshotId ?? base?.snapshotId;
    if (ebs?.SnapshotId) find(world, world.snapshots, ebs.SnapshotId, KINDS.snapshot);
    const volume: SimVolume = {
      ...newResource(world, 'vol', tagsFor(input.TagSpecifications, 'volume'), true),
      sizeGb: ebs?.VolumeSize ?? base?.sizeGb ?? 8,
      type: ebs?.VolumeType ?? base?.type ?? 'gp3',
      ...(ebs?.Iops ? { iops: ebs.Iops } : {}),
      ...(ebs?.Throughput ? { throughput: ebs.Throughput } : {}),
      zone,
      encrypted: ebs?.Encrypted ?? base?.encrypted ?? false,
      ...(ebs?.KmsKeyId ? { kmsKeyId: ebs.KmsKeyId } : {}),
      ...(snapshotId ? { snapshotId } : {}),
      state: 'in-use',
      attachment: {
        instanceId: instance.id,
        device,
        state: 'attached',
        deleteOnTermination: ebs?.DeleteOnTermination ?? base?.deleteOnTermination ?? true,
        at: world.clock.now(),
      },
    };
    world.volumes.set(volume.id, volume);
    instance.devices.set(device, volume.id);
    meterVolume(core, volume);
    if (snapshotId) copyFiles(core, snapshotId, volume.id);
  }
}
