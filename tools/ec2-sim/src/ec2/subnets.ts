import { ApiError } from '../errors.ts';
import { ec2Arn } from '../policy/ec2-resources.ts';
import { newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { zoneId } from './catalogue.ts';
import { contains, overlaps, parseCidr } from './cidr.ts';
import { dependency } from './dependency.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import type { SimSubnet } from './network-types.ts';
import { paginate } from './paging.ts';
import { freeAddresses } from './subnet-room.ts';

function viewSubnet(world: World, subnet: SimSubnet) {
  return {
    SubnetId: subnet.id,
    SubnetArn: ec2Arn(world, 'subnet', subnet.id),
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

/** Subnets, each in one zone. */
export const subnetActions: Action[] = [
  action('CreateSubnet', {
    parameters: 'VpcId CidrBlock AvailabilityZone AvailabilityZoneId TagSpecifications',
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
    run({ SubnetId, MapPublicIpOnLaunch }, { world }) {
      const subnet = find(world, world.subnets, SubnetId, KINDS.subnet);
      subnet.mapPublicIp = MapPublicIpOnLaunch?.Value ?? subnet.mapPublicIp;
      return {};
    },
  }),

  action('DeleteSubnet', {
    parameters: 'SubnetId',
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
];
