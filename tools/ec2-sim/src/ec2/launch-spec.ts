import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import type { SimCore } from '../sim.ts';
import type { SimImage, World } from '../world.ts';
import { checkMetadataTagKeys, checkSpecifications, find, KINDS, tagsFor } from './find.ts';
import { type TypeFacts, typeFacts, zonesOffering } from './instance-types.ts';
import type { SimSubnet } from './network-types.ts';

/** What RunInstances and CreateFleet need to launch, every part checked. */
export interface LaunchSpec {
  image: SimImage;
  type: string;
  facts: TypeFacts;
  subnet: SimSubnet;
  zone: string;
  groups: string[];
  assignPublicIp: boolean;
  interfaceDeletes: boolean;
  market: 'on-demand' | 'spot';
  onInterruption: 'stop' | 'terminate' | 'hibernate';
  profile?: { arn: string; id: string };
  input: RunInstancesCommandInput;
}

/** Checks everything a launch refers to, in EC2's words. Nothing is made. */
export function checkLaunch(core: SimCore, input: RunInstancesCommandInput): LaunchSpec {
  const { world } = core;
  const image = findImage(core, input.ImageId);
  const type = input.InstanceType ?? 'm1.small';
  const facts = typeFacts(type);
  if (!facts) throw new ApiError('InvalidParameterValue', `Invalid value '${type}' for InstanceType.`);
  if (!facts.arch.includes(image.architecture as 'x86_64')) {
    throw new ApiError(
      'InvalidParameterValue',
      `The architecture '${facts.arch.join(',')}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
    );
  }
  if (input.KeyName !== undefined && ![...world.keyPairs.values()].some(({ name }) => name === input.KeyName)) {
    throw new ApiError('InvalidKeyPair.NotFound', `The key pair '${input.KeyName}' does not exist`);
  }
  const subnet = findSubnet(world, input);
  const groups = findGroups(world, input, subnet.vpcId);
  if (!zonesOffering(type, world.zones).includes(subnet.zone)) {
    throw new ApiError(
      'Unsupported',
      `Your requested instance type (${type}) is not supported in your requested Availability Zone (${subnet.zone}). Please retry your request by not specifying an Availability Zone or choosing ${zonesOffering(type, world.zones).join(', ')}.`,
    );
  }
  checkUserData(input.UserData);
  checkSpecifications(input.TagSpecifications, ['instance', 'volume', 'network-interface', 'spot-instances-request']);
  if (input.MetadataOptions?.InstanceMetadataTags === 'enabled') {
    checkMetadataTagKeys(tagsFor(input.TagSpecifications, 'instance').map(([key]) => key));
  }
  const market = input.InstanceMarketOptions?.MarketType === 'spot' ? 'spot' : 'on-demand';
  const spot = input.InstanceMarketOptions?.SpotOptions;
  const onInterruption = spot?.InstanceInterruptionBehavior ?? 'terminate';
  if (market === 'spot' && onInterruption !== 'terminate' && spot?.SpotInstanceType !== 'persistent') {
    throw new ApiError(
      'InvalidParameterCombination',
      `The interruption behavior '${onInterruption}' needs a persistent spot request`,
    );
  }
  if (input.HibernationOptions?.Configured) checkHibernation(input, facts, type, image);
  const nic = input.NetworkInterfaces?.[0];
  return {
    image,
    type,
    facts,
    subnet,
    zone: subnet.zone,
    groups,
    assignPublicIp: nic?.AssociatePublicIpAddress ?? subnet.mapPublicIp,
    interfaceDeletes: nic?.DeleteOnTermination ?? true,
    market,
    onInterruption,
    ...profileOf(core, input),
    input,
  };
}

function findImage(core: SimCore, id: string | undefined): SimImage {
  const { world } = core;
  if (!id) throw new ApiError('MissingParameter', 'The request must contain the parameter ImageId');
  let resolved = id;
  if (id.startsWith('resolve:ssm:')) {
    const name = id.slice('resolve:ssm:'.length);
    const value = world.imageAliases.get(name) ?? core.services().parameter(name);
    if (!value) throw new ApiError('InvalidParameterValue', `The SSM parameter ${name} does not exist`);
    resolved = value;
  }
  const image = find(world, world.images, resolved, KINDS.image);
  if (image.state !== 'available') {
    throw new ApiError('InvalidAMIID.Unavailable', `The image ID '${resolved}' is not available`);
  }
  return image;
}

function findSubnet(world: World, input: RunInstancesCommandInput): SimSubnet {
  const nic = input.NetworkInterfaces?.[0];
  if (nic && (input.SubnetId || input.SecurityGroupIds)) {
    throw new ApiError(
      'InvalidParameterCombination',
      'Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request',
    );
  }
  const id = nic?.SubnetId ?? input.SubnetId;
  const zone = input.Placement?.AvailabilityZone;
  if (zone !== undefined && !world.zones.includes(zone)) {
    throw new ApiError('InvalidParameterValue', `Invalid availability zone: [${zone}]`);
  }
  if (id) {
    const subnet = find(world, world.subnets, id, KINDS.subnet);
    if (zone !== undefined && subnet.zone !== zone) {
      throw new ApiError('InvalidParameterValue', `The availability zone ${zone} is not that of subnet ${id}`);
    }
    return subnet;
  }
  const subnet = [...world.subnets.values()].find((one) => one.isDefault && (zone === undefined || one.zone === zone));
  if (!subnet) throw new ApiError('MissingInput', 'No subnets found for the default VPC. Please specify a subnet.');
  return subnet;
}

function findGroups(world: World, input: RunInstancesCommandInput, vpcId: string): string[] {
  const ids = input.NetworkInterfaces?.[0]?.Groups ?? input.SecurityGroupIds ?? [];
  for (const id of ids) {
    const group = find(world, world.groups, id, KINDS.group);
    if (group.vpcId !== vpcId) {
      throw new ApiError('InvalidParameter', `Security group ${id} and subnet belong to different networks.`);
    }
  }
  if (ids.length > 0) return [...ids];
  const fallback = [...world.groups.values()].find((group) => group.vpcId === vpcId && group.name === 'default');
  return fallback ? [fallback.id] : [];
}

/** Base64 of at most 16 KB. */
export function checkUserData(userData: string | undefined): void {
  if (userData === undefined) return;
  const bytes = Buffer.from(userData, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== userData.replace(/\s/g, '').replace(/=+$/, '')) {
    throw new ApiError('InvalidParameterValue', 'Invalid BASE64 encoding of user data');
  }
  if (bytes.length > 16_384) throw new ApiError('InvalidParameterValue', 'User data is limited to 16384 bytes');
}

function checkHibernation(input: RunInstancesCommandInput, facts: TypeFacts, type: string, image: SimImage): void {
  if (!facts.hibernation || facts.memoryMib >= 150 * 1024) {
    throw new ApiError('UnsupportedHibernationConfiguration', `Instances of type ${type} do not support hibernation.`);
  }
  const root = image.devices.find(({ device }) => device === image.rootDevice);
  const own = input.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === image.rootDevice)?.Ebs;
  if (!(own?.Encrypted ?? root?.encrypted ?? false)) {
    throw new ApiError('UnsupportedHibernationConfiguration', 'The root volume must be encrypted to hibernate.');
  }
  if ((own?.VolumeSize ?? root?.sizeGb ?? 0) * 1024 < facts.memoryMib) {
    throw new ApiError(
      'UnsupportedHibernationConfiguration',
      'The root volume is smaller than the memory of the instance.',
    );
  }
}

function profileOf(core: SimCore, input: RunInstancesCommandInput): { profile?: { arn: string; id: string } } {
  const wanted = input.IamInstanceProfile;
  const name = wanted?.Arn ?? wanted?.Name;
  if (name === undefined) return {};
  const profile = core.services().instanceProfile(name);
  if (profile) return { profile: { arn: profile.arn, id: profile.id } };
  const what = wanted?.Arn ? 'iamInstanceProfile.arn' : 'iamInstanceProfile.name';
  throw new ApiError(
    'InvalidParameterValue',
    `Value (${name}) for parameter ${what} is invalid. Invalid IAM Instance Profile ${wanted?.Arn ? 'ARN' : 'name'}`,
  );
}
