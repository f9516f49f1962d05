import { randomBytes } from 'node:crypto';
import type { Tag } from '@aws-sdk/client-ec2';
import type { AddressBlock } from './address-block.ts';
import type { SimClock } from './clock.ts';
import type { Delays } from './delays.ts';
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
import type {
  Resource,
  SimImage,
  SimInstance,
  SimKeyPair,
  SimSnapshot,
  SimTemplate,
  SimVolume,
} from './ec2/resource-types.ts';
import { Meter } from './meter.ts';

export { DEFAULT_DELAYS, type Delays } from './delays.ts';
export type * from './ec2/resource-types.ts';

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
  /** The part of 127.77.0.0/16 that is this world's, as numbers of addresses. */
  addressBlock: AddressBlock;
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
  addressBlock?: AddressBlock;
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
    addressBlock: options.addressBlock ?? { first: 0, size: 65_000 },
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
  const { first, size } = world.addressBlock;
  // They are handed out one after the other before one is looked at again.
  if (world.nextIp >= size) for (const { privateIp } of world.interfaces.values()) taken.add(privateIp);
  for (let tries = 0; tries < size; tries++) {
    const n = first + (world.nextIp++ % size);
    const ip = `127.77.${(n >> 8) & 255}.${n & 255}`;
    if ((n & 255) !== 0 && (n & 255) !== 255 && n - first > 10 && !taken.has(ip)) return ip;
  }
  throw new Error('The simulator has no more addresses in 127.77.0.0/16');
}
