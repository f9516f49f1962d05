import { ApiError } from '../errors.ts';
import { newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { created, existing } from './authz.ts';
import { zoneId } from './catalogue.ts';
import { contains, overlaps, parseCidr } from './cidr.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import { addVpc, mainTable } from './network-seed.ts';
import type { SimGateway, SimSubnet, SimVpc } from './network-types.ts';
import { paginate } from './paging.ts';
import { freeAddresses } from './subnet-room.ts';

/** What AWS answers when something else still uses what is to be deleted. */
export function dependency(id: string): ApiError {
  return new ApiError('DependencyViolation', `resource ${id} has a dependent object`);
}

function viewVpc(world: World, vpc: SimVpc) {
  return {
    VpcId: vpc.id,
    CidrBlock: vpc.cidr,
    IsDefault: vpc.isDefault,
    State: 'available' as const,
    InstanceTenancy: 'default' as const,
    DhcpOptionsId: 'default',
    OwnerId: world.accountId,
    CidrBlockAssociationSet: [{ CidrBlock: vpc.cidr, CidrBlockState: { State: 'associated' as const } }],
    Tags: tagList(world, vpc),
  };
}

const VPC_FILTERS: FilterTable<SimVpc> = {
  cidr: (v) => v.cidr,
  'cidr-block-association.cidr-block': (v) => v.cidr,
  'is-default': (v) => v.isDefault,
  'owner-id': (_, world) => world.accountId,
  state: () => 'available',
  'vpc-id': (v) => v.id,
};

function viewSubnet(world: World, subnet: SimSubnet) {
  return {
    SubnetId: subnet.id,
    SubnetArn: existing(world, 'subnet', subnet.id, undefined).resource,
    VpcId: subnet.vpcId,
    CidrBlock: subnet.cidr,
    AvailabilityZone: subnet.zone,
    AvailabilityZoneId: zoneId(world, subnet.zone),
    AvailableIpAddressCount: freeAddresses(world, subnet),
    DefaultForAz: subnet.isDefault,
    MapPublicIpOnLaunch: subnet.mapPublicIp,
    State: 'available' as const,
    OwnerId: world.accountId,
    Tags: tagList(world, subnet),
  };
}

const SUBNET_FILTERS: FilterTable<SimSubnet> = {
  'availability-zone': (s) => s.zone,
  'availability-zone-id': (s, world) => zoneId(world, s.zone),
  'available-ip-address-count': (s, world) => freeAddresses(world, s),
  'cidr-block': (s) => s.cidr,
  'default-for-az': (s) => s.isDefault,
  'map-public-ip-on-launch': (s) => s.mapPublicIp,
  'owner-id': (_, world) => world.accountId,
  state: () => 'available',
  'subnet-id': (s) => s.id,
  'vpc-id': (s) => s.vpcId,
};

function viewGateway(world: World, gateway: SimGateway) {
  return {
    InternetGatewayId: gateway.id,
    OwnerId: world.accountId,
    Attachments: gateway.vpcId ? [{ VpcId: gateway.vpcId, State: 'available' as 'attached' }] : [],
    Tags: tagList(world, gateway),
  };
}

const GATEWAY_FILTERS: FilterTable<SimGateway> = {
  'attachment.state': (g) => (g.vpcId ? 'available' : undefined),
  'attachment.vpc-id': (g) => g.vpcId,
  'internet-gateway-id': (g) => g.id,
  'owner-id': (_, world) => world.accountId,
};

function checkNumber(world: World, code: string, standard: number, have: number, error: string, what: string): void {
  const limit = world.quotas.get(code) ?? standard;
  if (have >= limit) throw new ApiError(error, `The maximum number of ${what} has been reached.`);
}

export const networkActions: Action[] = [
  action('CreateVpc', {
    parameters: 'CidrBlock InstanceTenancy TagSpecifications',
    authorize: ({ TagSpecifications }, { world }) => [created(world, 'vpc', TagSpecifications)],
    run({ CidrBlock, TagSpecifications }, { world }) {
      const { bits } = parseCidr(CidrBlock);
      if (bits < 16 || bits > 28) throw new ApiError('InvalidVpc.Range', `The CIDR '${CidrBlock}' is invalid.`);
      checkSpecifications(TagSpecifications, ['vpc']);
      checkNumber(world, 'L-F678F1CE', 5, world.vpcs.size, 'VpcLimitExceeded', 'VPCs');
      return { Vpc: viewVpc(world, addVpc(world, CidrBlock!, false, tagsFor(TagSpecifications, 'vpc'))) };
    },
  }),

  action('DescribeVpcs', {
    parameters: 'VpcIds MaxResults NextToken',
    filters: VPC_FILTERS,
    run({ VpcIds, Filters, ...request }, { world }) {
      const from = VpcIds?.length ? findAll(world, world.vpcs, VpcIds, KINDS.vpc) : world.vpcs.values();
      const { page, ...rest } = paginate(select(world, from, VPC_FILTERS, Filters), request);
      return { Vpcs: page.map((vpc) => viewVpc(world, vpc)), ...rest };
    },
  }),

  action('DescribeVpcAttribute', {
    parameters: 'VpcId Attribute',
    run({ VpcId, Attribute }, { world }) {
      const vpc = find(world, world.vpcs, VpcId, KINDS.vpc);
      if (Attribute === 'enableDnsSupport') return { VpcId: vpc.id, EnableDnsSupport: { Value: vpc.dnsSupport } };
      if (Attribute === 'enableDnsHostnames') return { VpcId: vpc.id, EnableDnsHostnames: { Value: vpc.dnsHostnames } };
      throw new ApiError('InvalidParameterValue', `Value (${Attribute}) for parameter attribute is invalid.`);
    },
  }),

  action('ModifyVpcAttribute', {
    parameters: 'VpcId EnableDnsSupport EnableDnsHostnames',
    authorize: ({ VpcId }, { world }) => [existing(world, 'vpc', VpcId, world.vpcs.get(VpcId ?? ''))],
    run({ VpcId, EnableDnsSupport, EnableDnsHostnames }, { world }) {
      const vpc = find(world, world.vpcs, VpcId, KINDS.vpc);
      if (EnableDnsSupport && EnableDnsHostnames) {
        throw new ApiError('InvalidParameterCombination', 'Only one attribute can be changed by one request.');
      }
      vpc.dnsSupport = EnableDnsSupport?.Value ?? vpc.dnsSupport;
      vpc.dnsHostnames = EnableDnsHostnames?.Value ?? vpc.dnsHostnames;
      return {};
    },
  }),

  action('DeleteVpc', {
    parameters: 'VpcId',
    authorize: ({ VpcId }, { world }) => [existing(world, 'vpc', VpcId, world.vpcs.get(VpcId ?? ''))],
    run({ VpcId }, { world }) {
      const vpc = find(world, world.vpcs, VpcId, KINDS.vpc);
      const main = mainTable(world, vpc.id);
      const holders = [
        ...[...world.subnets.values()].filter((one) => one.vpcId === vpc.id),
        ...[...world.gateways.values()].filter((one) => one.vpcId === vpc.id),
        ...[...world.endpoints.values()].filter((one) => one.vpcId === vpc.id),
        ...[...world.nats.values()].filter((one) => one.vpcId === vpc.id && one.state !== 'deleted'),
        ...[...world.routeTables.values()].filter((one) => one.vpcId === vpc.id && one !== main),
        ...[...world.groups.values()].filter((one) => one.vpcId === vpc.id && one.name !== 'default'),
        ...[...world.interfaces.values()].filter((one) => one.vpcId === vpc.id),
      ];
      if (holders.length > 0) throw dependency(vpc.id);
      world.vpcs.delete(vpc.id);
      if (main) world.routeTables.delete(main.id);
      for (const group of world.groups.values()) if (group.vpcId === vpc.id) world.groups.delete(group.id);
      return {};
    },
  }),

  action('CreateSubnet', {
    parameters: 'VpcId CidrBlock AvailabilityZone AvailabilityZoneId TagSpecifications',
    authorize: ({ VpcId, TagSpecifications }, { world }) => [
      created(world, 'subnet', TagSpecifications),
      existing(world, 'vpc', VpcId, world.vpcs.get(VpcId ?? '')),
    ],
    run({ VpcId, CidrBlock, AvailabilityZone, AvailabilityZoneId, TagSpecifications }, { world }) {
      const vpc = find(world, world.vpcs, VpcId, KINDS.vpc);
      const { bits } = parseCidr(CidrBlock);
      if (bits < 16 || bits > 28 || !contains(vpc.cidr, CidrBlock!)) {
        throw new ApiError('InvalidSubnet.Range', `The CIDR '${CidrBlock}' is invalid.`);
      }
      const zone =
        AvailabilityZone ?? world.zones.find((one) => zoneId(world, one) === AvailabilityZoneId) ?? world.zones[0]!;
      if (!world.zones.includes(zone)) {
        throw new ApiError('InvalidParameterValue', `Value (${zone}) for parameter availabilityZone is invalid.`);
      }
      checkSpecifications(TagSpecifications, ['subnet']);
      const other = [...world.subnets.values()].find((one) => one.vpcId === vpc.id && overlaps(one.cidr, CidrBlock!));
      if (other) {
        throw new ApiError(
          'InvalidSubnet.Conflict',
          `The CIDR '${CidrBlock}' conflicts with another subnet (${other.id})`,
        );
      }
      const subnet: SimSubnet = {
        ...newResource(world, 'subnet', tagsFor(TagSpecifications, 'subnet')),
        vpcId: vpc.id,
        zone,
        cidr: CidrBlock!,
        isDefault: false,
        mapPublicIp: false,
      };
      world.subnets.set(subnet.id, subnet);
      return { Subnet: viewSubnet(world, subnet) };
    },
  }),

  action('DescribeSubnets', {
    parameters: 'SubnetIds MaxResults NextToken',
    filters: SUBNET_FILTERS,
    run({ SubnetIds, Filters, ...request }, { world }) {
      const from = SubnetIds?.length ? findAll(world, world.subnets, SubnetIds, KINDS.subnet) : world.subnets.values();
      const { page, ...rest } = paginate(select(world, from, SUBNET_FILTERS, Filters), request);
      return { Subnets: page.map((subnet) => viewSubnet(world, subnet)), ...rest };
    },
  }),

  action('ModifySubnetAttribute', {
    parameters: 'SubnetId MapPublicIpOnLaunch',
    authorize: ({ SubnetId }, { world }) => [existing(world, 'subnet', SubnetId, world.subnets.get(SubnetId ?? ''))],
    run({ SubnetId, MapPublicIpOnLaunch }, { world }) {
      const subnet = find(world, world.subnets, SubnetId, KINDS.subnet);
      subnet.mapPublicIp = MapPublicIpOnLaunch?.Value ?? subnet.mapPublicIp;
      return {};
    },
  }),

  action('DeleteSubnet', {
    parameters: 'SubnetId',
    authorize: ({ SubnetId }, { world }) => [existing(world, 'subnet', SubnetId, world.subnets.get(SubnetId ?? ''))],
    run({ SubnetId }, { world }) {
      const subnet = find(world, world.subnets, SubnetId, KINDS.subnet);
      const eni = [...world.interfaces.values()].find((one) => one.subnetId === subnet.id);
      if (eni) throw dependency(subnet.id);
      for (const table of world.routeTables.values()) {
        table.associations = table.associations.filter((one) => one.subnetId !== subnet.id);
      }
      world.subnets.delete(subnet.id);
      return {};
    },
  }),

  action('CreateInternetGateway', {
    parameters: 'TagSpecifications',
    authorize: ({ TagSpecifications }, { world }) => [created(world, 'internet-gateway', TagSpecifications)],
    run({ TagSpecifications }, { world }) {
      checkSpecifications(TagSpecifications, ['internet-gateway']);
      const gateway: SimGateway = newResource(world, 'igw', tagsFor(TagSpecifications, 'internet-gateway'));
      world.gateways.set(gateway.id, gateway);
      return { InternetGateway: viewGateway(world, gateway) };
    },
  }),

  action('DescribeInternetGateways', {
    parameters: 'InternetGatewayIds MaxResults NextToken',
    filters: GATEWAY_FILTERS,
    run({ InternetGatewayIds: ids, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.gateways, ids, KINDS.gateway) : world.gateways.values();
      const { page, ...rest } = paginate(select(world, from, GATEWAY_FILTERS, Filters), request);
      return { InternetGateways: page.map((gateway) => viewGateway(world, gateway)), ...rest };
    },
  }),

  action('AttachInternetGateway', {
    parameters: 'InternetGatewayId VpcId',
    authorize: ({ InternetGatewayId: id, VpcId }, { world }) => [
      existing(world, 'internet-gateway', id, world.gateways.get(id ?? '')),
      existing(world, 'vpc', VpcId, world.vpcs.get(VpcId ?? '')),
    ],
    run({ InternetGatewayId, VpcId }, { world }) {
      const gateway = find(world, world.gateways, InternetGatewayId, KINDS.gateway);
      const vpc = find(world, world.vpcs, VpcId, KINDS.vpc);
      if (gateway.vpcId) {
        throw new ApiError(
          'Resource.AlreadyAssociated',
          `resource ${gateway.id} is already attached to network ${gateway.vpcId}`,
        );
      }
      const other = [...world.gateways.values()].find((one) => one.vpcId === vpc.id);
      if (other)
        throw new ApiError('InvalidParameterValue', `Network ${vpc.id} already has an internet gateway attached`);
      gateway.vpcId = vpc.id;
      return {};
    },
  }),

  action('DetachInternetGateway', {
    parameters: 'InternetGatewayId VpcId',
    authorize: ({ InternetGatewayId: id, VpcId }, { world }) => [
      existing(world, 'internet-gateway', id, world.gateways.get(id ?? '')),
      existing(world, 'vpc', VpcId, world.vpcs.get(VpcId ?? '')),
    ],
    run({ InternetGatewayId, VpcId }, { world }) {
      const gateway = find(world, world.gateways, InternetGatewayId, KINDS.gateway);
      if (!gateway.vpcId || gateway.vpcId !== VpcId) {
        throw new ApiError('Gateway.NotAttached', `resource ${gateway.id} is not attached to network ${VpcId}`);
      }
      const mapped = [...world.interfaces.values()].find((eni) => {
        const instance = eni.instanceId ? world.instances.get(eni.instanceId) : undefined;
        return (
          eni.vpcId === VpcId && (eni.publicIp ?? (instance?.state !== 'terminated' ? instance?.publicIp : undefined))
        );
      });
      if (mapped) {
        throw new ApiError(
          'DependencyViolation',
          `Network ${VpcId} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
        );
      }
      delete gateway.vpcId;
      return {};
    },
  }),

  action('DeleteInternetGateway', {
    parameters: 'InternetGatewayId',
    authorize: ({ InternetGatewayId: id }, { world }) => [
      existing(world, 'internet-gateway', id, world.gateways.get(id ?? '')),
    ],
    run({ InternetGatewayId }, { world }) {
      const gateway = find(world, world.gateways, InternetGatewayId, KINDS.gateway);
      if (gateway.vpcId) throw dependency(gateway.id);
      world.gateways.delete(gateway.id);
      return {};
    },
  }),
];
