import type { NetworkInterface } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { newId, newPrivateIp, newResource, type SimInstance, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, onceFor, tagsFor } from './find.ts';
import { ADDRESS_USD_PER_HOUR, ENDPOINT_USD_PER_HOUR, NAT_USD_PER_HOUR } from './instance-types.ts';
import { newPublicIp } from './lifecycle.ts';
import type { SimAddress, SimEndpoint, SimInterface, SimNat, SimSubnet } from './network-types.ts';
import { paginate } from './paging.ts';

function viewInterface(world: World, eni: SimInterface): NetworkInterface {
  return {
    NetworkInterfaceId: eni.id,
    SubnetId: eni.subnetId,
    VpcId: eni.vpcId,
    AvailabilityZone: eni.zone,
    PrivateIpAddress: eni.privateIp,
    Description: eni.description,
    InterfaceType: eni.kind as NetworkInterface['InterfaceType'], // on the wire `nat_gateway`, in the SDK's list `natGateway`
    OwnerId: world.accountId,
    RequesterManaged: eni.requesterManaged,
    Status: eni.status === 'detaching' ? 'in-use' : eni.status,
    SourceDestCheck: true,
    Groups: eni.groups.map((GroupId) => ({ GroupId, GroupName: world.groups.get(GroupId)?.name ?? GroupId })),
    ...(eni.attachmentId
      ? {
          Attachment: {
            AttachmentId: eni.attachmentId,
            ...(eni.instanceId ? { InstanceId: eni.instanceId } : {}),
            DeviceIndex: 0,
            Status: eni.status === 'detaching' ? ('detaching' as const) : ('attached' as const),
            DeleteOnTermination: eni.deleteOnTermination,
          },
        }
      : {}),
    ...(eni.publicIp ? { Association: { PublicIp: eni.publicIp } } : {}),
    TagSet: tagList(world, eni),
  };
}

const INTERFACE_FILTERS: FilterTable<SimInterface> = {
  'attachment.instance-id': (e) => e.instanceId,
  'attachment.status': (e) => (e.attachmentId ? (e.status === 'detaching' ? 'detaching' : 'attached') : undefined),
  'availability-zone': (e) => e.zone,
  description: (e) => e.description,
  'group-id': (e) => e.groups,
  'interface-type': (e) => e.kind,
  'network-interface-id': (e) => e.id,
  'private-ip-address': (e) => e.privateIp,
  'requester-managed': (e) => e.requesterManaged,
  status: (e) => (e.status === 'detaching' ? 'in-use' : e.status),
  'subnet-id': (e) => e.subnetId,
  'vpc-id': (e) => e.vpcId,
};

/** An interface that a service of AWS makes for itself in a subnet. */
function managed(
  world: World,
  kind: SimInterface['kind'],
  subnet: SimSubnet,
  groups: string[],
  description: string,
): SimInterface {
  const eni: SimInterface = {
    ...newResource(world, 'eni'),
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    zone: subnet.zone,
    privateIp: newPrivateIp(world),
    groups,
    description,
    kind,
    requesterManaged: true,
    attachmentId: newId('eni-attach'),
    status: 'in-use',
    deleteOnTermination: false,
  };
  world.interfaces.set(eni.id, eni);
  return eni;
}

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

function viewAddress(world: World, address: SimAddress) {
  return {
    AllocationId: address.id,
    PublicIp: address.publicIp,
    Domain: 'vpc' as const,
    NetworkBorderGroup: world.region,
    PublicIpv4Pool: 'amazon',
    ...(address.associationId ? { AssociationId: address.associationId } : {}),
    ...(address.instanceId ? { InstanceId: address.instanceId } : {}),
    ...(address.interfaceId
      ? { NetworkInterfaceId: address.interfaceId, NetworkInterfaceOwnerId: world.accountId }
      : {}),
    ...(address.privateIp ? { PrivateIpAddress: address.privateIp } : {}),
    Tags: tagList(world, address),
  };
}

const ADDRESS_FILTERS: FilterTable<SimAddress> = {
  'allocation-id': (a) => a.id,
  'association-id': (a) => a.associationId,
  domain: () => 'vpc',
  'instance-id': (a) => a.instanceId,
  'network-interface-id': (a) => a.interfaceId,
  'public-ip': (a) => a.publicIp,
};

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

function release(world: World, address: SimAddress): void {
  const instance = address.instanceId ? world.instances.get(address.instanceId) : undefined;
  if (instance?.publicIp === address.publicIp) delete instance.publicIp;
  for (const id of instance?.interfaceIds ?? []) delete world.interfaces.get(id)?.publicIp;
  delete address.associationId;
  delete address.instanceId;
  delete address.interfaceId;
  delete address.privateIp;
}

export const interfaceActions: Action[] = [
  action('DescribeNetworkInterfaces', {
    parameters: 'NetworkInterfaceIds MaxResults NextToken',
    filters: INTERFACE_FILTERS,
    run({ NetworkInterfaceIds: ids, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.interfaces, ids, KINDS.interface) : world.interfaces.values();
      const { page, ...rest } = paginate(select(world, from, INTERFACE_FILTERS, Filters), request);
      return { NetworkInterfaces: page.map((eni) => viewInterface(world, eni)), ...rest };
    },
  }),

  action('DeleteNetworkInterface', {
    parameters: 'NetworkInterfaceId',
    run({ NetworkInterfaceId }, { world }) {
      const eni = find(world, world.interfaces, NetworkInterfaceId, KINDS.interface);
      if (eni.status !== 'available') {
        throw new ApiError('InvalidParameterValue', `Network interface '${eni.id}' is currently in use.`);
      }
      world.interfaces.delete(eni.id);
      return {};
    },
  }),

  action('AllocateAddress', {
    parameters: 'Domain TagSpecifications',
    run({ TagSpecifications }, { core, world }) {
      checkSpecifications(TagSpecifications, ['elastic-ip']);
      const limit = world.quotas.get('L-0263D0A3') ?? 5;
      if (world.addresses.size >= limit) {
        throw new ApiError('AddressLimitExceeded', 'The maximum number of addresses has been reached.');
      }
      const address: SimAddress = {
        ...newResource(world, 'eipalloc', tagsFor(TagSpecifications, 'elastic-ip')),
        publicIp: core.doors ? newPublicIp(core).replace(/^198\.\d+/, '127.79') : newPublicIp(core),
      };
      core.doors?.open(address.publicIp);
      world.addresses.set(address.id, address);
      world.meter.start('address', address, ADDRESS_USD_PER_HOUR);
      return {
        AllocationId: address.id,
        PublicIp: address.publicIp,
        Domain: 'vpc' as const,
        NetworkBorderGroup: world.region,
      };
    },
  }),

  action('DescribeAddresses', {
    parameters: 'AllocationIds PublicIps',
    filters: ADDRESS_FILTERS,
    run({ AllocationIds, PublicIps, Filters }, { world }) {
      const from = AllocationIds?.length
        ? findAll(world, world.addresses, AllocationIds, KINDS.address)
        : [...world.addresses.values()];
      const byIp = from.filter(({ publicIp }) => !PublicIps?.length || PublicIps.includes(publicIp));
      return { Addresses: select(world, byIp, ADDRESS_FILTERS, Filters).map((address) => viewAddress(world, address)) };
    },
  }),

  action('AssociateAddress', {
    parameters: 'AllocationId InstanceId NetworkInterfaceId AllowReassociation',
    run({ AllocationId, InstanceId, NetworkInterfaceId, AllowReassociation }, { world }) {
      const address = find(world, world.addresses, AllocationId, KINDS.address);
      const eni = NetworkInterfaceId ? find(world, world.interfaces, NetworkInterfaceId, KINDS.interface) : undefined;
      const instance: SimInstance = find(world, world.instances, InstanceId ?? eni?.instanceId, KINDS.instance);
      if (instance.state === 'pending' || instance.state === 'terminated' || instance.state === 'shutting-down') {
        throw new ApiError(
          'InvalidInstanceID',
          `The pending instance '${instance.id}' is not in a valid state for this operation.`,
        );
      }
      if (address.associationId && address.instanceId !== instance.id) {
        if (AllowReassociation === false) {
          throw new ApiError(
            'Resource.AlreadyAssociated',
            `resource ${address.id} is already associated with associate-id ${address.associationId}`,
          );
        }
        release(world, address);
      }
      address.associationId ??= newId('eipassoc');
      address.instanceId = instance.id;
      address.interfaceId = instance.interfaceIds[0]!;
      address.privateIp = instance.privateIp;
      instance.publicIp = address.publicIp;
      // The address is billed as itself from here on, and stays when the instance stops.
      instance.assignPublicIp = false;
      world.meter.stop('address', instance.id);
      const primary = world.interfaces.get(instance.interfaceIds[0]!);
      if (primary) primary.publicIp = address.publicIp;
      return { AssociationId: address.associationId };
    },
  }),

  action('DisassociateAddress', {
    parameters: 'AssociationId',
    run({ AssociationId }, { world }) {
      const address = [...world.addresses.values()].find((one) => one.associationId === AssociationId);
      if (!address)
        throw new ApiError('InvalidAssociationID.NotFound', `The association ID '${AssociationId}' does not exist`);
      release(world, address);
      return {};
    },
  }),

  action('ReleaseAddress', {
    parameters: 'AllocationId',
    run({ AllocationId }, { core, world }) {
      const address = find(world, world.addresses, AllocationId, KINDS.address);
      const held = [...world.nats.values()].some((nat) => nat.allocationId === address.id && nat.state !== 'deleted');
      const instance = address.instanceId ? world.instances.get(address.instanceId) : undefined;
      if (held || (instance && instance.state !== 'terminated')) {
        throw new ApiError('InvalidIPAddress.InUse', `Address ${address.publicIp} is in use.`);
      }
      core.doors?.close(address.publicIp);
      world.addresses.delete(address.id);
      world.meter.stop('address', address.id);
      return {};
    },
  }),

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
