import type { World } from '../world.ts';
import type { SimSubnet } from './network-types.ts';

/** Addresses still free in a subnet; AWS keeps five of each for itself. */
export function freeAddresses(world: World, subnet: SimSubnet): number {
  const size = 2 ** (32 - Number(subnet.cidr.split('/')[1]));
  let used = 5;
  for (const eni of world.interfaces.values()) if (eni.subnetId === subnet.id) used += 1;
  return size - used;
}
