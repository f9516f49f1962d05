import { randomBytes } from 'node:crypto';
import type { LaunchTemplateVersion, ModifySnapshotTierRequest, Tag } from '@aws-sdk/client-ec2';
import type { SimClock } from './clock.ts';
import { CapacityMap, type CapacityRule } from './ec2/capacity.ts';
import { seedImages } from './ec2/image-seed.ts';
import { seedDefaultVpc } from './ec2/network-seed.ts';
import type {
  SimAddress,
  SimEndpoint,
  SimGateway,
  SimGroup,
  SimInterface,
  SimNat,
  SimRouteTable,
  SimSubnet,
  SimVpc,
} from './ec2/network-types.ts';
import { Meter } from './meter.ts';

/** How long things take, in simulated milliseconds. */
export interface Delays {
  pendingMs: number;
  stoppingMs: number;
  terminatingMs: number;
  attachMs: number;
  detachMs: number;
  creatingMs: number;
  snapshotMs: number;
  imageMs: number;
  modifyVolumeMs: number;
  /** A grown or changed volume may not be changed again for so long. */
  modifyCooldownMs: number;
  /** Restoring a snapshot from the archive tier. */
  restoreMs: number;
  terminatedVisibleMs: number;
  /** Interfaces of a terminated instance hold its group and subnet for so long. */
  eniLingerMs: number;
  /** A fresh thing cannot be found for so long, and its tags for twice that. */
  consistencyMs: number;
  /** Notice before a spot instance is taken. */
  spotNoticeMs: number;
  natMs: number;
}

export const DEFAULT_DELAYS: Delays = {
  pendingMs: 5_000,
  stoppingMs: 15_000,
  terminatingMs: 10_000,
  attachMs: 1_500,
  detachMs: 1_500,
  creatingMs: 1_000,
  snapshotMs: 60_000,
  imageMs: 120_000,
  modifyVolumeMs: 60_000,
  modifyCooldownMs: 6 * 3_600_000,
  restoreMs: 24 * 3_600_000,
  terminatedVisibleMs: 3_600_000,
  eniLingerMs: 120_000,
  consistencyMs: 1_500,
  spotNoticeMs: 120_000,
  natMs: 60_000,
};

/** What every resource has. */
export interface Resource {
  id: string;
  /** Order of creation, over all resources; paging goes by it. */
  seq: number;
  tags: Map<string, string>;
  createdAt: number;
  /** Before this it is not found. */
  visibleAt: number;
  /** Before this its tags are not seen. */
  tagsVisibleAt: number;
}

export type StateName = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface SimInstance extends Resource {
  reservationId: string;
  imageId: string;
  type: string;
  zone: string;
  subnetId: string;
  vpcId: string;
  privateIp: string;
  publicIp?: string;
  assignPublicIp: boolean;
  state: StateName;
  stateReason?: { code: string; message: string };
  transitionReason: string;
  launchedAt: number;
  /** The call that launched or last started it: how often it booted. */
  boots: number;
  market: 'on-demand' | 'spot';
  onInterruption: 'stop' | 'terminate' | 'hibernate';
  spotRequestId?: string;
  /** Simulated time at which a spot instance is taken. */
  interruptAt?: number;
  clientToken?: string;
  /** Device name to volume. */
  devices: Map<string, string>;
  rootDevice: string;
  groups: string[];
  interfaceIds: string[];
  profile?: { arn: string; id: string };
  keyName?: string;
  userData?: string;
  onShutdown: 'stop' | 'terminate';
  hibernation: boolean;
  hibernated: boolean;
  ebsOptimized: boolean;
  monitoring: boolean;
  protectedFromTermination: boolean;
  protectedFromStop: boolean;
  architecture: string;
  metadata: {
    httpTokens: string;
    httpEndpoint: string;
    hopLimit: number;
    tags: string;
    ipv6: string;
  };
  cpuCredits?: string;
  console: string[];
  impaired: boolean;
  terminatedAt?: number;
  /** Fenced by each change of state: a timer of an older one does nothing. */
  turn: number;
}

export type VolumeState = 'creating' | 'available' | 'in-use' | 'deleting';

export interface SimAttachment {
  instanceId: string;
  device: string;
  state: 'attaching' | 'attached' | 'detaching' | 'busy';
  deleteOnTermination: boolean;
  at: number;
}

export interface SimVolume extends Resource {
  sizeGb: number;
  type: string;
  iops?: number;
  throughput?: number;
  zone: string;
  encrypted: boolean;
  kmsKeyId?: string;
  snapshotId?: string;
  state: VolumeState;
  attachment?: SimAttachment;
  clientToken?: string;
  modification?: SimModification;
}

export interface SimModification {
  state: 'modifying' | 'optimizing' | 'completed';
  progress: number;
  startedAt: number;
  endedAt?: number;
  from: { sizeGb: number; type: string; iops?: number; throughput?: number };
  to: { sizeGb: number; type: string; iops?: number; throughput?: number };
}

export interface SimSnapshot extends Resource {
  volumeId: string;
  sizeGb: number;
  /** What a full copy occupies and this one is billed for, in bytes. */
  fullBytes: number;
  billedBytes: number;
  state: 'pending' | 'completed' | 'error';
  progress: number;
  encrypted: boolean;
  description: string;
  tier: 'standard' | 'archive';
  tierChange?: { to: NonNullable<ModifySnapshotTierRequest['StorageTier']> | 'standard'; until: number };
  restoreExpiryAt?: number;
  completedAt?: number;
}

export interface SimImage extends Resource {
  name: string;
  description: string;
  ownerId: string;
  ownerAlias?: string;
  state: 'pending' | 'available' | 'deregistered';
  architecture: string;
  rootDevice: string;
  devices: {
    device: string;
    snapshotId?: string;
    sizeGb: number;
    type: string;
    deleteOnTermination: boolean;
    encrypted: boolean;
  }[];
  sourceInstanceId?: string;
  public: boolean;
  deprecatedAt?: number;
}

export interface SimTemplate extends Resource {
  name: string;
  defaultVersion: number;
  latestVersion: number;
  versions: Map<number, LaunchTemplateVersion>;
}

export interface SimKeyPair extends Resource {
  name: string;
  fingerprint: string;
}

/** Everything that exists in the simulated account and region. Tests may read all of it. */
export interface World {
  readonly region: string;
  readonly zones: readonly string[];
  readonly accountId: string;
  readonly clock: SimClock;
  readonly delays: Delays;
  /** Folder under which volumes and snapshots have their folders; they are made only when something runs in instances. */
  readonly dir: string;
  readonly capacity: CapacityMap;
  /** Quota code or name to its value; what is absent has AWS's own default. */
  readonly quotas: Map<string, number>;
  readonly meter: Meter;
  readonly instances: Map<string, SimInstance>;
  readonly volumes: Map<string, SimVolume>;
  readonly snapshots: Map<string, SimSnapshot>;
  readonly images: Map<string, SimImage>;
  /** Public SSM parameter to the image it names. */
  readonly imageAliases: Map<string, string>;
  readonly templates: Map<string, SimTemplate>;
  readonly keyPairs: Map<string, SimKeyPair>;
  readonly vpcs: Map<string, SimVpc>;
  readonly subnets: Map<string, SimSubnet>;
  readonly groups: Map<string, SimGroup>;
  readonly gateways: Map<string, SimGateway>;
  readonly routeTables: Map<string, SimRouteTable>;
  readonly nats: Map<string, SimNat>;
  readonly endpoints: Map<string, SimEndpoint>;
  readonly addresses: Map<string, SimAddress>;
  readonly interfaces: Map<string, SimInterface>;
  /** `action:token` to what it made and a digest of the parameters. */
  readonly clientTokens: Map<string, { digest: string; result: unknown }>;
  nextSeq: number;
  nextIp: number;
}

export interface WorldOptions {
  region: string;
  zones: string[];
  accountId: string;
  clock: SimClock;
  delays: Delays;
  dir: string;
  quotas: Record<string, number>;
  capacity: CapacityRule[];
}

/** An account with nothing in it but what AWS puts there: a default network and public images. */
export function createWorld(options: WorldOptions): World {
  const world: World = {
    ...options,
    capacity: new CapacityMap(options.capacity),
    quotas: new Map(Object.entries(options.quotas)),
    meter: new Meter(options.clock),
    instances: new Map(),
    volumes: new Map(),
    snapshots: new Map(),
    images: new Map(),
    imageAliases: new Map(),
    templates: new Map(),
    keyPairs: new Map(),
    vpcs: new Map(),
    subnets: new Map(),
    groups: new Map(),
    gateways: new Map(),
    routeTables: new Map(),
    nats: new Map(),
    endpoints: new Map(),
    addresses: new Map(),
    interfaces: new Map(),
    clientTokens: new Map(),
    nextSeq: 1,
    nextIp: 0,
  };
  seedDefaultVpc(world);
  seedImages(world);
  return world;
}

/** An id in AWS's form: prefix and seventeen hexadecimal digits. */
export function newId(prefix: string): string {
  return `${prefix}-0${randomBytes(8).toString('hex')}`;
}

/** The common part of a new resource. `late`: it shows up only after the consistency delay. */
export function newResource(
  world: World,
  prefix: string,
  tags: Iterable<[string, string]> = [],
  late = false,
): Resource {
  const now = world.clock.now();
  const delay = late ? world.delays.consistencyMs : 0;
  return {
    id: newId(prefix),
    seq: world.nextSeq++,
    tags: new Map(tags),
    createdAt: now,
    visibleAt: now + delay,
    tagsVisibleAt: now + 2 * delay,
  };
}

export function isVisible(world: World, resource: Resource): boolean {
  return world.clock.now() >= resource.visibleAt;
}

/** Tags as a describe shows them now. */
export function seenTags(world: World, resource: Resource): Map<string, string> {
  return world.clock.now() >= resource.tagsVisibleAt ? resource.tags : new Map();
}

export function tagList(world: World, resource: Resource): Tag[] {
  return [...seenTags(world, resource)].map(([Key, Value]) => ({ Key, Value }));
}

/** The next free address of 127.77.0.0/16; every one of them can be bound on Linux without set-up. */
export function newPrivateIp(world: World): string {
  const taken = new Set<string>();
  for (const { privateIp, state } of world.instances.values()) if (state !== 'terminated') taken.add(privateIp);
  for (const { privateIp } of world.nats.values()) taken.add(privateIp);
  for (let tries = 0; tries < 65_000; tries++) {
    const n = world.nextIp++ % 65_000;
    const ip = `127.77.${(n >> 8) & 255}.${n & 255}`;
    if ((n & 255) !== 0 && (n & 255) !== 255 && n > 10 && !taken.has(ip)) return ip;
  }
  throw new Error('The simulator has no more addresses in 127.77.0.0/16');
}
