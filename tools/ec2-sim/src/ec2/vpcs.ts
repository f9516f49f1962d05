import { ApiError } from '../errors.ts';
import { tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { parseCidr } from './cidr.ts';
import { dependency } from './dependency.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import { addVpc, mainTable } from './network-seed.ts';
import type { SimVpc } from './network-types.ts';
import { paginate } from './paging.ts';

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

function checkNumber(world: World, code: string, standard: number, have: number, error: string, what: string): void {
  const limit = world.quotas.get(code) ?? standard;
  if (have >= limit) throw new ApiError(error, `The maximum number of ${what} has been reached.`);
}

/** Virtual networks. */
export const vpcActions: Action[] = [
  action('CreateVpc', {
    parameters: 'CidrBlock InstanceTenancy TagSpecifications',
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
];
