import type {
  BlockDeviceMapping,
  RequestLaunchTemplateData,
  RunInstancesRequest,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import { mergeTags } from '../ec2/template-data.ts';
import type { AuthRequest } from '../services/index.ts';
import type { World } from '../world.ts';
import { tagOnCreate } from './ec2-authorizations.ts';
import { type CheckedResource, created, ec2Arn, existing, type TagSpecifications, type Tags } from './ec2-resources.ts';

/** ARNs of an instance profile and its role, by name or ARN. */
export type Profiles = (nameOrArn: string) => { arn: string; roleArn: string } | undefined;

type Params = Record<string, unknown>;
type TemplateReference = { LaunchTemplateId?: string; LaunchTemplateName?: string; Version?: string };

/** What RunInstances is checked on: all it makes, all it uses, the role it passes on, the tags it sets. */
export function launchAuthorizations(params: Params, world: World, profiles: Profiles): AuthRequest[] {
  const request = params as unknown as RunInstancesRequest;
  const template = templateOf(world, request.LaunchTemplate as TemplateReference | undefined);
  const from = { ...template?.data } as RequestLaunchTemplateData;
  // What the call names wins over the template; only the rest counts as the template's own.
  const fromTemplate = (name: keyof RunInstancesRequest): boolean => request[name] === undefined;
  const merged = { ...from, ...defined(request) } as RunInstancesRequest;

  const specifications = mergeTags(
    from.TagSpecifications as TagSpecification[] | undefined,
    request.TagSpecifications,
  ) as TagSpecifications;
  const tagsFor = (type: string): Tags | undefined =>
    specifications.find(({ ResourceType }) => ResourceType === type)?.Tags;
  const nic = merged.NetworkInterfaces?.[0];
  const subnetId =
    nic?.SubnetId ?? merged.SubnetId ?? [...world.subnets.values()].find(({ isDefault }) => isDefault)?.id;
  const subnet = subnetId === undefined ? undefined : world.subnets.get(subnetId);
  const zone: Record<string, string> = subnet ? { 'ec2:AvailabilityZone': subnet.zone } : {};
  const profileName = merged.IamInstanceProfile?.Arn ?? merged.IamInstanceProfile?.Name;
  const profile = profileName === undefined ? undefined : profiles(profileName);

  const instance = created(world, 'instance', tagsFor('instance'), {
    ...zone,
    'ec2:InstanceType': merged.InstanceType ?? 'm1.small',
    'ec2:MetadataHttpTokens': merged.MetadataOptions?.HttpTokens ?? 'optional',
    'ec2:MetadataHttpEndpoint': merged.MetadataOptions?.HttpEndpoint ?? 'enabled',
    'ec2:MetadataHttpPutResponseHopLimit': String(merged.MetadataOptions?.HttpPutResponseHopLimit ?? 1),
    'ec2:EbsOptimized': String(merged.EbsOptimized ?? false),
    'ec2:RootDeviceType': 'ebs',
    'ec2:Tenancy': 'default',
    ...(merged.InstanceMarketOptions?.MarketType
      ? { 'ec2:InstanceMarketType': merged.InstanceMarketOptions.MarketType }
      : {}),
    ...(profile ? { 'ec2:InstanceProfile': profile.arn } : {}),
  });
  const disks = merged.BlockDeviceMappings ?? [];
  const volumes = (disks.length > 0 ? disks : [{} as BlockDeviceMapping]).map(({ Ebs }) =>
    created(world, 'volume', tagsFor('volume'), {
      ...zone,
      'ec2:VolumeType': Ebs?.VolumeType ?? 'gp3',
      'ec2:Encrypted': String(Ebs?.Encrypted ?? false),
      ...(Ebs?.VolumeSize === undefined ? {} : { 'ec2:VolumeSize': String(Ebs.VolumeSize) }),
    }),
  );
  const eni = created(world, 'network-interface', tagsFor('network-interface'), {
    ...zone,
    ...(subnet
      ? { 'ec2:Subnet': ec2Arn(world, 'subnet', subnet.id), 'ec2:Vpc': ec2Arn(world, 'vpc', subnet.vpcId) }
      : {}),
    ...(nic?.AssociatePublicIpAddress === undefined
      ? {}
      : { 'ec2:AssociatePublicIpAddress': String(nic.AssociatePublicIpAddress) }),
  });
  const groups = nic?.Groups ?? merged.SecurityGroupIds ?? groupIds(world, merged.SecurityGroups, subnet?.vpcId);

  const checked: { from: boolean; one: CheckedResource }[] = [
    { from: false, one: instance },
    ...volumes.map((one) => ({ from: fromTemplate('BlockDeviceMappings'), one })),
    { from: fromTemplate('NetworkInterfaces'), one: eni },
    ...(subnet
      ? [{ from: fromTemplate('SubnetId') && fromTemplate('NetworkInterfaces'), one: existing(world, subnet.id) }]
      : []),
    ...groups.map((id) => ({
      from: fromTemplate('SecurityGroupIds') && fromTemplate('NetworkInterfaces'),
      one: existing(world, id),
    })),
    ...(merged.ImageId
      ? [{ from: fromTemplate('ImageId'), one: existing(world, imageOf(world, merged.ImageId)) }]
      : []),
    ...(template ? [{ from: false, one: existing(world, template.id) }] : []),
    ...(merged.KeyName
      ? [{ from: fromTemplate('KeyName'), one: { resource: ec2Arn(world, 'key-pair', merged.KeyName), context: {} } }]
      : []),
  ];
  const templated = (from: boolean): Record<string, string> =>
    template
      ? {
          'ec2:LaunchTemplate': ec2Arn(world, 'launch-template', template.id),
          'ec2:IsLaunchTemplateResource': String(from),
        }
      : {};
  return [
    ...checked.map(({ from: own, one }) => ({
      action: 'ec2:RunInstances',
      resource: one.resource,
      context: { ...one.context, ...templated(own) },
    })),
    ...(profile ? [passRole(profile.roleArn)] : []),
    ...tagOnCreate('RunInstances', specifications, world),
  ];
}

/** CreateFleet is checked itself, and as the launches that it makes for the caller. */
export function fleetAuthorizations(params: Params, world: World, profiles: Profiles): AuthRequest[] {
  type Config = {
    LaunchTemplateSpecification?: TemplateReference;
    Overrides?: { InstanceType?: string; SubnetId?: string; ImageId?: string }[];
  };
  const configs = (params.LaunchTemplateConfigs ?? []) as Config[];
  const specifications = (params.TagSpecifications ?? []) as TagSpecifications;
  const launches = configs.flatMap(({ LaunchTemplateSpecification, Overrides }) =>
    (Overrides && Overrides.length > 0 ? Overrides : [{}]).flatMap((override) =>
      launchAuthorizations(
        {
          LaunchTemplate: LaunchTemplateSpecification,
          ...defined({ InstanceType: override.InstanceType, SubnetId: override.SubnetId, ImageId: override.ImageId }),
          TagSpecifications: specifications.filter(({ ResourceType }) => ResourceType !== 'fleet'),
        },
        world,
        profiles,
      ),
    ),
  );
  const fleetTags = specifications.find(({ ResourceType }) => ResourceType === 'fleet')?.Tags;
  return [
    { action: 'ec2:CreateFleet', ...created(world, 'fleet', fleetTags) },
    ...tagOnCreate(
      'CreateFleet',
      specifications.filter(({ ResourceType }) => ResourceType === 'fleet'),
      world,
    ),
    ...launches,
  ];
}

const passRole = (resource: string): AuthRequest => ({
  action: 'iam:PassRole',
  resource,
  context: { 'iam:PassedToService': 'ec2.amazonaws.com' },
});

const defined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Partial<T>;

function templateOf(world: World, reference: TemplateReference | undefined) {
  if (!reference) return undefined;
  const { LaunchTemplateId: id, LaunchTemplateName: name } = reference;
  const template = [...world.templates.values()].find((one) => one.id === id || one.name === name);
  if (!template) return undefined;
  const { Version: version = '$Default' } = reference;
  const number =
    version === '$Default' ? template.defaultVersion : version === '$Latest' ? template.latestVersion : Number(version);
  return { id: template.id, data: template.versions.get(number)?.LaunchTemplateData };
}

const groupIds = (world: World, names: string[] = ['default'], vpcId?: string): string[] =>
  [...world.groups.values()].filter((group) => names.includes(group.name) && group.vpcId === vpcId).map(({ id }) => id);

/** `resolve:ssm:` stands for the image that a public parameter names. */
const imageOf = (world: World, imageId: string): string =>
  imageId.startsWith('resolve:ssm:')
    ? (world.imageAliases.get(imageId.slice('resolve:ssm:'.length)) ?? imageId)
    : imageId;
