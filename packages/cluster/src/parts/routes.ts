import type { RouteTable } from '@aws-sdk/client-ec2';
import { type ClusterConfig, isAdopted } from '../config.ts';
import { idOf, notFound, ownerOf, type Part, remember, type Scene } from '../engine/part.ts';
import { ourPart, tagged, tagsOf, tokenFor } from '../tags.ts';
import { type Layout, workerSubnets } from './network.ts';

const EVERYWHERE = '0.0.0.0/0';

/** Ways out of a network that we made: route tables, the gateway for `nat`, the free endpoint of the object store. */
export function routeParts(config: ClusterConfig, layout: Layout): Part[] {
  if (isAdopted(config.network)) return [];
  const workers = workerSubnets(config, layout);
  const isOpen = config.egress === 'public-ip';
  const open = table('routes-public', ['subnet-manager', ...(isOpen ? workers : [])], 'gateway');
  if (isOpen) return [open, endpoint(['routes-public'])];
  const closed = table('routes-workers', workers, config.egress === 'nat' ? 'nat' : undefined);
  const nat = config.egress === 'nat' ? [natAddress, natGateway] : [];
  return [open, ...nat, closed, endpoint(['routes-public', 'routes-workers'])];
}

/** @param via part through which everything else goes; undefined for nowhere. */
const table = (part: string, subnets: readonly string[], via: 'gateway' | 'nat' | undefined): Part => {
  const missing = (scene: Scene, { Associations = [], Routes = [] }: RouteTable) => ({
    subnets: subnets.filter((name) => !Associations.some(({ SubnetId }) => SubnetId === scene.ids.get(name))),
    route:
      via !== undefined &&
      !Routes.some(
        ({ DestinationCidrBlock, GatewayId, NatGatewayId }) =>
          DestinationCidrBlock === EVERYWHERE && (GatewayId ?? NatGatewayId) === scene.ids.get(via),
      ),
  });
  return {
    part,
    title: `route table ${part.replace('routes-', '')}`,
    async look(scene) {
      if (!scene.owner) return { state: 'absent' };
      const found = await tableOf(scene, part);
      if (!found) return notFound(scene, part);
      const id = found.RouteTableId!;
      const lacks = missing(scene, found);
      if (lacks.route) return { state: 'differs', id, note: `no route by ${via}` };
      if (lacks.subnets.length > 0) return { state: 'differs', id, note: `not used by ${lacks.subnets.join(', ')}` };
      return { state: 'same', id };
    },
    async make(scene, seen) {
      const ec2 = await scene.aws.ec2();
      const found = seen.state === 'differs' ? await tableOf(scene, part) : undefined;
      if (!found) {
        const TagSpecifications = tagged('route-table', tagsOf(ownerOf(scene), part, 'network'));
        const { RouteTable: made } = await ec2.createRouteTable({ VpcId: idOf(scene, 'vpc'), TagSpecifications });
        remember(scene, part, made?.RouteTableId);
        return;
      }
      const lacks = missing(scene, found);
      const RouteTableId = found.RouteTableId!;
      if (lacks.route && via) {
        const target = via === 'nat' ? { NatGatewayId: idOf(scene, via) } : { GatewayId: idOf(scene, via) };
        await ec2.createRoute({ RouteTableId, DestinationCidrBlock: EVERYWHERE, ...target });
        return;
      }
      await ec2.associateRouteTable({ RouteTableId, SubnetId: idOf(scene, lacks.subnets[0]!) });
    },
  };
};

async function tableOf(scene: Scene, part: string): Promise<RouteTable | undefined> {
  const ec2 = await scene.aws.ec2();
  const { RouteTables = [] } = await ec2.describeRouteTables({ Filters: ourPart(ownerOf(scene), part) });
  return RouteTables[0];
}

/** An address of its own that outlives what it is used by. */
export const address = (part: string, title: string): Part => ({
  part,
  title,
  async look(scene) {
    if (!scene.owner) return { state: 'absent' };
    const ec2 = await scene.aws.ec2();
    const { Addresses = [] } = await ec2.describeAddresses({ Filters: ourPart(scene.owner, part) });
    const [found] = Addresses;
    return found ? { state: 'same', id: found.AllocationId!, note: found.PublicIp! } : notFound(scene, part);
  },
  async make(scene) {
    const TagSpecifications = tagged('elastic-ip', tagsOf(ownerOf(scene), part, 'network'));
    const made = await (await scene.aws.ec2()).allocateAddress({ Domain: 'vpc', TagSpecifications });
    remember(scene, part, made.AllocationId);
  },
});

const natAddress = address('nat-address', 'address of the NAT gateway');

const natGateway: Part = {
  part: 'nat',
  title: 'NAT gateway',
  patience: 600_000,
  async look(scene) {
    if (!scene.owner) return { state: 'absent' };
    const ec2 = await scene.aws.ec2();
    const { NatGateways = [] } = await ec2.describeNatGateways({ Filter: ourPart(scene.owner, 'nat') });
    const found = NatGateways.find(({ State }) => State !== 'deleted' && State !== 'failed');
    if (!found) return notFound(scene, 'nat');
    const id = found.NatGatewayId!;
    return found.State === 'available' ? { state: 'same', id } : { state: 'pending', id, note: `${found.State}` };
  },
  async make(scene) {
    const owner = ownerOf(scene);
    const made = await (await scene.aws.ec2()).createNatGateway({
      SubnetId: idOf(scene, 'subnet-manager'),
      AllocationId: idOf(scene, 'nat-address'),
      ClientToken: tokenFor(owner, 'nat', idOf(scene, 'nat-address')),
      TagSpecifications: tagged('natgateway', tagsOf(owner, 'nat', 'network')),
    });
    remember(scene, 'nat', made.NatGateway?.NatGatewayId);
  },
};

const endpoint = (tables: readonly string[]): Part => ({
  part: 's3-endpoint',
  title: 'endpoint of the object store',
  async look(scene) {
    if (!scene.owner) return { state: 'absent' };
    const ec2 = await scene.aws.ec2();
    const { VpcEndpoints = [] } = await ec2.describeVpcEndpoints({ Filters: ourPart(scene.owner, 's3-endpoint') });
    const found = VpcEndpoints.find(({ State }) => !/delet/i.test(String(State)));
    if (!found)
      return VpcEndpoints[0]
        ? { state: 'pending', id: VpcEndpoints[0].VpcEndpointId!, note: 'being deleted' }
        : notFound(scene, 's3-endpoint');
    return { state: 'same', id: found.VpcEndpointId! };
  },
  async make(scene) {
    const made = await (await scene.aws.ec2()).createVpcEndpoint({
      VpcId: idOf(scene, 'vpc'),
      ServiceName: `com.amazonaws.${scene.region}.s3`,
      VpcEndpointType: 'Gateway',
      RouteTableIds: tables.map((name) => idOf(scene, name)),
      ClientToken: tokenFor(ownerOf(scene), 's3-endpoint', idOf(scene, 'vpc')),
      TagSpecifications: tagged('vpc-endpoint', tagsOf(ownerOf(scene), 's3-endpoint', 'network')),
    });
    remember(scene, 's3-endpoint', made.VpcEndpoint?.VpcEndpointId);
  },
});
