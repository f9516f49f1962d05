import { ApiError } from '../errors.ts';
import { newId, newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { dependency } from './dependency.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, onceFor, tagsFor } from './find.ts';
import type { SimRouteTable } from './network-types.ts';
import { paginate } from './paging.ts';

function view(world: World, table: SimRouteTable) {
  return {
    RouteTableId: table.id,
    VpcId: table.vpcId,
    OwnerId: world.accountId,
    Routes: table.routes.map(({ destination, target, origin }) => ({
      ...(destination.startsWith('pl-')
        ? { DestinationPrefixListId: destination }
        : { DestinationCidrBlock: destination }),
      ...(target.startsWith('nat-')
        ? { NatGatewayId: target }
        : target.startsWith('eni-')
          ? { NetworkInterfaceId: target }
          : { GatewayId: target }),
      State: targetExists(world, target) ? ('active' as const) : ('blackhole' as const),
      Origin: origin,
    })),
    Associations: table.associations.map(({ id, subnetId, main }) => ({
      RouteTableAssociationId: id,
      RouteTableId: table.id,
      Main: main,
      ...(subnetId ? { SubnetId: subnetId } : {}),
      AssociationState: { State: 'associated' as const },
    })),
    PropagatingVgws: [],
    Tags: tagList(world, table),
  };
}

function targetExists(world: World, target: string): boolean {
  if (target === 'local') return true;
  if (target.startsWith('nat-')) return world.nats.get(target)?.state === 'available';
  return world.gateways.has(target) || world.endpoints.has(target) || world.interfaces.has(target);
}

const FILTERS: FilterTable<SimRouteTable> = {
  'association.main': (t) => t.associations.map(({ main }) => String(main)),
  'association.route-table-association-id': (t) => t.associations.map(({ id }) => id),
  'association.subnet-id': (t) => t.associations.map(({ subnetId }) => subnetId),
  'route-table-id': (t) => t.id,
  'route.destination-cidr-block': (t) => t.routes.map(({ destination }) => destination),
  'route.gateway-id': (t) => t.routes.map(({ target }) => target),
  'route.nat-gateway-id': (t) => t.routes.map(({ target }) => target),
  'vpc-id': (t) => t.vpcId,
};

function targetOf(
  world: World,
  input: { GatewayId?: string | undefined; NatGatewayId?: string | undefined; NetworkInterfaceId?: string | undefined },
): string {
  if (input.GatewayId) return find(world, world.gateways, input.GatewayId, KINDS.gateway).id;
  if (input.NatGatewayId) return find(world, world.nats, input.NatGatewayId, KINDS.nat).id;
  if (input.NetworkInterfaceId) return find(world, world.interfaces, input.NetworkInterfaceId, KINDS.interface).id;
  throw new ApiError('MissingParameter', 'The request must contain exactly one target of the route');
}

export const routeActions: Action[] = [
  action('CreateRouteTable', {
    parameters: 'VpcId TagSpecifications ClientToken',
    run(input, { world }) {
      const table = onceFor(world, 'CreateRouteTable', input.ClientToken, input, () => {
        const vpc = find(world, world.vpcs, input.VpcId, KINDS.vpc);
        checkSpecifications(input.TagSpecifications, ['route-table']);
        const made: SimRouteTable = {
          ...newResource(world, 'rtb', tagsFor(input.TagSpecifications, 'route-table')),
          vpcId: vpc.id,
          routes: [{ destination: vpc.cidr, target: 'local', origin: 'CreateRouteTable' }],
          associations: [],
        };
        world.routeTables.set(made.id, made);
        return made;
      });
      return { RouteTable: view(world, table) };
    },
  }),

  action('DescribeRouteTables', {
    parameters: 'RouteTableIds MaxResults NextToken',
    filters: FILTERS,
    run({ RouteTableIds: ids, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.routeTables, ids, KINDS.routeTable) : world.routeTables.values();
      const { page, ...rest } = paginate(select(world, from, FILTERS, Filters), request, { max: 100 });
      return { RouteTables: page.map((table) => view(world, table)), ...rest };
    },
  }),

  action('CreateRoute', {
    parameters: 'RouteTableId DestinationCidrBlock GatewayId NatGatewayId NetworkInterfaceId',
    run(input, { world }) {
      const table = find(world, world.routeTables, input.RouteTableId, KINDS.routeTable);
      const { DestinationCidrBlock: destination = '' } = input;
      const target = targetOf(world, input);
      const there = table.routes.find((route) => route.destination === destination);
      if (there && there.target !== target) {
        throw new ApiError('RouteAlreadyExists', `The route identified by ${destination} already exists.`);
      }
      if (!there) table.routes.push({ destination, target, origin: 'CreateRoute' });
      return { Return: true };
    },
  }),

  action('ReplaceRoute', {
    parameters: 'RouteTableId DestinationCidrBlock GatewayId NatGatewayId NetworkInterfaceId',
    run(input, { world }) {
      const table = find(world, world.routeTables, input.RouteTableId, KINDS.routeTable);
      const route = table.routes.find(({ destination }) => destination === input.DestinationCidrBlock);
      if (!route)
        throw new ApiError(
          'InvalidRoute.NotFound',
          `no route with destination-cidr-block ${input.DestinationCidrBlock}`,
        );
      route.target = targetOf(world, input);
      return {};
    },
  }),

  action('DeleteRoute', {
    parameters: 'RouteTableId DestinationCidrBlock',
    run({ RouteTableId, DestinationCidrBlock }, { world }) {
      const table = find(world, world.routeTables, RouteTableId, KINDS.routeTable);
      const kept = table.routes.filter(({ destination }) => destination !== DestinationCidrBlock);
      if (kept.length === table.routes.length) {
        throw new ApiError(
          'InvalidRoute.NotFound',
          `no route with destination-cidr-block ${DestinationCidrBlock} in route table ${table.id}`,
        );
      }
      table.routes = kept;
      return {};
    },
  }),

  action('AssociateRouteTable', {
    parameters: 'RouteTableId SubnetId',
    run({ RouteTableId, SubnetId }, { world }) {
      const table = find(world, world.routeTables, RouteTableId, KINDS.routeTable);
      const subnet = find(world, world.subnets, SubnetId, KINDS.subnet);
      if (subnet.vpcId !== table.vpcId)
        throw new ApiError(
          'InvalidParameterValue',
          `Route table ${table.id} and subnet ${subnet.id} belong to different networks`,
        );
      for (const other of world.routeTables.values()) {
        const there = other.associations.find(({ subnetId }) => subnetId === subnet.id);
        if (there && other === table)
          return { AssociationId: there.id, AssociationState: { State: 'associated' as const } };
        if (there)
          throw new ApiError(
            'Resource.AlreadyAssociated',
            `the specified association for route table ${other.id} conflicts with an existing association`,
          );
      }
      const association = { id: newId('rtbassoc'), subnetId: subnet.id, main: false };
      table.associations.push(association);
      return { AssociationId: association.id, AssociationState: { State: 'associated' as const } };
    },
  }),

  action('DisassociateRouteTable', {
    parameters: 'AssociationId',
    run({ AssociationId }, { world }) {
      for (const table of world.routeTables.values()) {
        const there = table.associations.find(({ id }) => id === AssociationId);
        if (there?.main)
          throw new ApiError('InvalidParameterValue', 'cannot disassociate the main route table association');
        if (there) {
          table.associations = table.associations.filter((one) => one !== there);
          return {};
        }
      }
      throw new ApiError('InvalidAssociationID.NotFound', `The association ID '${AssociationId}' does not exist`);
    },
  }),

  action('DeleteRouteTable', {
    parameters: 'RouteTableId',
    run({ RouteTableId }, { world }) {
      const table = find(world, world.routeTables, RouteTableId, KINDS.routeTable);
      if (table.associations.length > 0) throw dependency(table.id);
      world.routeTables.delete(table.id);
      return {};
    },
  }),
];
