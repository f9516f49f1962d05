import { newId, newResource, type World } from '../world.ts';
import type { SimGroup, SimRule, SimVpc } from './network-types.ts';

/** The VPC that every account has in every region: a subnet per zone, a gateway, a group. */
export function seedDefaultVpc(world: World): void {
  const vpc: SimVpc = addVpc(world, '172.31.0.0/16', true);
  const gateway = { ...newResource(world, 'igw'), vpcId: vpc.id };
  world.gateways.set(gateway.id, gateway);
  mainTable(world, vpc.id)!.routes.push({ destination: '0.0.0.0/0', target: gateway.id, origin: 'CreateRoute' });
  for (const [n, zone] of world.zones.entries()) {
    const subnet = {
      ...newResource(world, 'subnet'),
      vpcId: vpc.id,
      zone,
      cidr: `172.31.${16 * n}.0/20`,
      isDefault: true,
      mapPublicIp: true,
    };
    world.subnets.set(subnet.id, subnet);
  }
}

/** A VPC with its main route table and its default group, as CreateVpc makes it. */
export function addVpc(world: World, cidr: string, isDefault: boolean, tags: Iterable<[string, string]> = []): SimVpc {
  const vpc = { ...newResource(world, 'vpc', tags), cidr, isDefault, dnsSupport: true, dnsHostnames: isDefault };
  world.vpcs.set(vpc.id, vpc);
  const table = {
    ...newResource(world, 'rtb'),
    vpcId: vpc.id,
    routes: [{ destination: cidr, target: 'local', origin: 'CreateRouteTable' as const }],
    associations: [{ id: newId('rtbassoc'), main: true }],
  };
  world.routeTables.set(table.id, table);
  const group = addGroup(world, vpc.id, 'default', 'default VPC security group');
  const inside: SimRule = {
    ...newResource(world, 'sgr'),
    groupId: group.id,
    egress: false,
    protocol: '-1',
    sourceGroup: group.id,
  };
  group.rules.set(inside.id, inside);
  return vpc;
}

export function mainTable(world: World, vpcId: string) {
  return [...world.routeTables.values()].find((t) => t.vpcId === vpcId && t.associations.some((a) => a.main));
}

/** A group that lets everything out, as CreateSecurityGroup makes it. */
export function addGroup(
  world: World,
  vpcId: string,
  name: string,
  description: string,
  tags: Iterable<[string, string]> = [],
): SimGroup {
  const group: SimGroup = { ...newResource(world, 'sg', tags), name, description, vpcId, rules: new Map() };
  const out: SimRule = {
    ...newResource(world, 'sgr'),
    groupId: group.id,
    egress: true,
    protocol: '-1',
    cidr: '0.0.0.0/0',
  };
  group.rules.set(out.id, out);
  world.groups.set(group.id, group);
  return group;
}
