import { ApiError } from '../errors.ts';
import { newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { dependency } from './dependency.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import type { SimGateway } from './network-types.ts';
import { paginate } from './paging.ts';

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

/** Internet gateways: one for each network. */
export const gatewayActions: Action[] = [
  action('CreateInternetGateway', {
    parameters: 'TagSpecifications',
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
    run({ InternetGatewayId }, { world }) {
      const gateway = find(world, world.gateways, InternetGatewayId, KINDS.gateway);
      if (gateway.vpcId) throw dependency(gateway.id);
      world.gateways.delete(gateway.id);
      return {};
    },
  }),
];
