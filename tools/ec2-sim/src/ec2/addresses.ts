import { ApiError } from '../errors.ts';
import { newId, newResource, type SimInstance, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import { ADDRESS_USD_PER_HOUR } from './instance-types.ts';
import { newPublicIp } from './lifecycle.ts';
import type { SimAddress } from './network-types.ts';

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

function release(world: World, address: SimAddress): void {
  const instance = address.instanceId ? world.instances.get(address.instanceId) : undefined;
  if (instance?.publicIp === address.publicIp) delete instance.publicIp;
  for (const id of instance?.interfaceIds ?? []) delete world.interfaces.get(id)?.publicIp;
  delete address.associationId;
  delete address.instanceId;
  delete address.interfaceId;
  delete address.privateIp;
}

/** Addresses that stay the same until they are given back. */
export const addressActions: Action[] = [
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
];
