import { newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, onceFor, tagsFor } from './find.ts';
import { NAT_USD_PER_HOUR } from './instance-types.ts';
import { managed } from './interfaces.ts';
import type { SimNat } from './network-types.ts';
import { paginate } from './paging.ts';

function viewNat(world: World, nat: SimNat) {
  const address = nat.allocationId ? world.addresses.get(nat.allocationId) : undefined;
  return {
    NatGatewayId: nat.id,
    SubnetId: nat.subnetId,
    VpcId: nat.vpcId,
    State: nat.state,
    CreateTime: new Date(nat.createdAt),
    ConnectivityType: nat.connectivity,
    NatGatewayAddresses: [
      {
        NetworkInterfaceId: nat.interfaceId,
        PrivateIp: nat.privateIp,
        ...(nat.allocationId ? { AllocationId: nat.allocationId, PublicIp: address?.publicIp } : {}),
      },
    ],
    Tags: tagList(world, nat),
  };
}

const NAT_FILTERS: FilterTable<SimNat> = {
  'nat-gateway-id': (n) => n.id,
  state: (n) => n.state,
  'subnet-id': (n) => n.subnetId,
  'vpc-id': (n) => n.vpcId,
};

/** NAT gateways, billed while they are available. */
export const natActions: Action[] = [
  action('CreateNatGateway', {
    parameters: 'AllocationId SubnetId ConnectivityType ClientToken TagSpecifications',
    run(input, { world }) {
      const nat = onceFor(world, 'CreateNatGateway', input.ClientToken, input, () => {
        const subnet = find(world, world.subnets, input.SubnetId, KINDS.subnet);
        const connectivity = input.ConnectivityType ?? 'public';
        if (connectivity === 'public') find(world, world.addresses, input.AllocationId, KINDS.address);
        checkSpecifications(input.TagSpecifications, ['natgateway']);
        const base = newResource(world, 'nat', tagsFor(input.TagSpecifications, 'natgateway'));
        const eni = managed(world, 'nat_gateway', subnet, [], `Interface for NAT Gateway ${base.id}`);
        const made: SimNat = {
          ...base,
          subnetId: subnet.id,
          vpcId: subnet.vpcId,
          state: 'pending',
          ...(input.AllocationId ? { allocationId: input.AllocationId } : {}),
          interfaceId: eni.id,
          privateIp: eni.privateIp,
          connectivity,
        };
        world.nats.set(made.id, made);
        world.clock.after(world.delays.natMs, () => {
          if (made.state !== 'pending') return;
          made.state = 'available';
          world.meter.start('nat', made, NAT_USD_PER_HOUR);
        });
        return made;
      });
      return { NatGateway: viewNat(world, nat), ...(input.ClientToken ? { ClientToken: input.ClientToken } : {}) };
    },
  }),

  action('DescribeNatGateways', {
    parameters: 'NatGatewayIds Filter MaxResults NextToken',
    filters: NAT_FILTERS,
    run({ NatGatewayIds: ids, Filter, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.nats, ids, KINDS.nat) : world.nats.values();
      const { page, ...rest } = paginate(select(world, from, NAT_FILTERS, Filter), request);
      return { NatGateways: page.map((nat) => viewNat(world, nat)), ...rest };
    },
  }),

  action('DeleteNatGateway', {
    parameters: 'NatGatewayId',
    run({ NatGatewayId }, { world }) {
      const nat = find(world, world.nats, NatGatewayId, KINDS.nat);
      if (nat.state !== 'deleted') nat.state = 'deleting';
      world.meter.stop('nat', nat.id);
      world.clock.after(world.delays.natMs, () => {
        nat.state = 'deleted';
        world.interfaces.delete(nat.interfaceId);
        world.clock.after(world.delays.terminatedVisibleMs, () => world.nats.delete(nat.id));
      });
      return { NatGatewayId: nat.id };
    },
  }),
];
