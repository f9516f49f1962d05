import { ApiError } from '../errors.ts';
import { newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, onceFor, tagsFor } from './find.ts';
import { ENDPOINT_USD_PER_HOUR } from './instance-types.ts';
import { managed } from './interfaces.ts';
import type { SimEndpoint } from './network-types.ts';
import { paginate } from './paging.ts';

function viewEndpoint(world: World, endpoint: SimEndpoint) {
  return {
    VpcEndpointId: endpoint.id,
    VpcEndpointType: endpoint.kind,
    VpcId: endpoint.vpcId,
    ServiceName: endpoint.service,
    State: endpoint.state as 'Available',
    RouteTableIds: endpoint.routeTableIds,
    SubnetIds: endpoint.subnetIds,
    Groups: endpoint.groupIds.map((GroupId) => ({ GroupId, GroupName: world.groups.get(GroupId)?.name ?? GroupId })),
    NetworkInterfaceIds: endpoint.interfaceIds,
    CreationTimestamp: new Date(endpoint.createdAt),
    OwnerId: world.accountId,
    ...(endpoint.policy ? { PolicyDocument: endpoint.policy } : {}),
    Tags: tagList(world, endpoint),
  };
}

const ENDPOINT_FILTERS: FilterTable<SimEndpoint> = {
  'service-name': (e) => e.service,
  'vpc-endpoint-id': (e) => e.id,
  'vpc-endpoint-state': (e) => e.state,
  'vpc-endpoint-type': (e) => e.kind,
  'vpc-id': (e) => e.vpcId,
};

/** Endpoints of services inside a VPC. */
export const endpointActions: Action[] = [
  action('CreateVpcEndpoint', {
    parameters:
      'VpcEndpointType VpcId ServiceName PolicyDocument RouteTableIds SubnetIds SecurityGroupIds PrivateDnsEnabled TagSpecifications ClientToken',
    run(input, { world }) {
      const endpoint = onceFor(world, 'CreateVpcEndpoint', input.ClientToken, input, () => {
        const vpc = find(world, world.vpcs, input.VpcId, KINDS.vpc);
        const service = input.ServiceName ?? '';
        const kind = input.VpcEndpointType === 'Interface' ? 'Interface' : 'Gateway';
        if (!service.startsWith(`com.amazonaws.${world.region}.`)) {
          throw new ApiError('InvalidServiceName', `The Vpc Endpoint Service '${service}' does not exist`);
        }
        checkSpecifications(input.TagSpecifications, ['vpc-endpoint']);
        const tables = findAll(world, world.routeTables, input.RouteTableIds, KINDS.routeTable);
        const subnets = findAll(world, world.subnets, input.SubnetIds, KINDS.subnet);
        const groups = findAll(world, world.groups, input.SecurityGroupIds, KINDS.group).map(({ id }) => id);
        const twice = [...world.endpoints.values()].some(
          (one) => one.vpcId === vpc.id && one.service === service && kind === 'Gateway',
        );
        if (twice)
          throw new ApiError('RouteAlreadyExists', `A gateway endpoint for ${service} already exists in ${vpc.id}`);
        const base = newResource(world, 'vpce', tagsFor(input.TagSpecifications, 'vpc-endpoint'));
        const made: SimEndpoint = {
          ...base,
          vpcId: vpc.id,
          service,
          kind,
          state: kind === 'Gateway' ? 'available' : 'pending',
          routeTableIds: tables.map(({ id }) => id),
          subnetIds: subnets.map(({ id }) => id),
          groupIds: groups,
          interfaceIds: subnets.map(
            (subnet) => managed(world, 'vpc_endpoint', subnet, groups, `VPC Endpoint Interface ${base.id}`).id,
          ),
          ...(input.PolicyDocument ? { policy: input.PolicyDocument } : {}),
        };
        for (const table of tables)
          table.routes.push({ destination: `pl-${service.split('.').at(-1)}`, target: made.id, origin: 'CreateRoute' });
        world.endpoints.set(made.id, made);
        if (kind === 'Interface') {
          world.meter.start('endpoint', made, ENDPOINT_USD_PER_HOUR * subnets.length);
          world.clock.after(world.delays.natMs, () => {
            if (made.state === 'pending') made.state = 'available';
          });
        }
        return made;
      });
      return { VpcEndpoint: viewEndpoint(world, endpoint) };
    },
  }),

  action('DescribeVpcEndpoints', {
    parameters: 'VpcEndpointIds MaxResults NextToken',
    filters: ENDPOINT_FILTERS,
    run({ VpcEndpointIds: ids, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.endpoints, ids, KINDS.endpoint) : world.endpoints.values();
      const { page, ...rest } = paginate(select(world, from, ENDPOINT_FILTERS, Filters), request, { min: 1 });
      return { VpcEndpoints: page.map((endpoint) => viewEndpoint(world, endpoint)), ...rest };
    },
  }),

  action('DeleteVpcEndpoints', {
    parameters: 'VpcEndpointIds',
    run({ VpcEndpointIds }, { world }) {
      const Unsuccessful = [];
      for (const id of VpcEndpointIds ?? []) {
        const endpoint = world.endpoints.get(id);
        if (!endpoint) {
          Unsuccessful.push({
            ResourceId: id,
            Error: { Code: 'InvalidVpcEndpoint.NotFound', Message: `The Vpc Endpoint Id '${id}' does not exist` },
          });
          continue;
        }
        endpoint.state = 'deleting';
        world.meter.stop('endpoint', id);
        for (const table of world.routeTables.values())
          table.routes = table.routes.filter(({ target }) => target !== id);
        world.clock.after(world.delays.natMs, () => {
          for (const eni of endpoint.interfaceIds) world.interfaces.delete(eni);
          world.endpoints.delete(id);
        });
      }
      return { Unsuccessful };
    },
  }),
];
