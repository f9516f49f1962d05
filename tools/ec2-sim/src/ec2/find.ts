import { createHash } from 'node:crypto';
import type { Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { isVisible, type Resource, type World } from '../world.ts';

/** How EC2 words a missing or malformed id: `InvalidVolume.NotFound`, but `InvalidVolumeID.Malformed`. */
export interface Kind {
  prefix: string;
  what: string;
  notFound: string;
  malformed: string;
}

const kind = (
  prefix: string,
  what: string,
  notFound: string,
  malformed = notFound.replace(/\.NotFound$/, '.Malformed'),
): Kind => ({
  prefix,
  what,
  notFound,
  malformed,
});

export const KINDS = {
  instance: kind('i', 'instance ID', 'InvalidInstanceID.NotFound'),
  volume: kind('vol', 'volume', 'InvalidVolume.NotFound', 'InvalidVolumeID.Malformed'),
  snapshot: kind('snap', 'snapshot', 'InvalidSnapshot.NotFound', 'InvalidSnapshotID.Malformed'),
  image: kind('ami', 'image id', 'InvalidAMIID.NotFound'),
  template: kind('lt', 'launch template', 'InvalidLaunchTemplateId.NotFound'),
  vpc: kind('vpc', 'vpc ID', 'InvalidVpcID.NotFound'),
  subnet: kind('subnet', 'subnet ID', 'InvalidSubnetID.NotFound'),
  group: kind('sg', 'security group', 'InvalidGroup.NotFound', 'InvalidGroupId.Malformed'),
  rule: kind('sgr', 'security group rule', 'InvalidSecurityGroupRuleId.NotFound'),
  gateway: kind('igw', 'internetGateway ID', 'InvalidInternetGatewayID.NotFound'),
  routeTable: kind('rtb', 'routeTable ID', 'InvalidRouteTableID.NotFound'),
  nat: kind('nat', 'NAT gateway', 'NatGatewayNotFound', 'NatGatewayMalformed'),
  endpoint: kind('vpce', 'Vpc Endpoint Id', 'InvalidVpcEndpointId.NotFound'),
  address: kind('eipalloc', 'allocation ID', 'InvalidAllocationID.NotFound'),
  interface: kind('eni', 'networkInterface ID', 'InvalidNetworkInterfaceID.NotFound'),
} satisfies Record<string, Kind>;

export function checkId(id: string, { prefix, what, malformed }: Kind): void {
  if (!new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`).test(id)) {
    throw new ApiError(malformed, `Invalid ${what}: "${id}"`);
  }
}

/** The resource, or EC2's own refusal; a fresh one is not there yet. */
export function find<T extends Resource>(
  world: World,
  map: ReadonlyMap<string, T>,
  id: string | undefined,
  of: Kind,
): T {
  if (id === undefined || id === '') throw new ApiError('MissingParameter', `The request must contain the ${of.what}`);
  checkId(id, of);
  const found = map.get(id);
  if (!found || !isVisible(world, found)) throw new ApiError(of.notFound, `The ${of.what} '${id}' does not exist`);
  return found;
}

/** All of them or none: one unknown id refuses the whole call, naming every one. */
export function findAll<T extends Resource>(
  world: World,
  map: ReadonlyMap<string, T>,
  ids: readonly string[] | undefined,
  of: Kind,
): T[] {
  for (const id of ids ?? []) checkId(id, of);
  const missing = (ids ?? []).filter((id) => !map.has(id) || !isVisible(world, map.get(id)!));
  if (missing.length > 0) {
    const [s, verb] = missing.length > 1 ? ['s', 'do'] : ['', 'does'];
    throw new ApiError(of.notFound, `The ${of.what}${s} '${missing.join(', ')}' ${verb} not exist`);
  }
  return [...new Set(ids)].map((id) => map.get(id)!);
}

/** Tags that a create gives to one kind of resource. */
export function tagsFor(specifications: readonly TagSpecification[] | undefined, type: string): [string, string][] {
  return (specifications ?? []).filter((one) => one.ResourceType === type).flatMap((one) => checkTags(one.Tags));
}

/** Refuses resource types a create does not make, and tags EC2 does not take. */
export function checkSpecifications(
  specifications: readonly TagSpecification[] | undefined,
  types: readonly string[],
): void {
  for (const { ResourceType, Tags } of specifications ?? []) {
    if (!ResourceType || !types.includes(ResourceType)) {
      throw new ApiError(
        'InvalidParameterValue',
        `'${ResourceType}' is not a valid taggable resource type for this operation.`,
      );
    }
    if (!Tags?.length) throw new ApiError('InvalidParameterValue', 'Tag specification must have at least one tag');
    checkTags(Tags);
  }
}

export function checkTags(tags: readonly Tag[] | undefined): [string, string][] {
  const seen = new Set<string>();
  if ((tags?.length ?? 0) > 50)
    throw new ApiError('TagLimitExceeded', 'You have reached the limit of 50 tags per resource');
  return (tags ?? []).map(({ Key, Value = '' }) => {
    if (!Key || Key.length > 128 || Key.startsWith('aws:')) {
      throw new ApiError('InvalidParameterValue', `Tag key '${Key}' is reserved, empty or longer than 128 characters`);
    }
    if (seen.has(Key)) throw new ApiError('InvalidParameterValue', `Duplicate tag key '${Key}' specified.`);
    seen.add(Key);
    if (Value.length > 256)
      throw new ApiError('InvalidParameterValue', `Tag value exceeds the maximum length of 256 characters`);
    const odd = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u;
    if (odd.test(Key) || odd.test(Value)) {
      throw new ApiError('InvalidParameterValue', `Tag '${Key}' has characters that are not allowed`);
    }
    return [Key, Value];
  });
}

/** Tags in IMDS take only plain keys. */
export function checkMetadataTagKeys(keys: Iterable<string>): void {
  for (const key of keys) {
    if (!/^[A-Za-z0-9+\-=._:@,]{1,}$/.test(key) || key === '.' || key === '..' || key === '_index') {
      throw new ApiError(
        'InvalidParameterValue',
        `'${key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index')`,
      );
    }
  }
}

/**
 * Client tokens: the same token with the same parameters gives the earlier result again, for as long as the simulator
 * lives; with other parameters it is refused. A failed call leaves no token behind.
 */
export function onceFor<T extends object>(
  world: World,
  what: string,
  token: string | undefined,
  input: object,
  make: () => T,
): T {
  if (!token) return make();
  if (token.length > 128) throw new ApiError('InvalidParameterValue', 'The client token is too long');
  const { ClientToken: _, DryRun: __, ...rest } = input as Record<string, unknown>;
  const digest = createHash('sha256').update(canonical(rest)).digest('hex');
  const known = world.clientTokens.get(`${what}:${token}`);
  if (known && known.digest !== digest) {
    throw new ApiError(
      'IdempotentParameterMismatch',
      'The client token you have provided is associated with a resource that was created with different parameters.',
    );
  }
  if (known) return known.result as T;
  const result = make();
  world.clientTokens.set(`${what}:${token}`, { digest, result });
  return result;
}

function canonical(value: unknown): string {
  if (value instanceof Date || value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}
