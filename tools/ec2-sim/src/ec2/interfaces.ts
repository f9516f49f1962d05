import type { NetworkInterface } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { newId, newPrivateIp, newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { find, findAll, KINDS } from './find.ts';
import type { SimInterface, SimSubnet } from './network-types.ts';
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
export function managed(
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

/** Interfaces of instances and of services; they hold subnets and groups. */
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
];
