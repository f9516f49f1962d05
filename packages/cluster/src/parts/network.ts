import type { Subnet } from '@aws-sdk/client-ec2';
import { orGone } from '../aws/errors.ts';
import { type ClusterConfig, isAdopted } from '../config.ts';
import { idOf, type Look, notFound, ownerOf, type Part, remember, type Scene } from '../engine/part.ts';
import { ourPart, tagged, tagsOf } from '../tags.ts';
import { subnetCidrs } from './cidr.ts';

/** Availability zones by name, and where each subnet's addresses lie. */
export interface Layout {
  zones: readonly string[];
}

/** The parts of the network, made or adopted. */
export function networkParts(config: ClusterConfig, { zones }: Layout): Part[] {
  const { network } = config;
  if (isAdopted(network)) {
    return [
      adoptedVpc(network.vpc),
      adoptedSubnet('subnet-manager', network.managerSubnet, network.vpc),
      ...network.subnets.map((id, at) => adoptedSubnet(`subnet-${at + 1}`, id, network.vpc)),
    ];
  }
  const { cidr } = network.create;
  const cidrs = subnetCidrs(cidr, zones.length);
  return [
    vpc(cidr),
    gateway,
    subnet('subnet-manager', zones[0]!, cidrs.manager, true),
    ...zones.map((zone, at) => subnet(`subnet-${at + 1}`, zone, cidrs.workers[at]!, config.egress === 'public-ip')),
  ];
}

/** Names of the subnets for people's machines. */
export const workerSubnets = ({ network }: ClusterConfig, { zones }: Layout): string[] =>
  (isAdopted(network) ? network.subnets : zones).map((_, at) => `subnet-${at + 1}`);

const adoptedVpc = (id: string): Part => ({
  part: 'vpc',
  title: `network ${id}`,
  async look({ aws }) {
    const found = await orGone((await aws.ec2()).describeVpcs({ VpcIds: [id] }));
    if (!found?.Vpcs?.length) return { state: 'blocked', note: `there is no network ${id} in this region` };
    return { state: 'same', id, adopted: true };
  },
  make: async () => {},
});

const adoptedSubnet = (part: string, id: string, vpcId: string): Part => ({
  part,
  title: `subnet ${id}`,
  async look({ aws }) {
    const found = await orGone((await aws.ec2()).describeSubnets({ SubnetIds: [id] }));
    const subnet = found?.Subnets?.[0];
    if (!subnet) return { state: 'blocked', note: `there is no subnet ${id} in this region` };
    if (subnet.VpcId !== vpcId) return { state: 'blocked', note: `${id} is in ${subnet.VpcId}, not in ${vpcId}` };
    return { state: 'same', id, adopted: true, note: `${subnet.AvailabilityZone}` };
  },
  make: async () => {},
});

const vpc = (cidr: string): Part => ({
  part: 'vpc',
  title: `network ${cidr}`,
  async look(scene) {
    if (!scene.owner) return { state: 'absent' };
    const ec2 = await scene.aws.ec2();
    const { Vpcs = [] } = await ec2.describeVpcs({ Filters: ourPart(scene.owner, 'vpc') });
    const [found] = Vpcs;
    if (!found) return notFound(scene, 'vpc');
    if (found.State !== 'available') return { state: 'pending', id: found.VpcId!, note: 'being made' };
    if (found.CidrBlock !== cidr) {
      return { state: 'blocked', note: `it has ${found.CidrBlock}; addresses of a network cannot be changed` };
    }
    return { state: 'same', id: found.VpcId! };
  },
  async make(scene) {
    const TagSpecifications = tagged('vpc', tagsOf(ownerOf(scene), 'vpc', 'network'));
    const { Vpc } = await (await scene.aws.ec2()).createVpc({ CidrBlock: cidr, TagSpecifications });
    remember(scene, 'vpc', Vpc?.VpcId);
  },
});

const gateway: Part = {
  part: 'gateway',
  title: 'internet gateway',
  async look(scene) {
    if (!scene.owner) return { state: 'absent' };
    const ec2 = await scene.aws.ec2();
    const { InternetGateways = [] } = await ec2.describeInternetGateways({ Filters: ourPart(scene.owner, 'gateway') });
    const [found] = InternetGateways;
    if (!found) return notFound(scene, 'gateway');
    const id = found.InternetGatewayId!;
    if (!found.Attachments?.length) return { state: 'differs', id, note: 'not attached' };
    return { state: 'same', id };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    if (seen.state === 'differs') {
      await ec2.attachInternetGateway({ InternetGatewayId: seen.id, VpcId: idOf(scene, 'vpc') });
      return;
    }
    const TagSpecifications = tagged('internet-gateway', tagsOf(ownerOf(scene), 'gateway', 'network'));
    const { InternetGateway } = await ec2.createInternetGateway({ TagSpecifications });
    remember(scene, 'gateway', InternetGateway?.InternetGatewayId);
  },
};

const subnet = (part: string, zone: string, cidr: string, isPublic: boolean): Part => ({
  part,
  title: `subnet ${cidr} in ${zone}`,
  async look(scene): Promise<Look> {
    if (!scene.owner) return { state: 'absent' };
    const found = await subnetOf(scene, part);
    if (!found) return notFound(scene, part);
    const id = found.SubnetId!;
    if (found.State !== 'available') return { state: 'pending', id, note: 'being made' };
    if (found.AvailabilityZone !== zone || found.CidrBlock !== cidr) {
      const note = `it is ${found.CidrBlock} in ${found.AvailabilityZone}; a subnet cannot be moved. Keep network.create as it was`;
      return { state: 'blocked', note };
    }
    if (Boolean(found.MapPublicIpOnLaunch) !== isPublic) {
      return { state: 'differs', id, note: isPublic ? 'gives no public addresses' : 'gives public addresses' };
    }
    return { state: 'same', id };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    if (seen.state === 'differs') {
      await ec2.modifySubnetAttribute({ SubnetId: seen.id, MapPublicIpOnLaunch: { Value: isPublic } });
      return;
    }
    const { Subnet: made } = await ec2.createSubnet({
      VpcId: idOf(scene, 'vpc'),
      AvailabilityZone: zone,
      CidrBlock: cidr,
      TagSpecifications: tagged('subnet', tagsOf(ownerOf(scene), part, 'subnet')),
    });
    remember(scene, part, made?.SubnetId);
  },
});

async function subnetOf(scene: Scene, part: string): Promise<Subnet | undefined> {
  const ec2 = await scene.aws.ec2();
  const { Subnets = [] } = await ec2.describeSubnets({ Filters: ourPart(ownerOf(scene), part) });
  return Subnets[0];
}
