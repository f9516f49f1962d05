import type { World } from '../world.ts';

type Context = Record<string, string | string[]>;

/** A resource with the condition keys that EC2 knows of it. */
export interface CheckedResource {
  resource: string;
  context: Context;
}

/** Prefix of an id to the type in its ARN. */
const TYPES: Record<string, string> = {
  i: 'instance',
  vol: 'volume',
  snap: 'snapshot',
  ami: 'image',
  sg: 'security-group',
  subnet: 'subnet',
  vpc: 'vpc',
  igw: 'internet-gateway',
  eigw: 'egress-only-internet-gateway',
  rtb: 'route-table',
  nat: 'natgateway',
  vpce: 'vpc-endpoint',
  eipalloc: 'elastic-ip',
  eni: 'network-interface',
  lt: 'launch-template',
  key: 'key-pair',
  fleet: 'fleet',
};

/** Images and snapshots have no account in their ARN. */
export function ec2Arn(world: World, type: string, id: string): string {
  const account = type === 'image' || type === 'snapshot' ? '' : world.accountId;
  return `arn:aws:ec2:${world.region}:${account}:${type}/${id}`;
}

export const typeOf = (id: string): string => TYPES[id.slice(0, id.indexOf('-'))] ?? 'unknown';

/** Everything with an id, whatever it is. */
function found(world: World, id: string): { tags: Map<string, string> } | undefined {
  const collections: Record<string, ReadonlyMap<string, { tags: Map<string, string> }>> = {
    instance: world.instances,
    volume: world.volumes,
    snapshot: world.snapshots,
    image: world.images,
    'security-group': world.groups,
    subnet: world.subnets,
    vpc: world.vpcs,
    'internet-gateway': world.gateways,
    'route-table': world.routeTables,
    natgateway: world.nats,
    'vpc-endpoint': world.endpoints,
    'elastic-ip': world.addresses,
    'network-interface': world.interfaces,
    'launch-template': world.templates,
    'key-pair': world.keyPairs,
  };
  return collections[typeOf(id)]?.get(id);
}

/** An existing resource. One that is not there has no tags, as for AWS. */
export function existing(world: World, id: string): CheckedResource {
  const type = typeOf(id);
  const context: Context = {};
  for (const [key, value] of found(world, id)?.tags ?? []) {
    context[`aws:ResourceTag/${key}`] = value;
    context[`ec2:ResourceTag/${key}`] = value;
  }
  const arn = ec2Arn(world, type, id);
  if (type === 'instance') {
    const instance = world.instances.get(id);
    if (instance) {
      context['ec2:InstanceType'] = instance.type;
      context['ec2:AvailabilityZone'] = instance.zone;
      context['ec2:InstanceID'] = id;
      context['ec2:MetadataHttpTokens'] = instance.metadata.httpTokens;
      if (instance.profile) context['ec2:InstanceProfile'] = instance.profile.arn;
    }
  } else if (type === 'image') {
    const image = world.images.get(id);
    if (image) {
      context['ec2:Owner'] = image.ownerAlias ?? image.ownerId;
      context['ec2:Public'] = String(image.public);
      context['ec2:ImageID'] = id;
    }
  } else if (type === 'volume') {
    const volume = world.volumes.get(id);
    if (volume) {
      context['ec2:AvailabilityZone'] = volume.zone;
      context['ec2:Encrypted'] = String(volume.encrypted);
      context['ec2:VolumeSize'] = String(volume.sizeGb);
      context['ec2:VolumeType'] = volume.type;
      context['ec2:VolumeID'] = id;
    }
  } else if (type === 'subnet' || type === 'security-group') {
    const vpcId = (type === 'subnet' ? world.subnets : world.groups).get(id)?.vpcId;
    if (vpcId) context['ec2:Vpc'] = ec2Arn(world, 'vpc', vpcId);
  }
  return { resource: arn, context };
}

/** A resource that the call makes, with the tags that the call gives it. */
export function created(world: World, type: string, tags: Tags | undefined, extra: Context = {}): CheckedResource {
  return { resource: ec2Arn(world, type, '*'), context: { ...extra, ...requestTags(tags) } };
}

export type Tags = { Key?: string | undefined; Value?: string | undefined }[];
export type TagSpecifications = { ResourceType?: string | undefined; Tags?: Tags | undefined }[];

/** Condition keys of the tags in a request. Without tags `aws:TagKeys` is absent. */
export function requestTags(tags: Tags | undefined): Context {
  const context: Context = {};
  for (const { Key = '', Value = '' } of tags ?? []) context[`aws:RequestTag/${Key}`] = Value;
  if (tags && tags.length > 0) context['aws:TagKeys'] = tags.map(({ Key = '' }) => Key);
  return context;
}
