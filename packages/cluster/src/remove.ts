import { isHeld, orGone } from './aws/errors.ts';
import { ClusterError } from './config.ts';
import { ownerOf, type Scene } from './engine/part.ts';
import { allPages } from './inventory.ts';
import { removeImage } from './parts/image.ts';
import { roleName } from './parts/role.ts';
import { settingsPath } from './parts/settings.ts';
import { ours, TAG, tagOf } from './tags.ts';

/** One kind of thing that `down` removes: what there is of it, by our tag, and how one of it goes. */
export interface Kind {
  title: string;
  list(scene: Scene): Promise<string[]>;
  remove(scene: Scene, id: string): Promise<unknown>;
}

const mine = (scene: Scene) => [ours(ownerOf(scene))];
const idsOf = <T>(things: readonly T[] | undefined, id: (thing: T) => string | undefined) =>
  (things ?? []).flatMap((thing) => id(thing) ?? []);

/** In the order in which they can go: nothing is removed before what stands on it. */
export const KINDS: readonly Kind[] = [
  {
    title: 'address',
    list: async (scene) =>
      idsOf((await (await scene.aws.ec2()).describeAddresses({ Filters: mine(scene) })).Addresses, (each) =>
        tagOf(each, TAG.part) === 'nat-address' ? undefined : each.AllocationId,
      ),
    remove: releaseAddress,
  },
  {
    title: 'launch template',
    list: async (scene) =>
      idsOf(
        (await (await scene.aws.ec2()).describeLaunchTemplates({ Filters: mine(scene) })).LaunchTemplates,
        (each) => each.LaunchTemplateId,
      ),
    remove: async ({ aws }, LaunchTemplateId) => orGone((await aws.ec2()).deleteLaunchTemplate({ LaunchTemplateId })),
  },
  {
    title: 'image',
    list: async (scene) =>
      idsOf(
        (await (await scene.aws.ec2()).describeImages({ Owners: ['self'], Filters: mine(scene) })).Images,
        (each) => each.ImageId,
      ),
    remove: removeImage,
  },
  {
    title: "image's snapshot",
    list: async (scene) => {
      const Filters = [...mine(scene), { Name: `tag:${TAG.role}`, Values: ['ami'] }];
      const { Snapshots } = await (await scene.aws.ec2()).describeSnapshots({ OwnerIds: ['self'], Filters });
      return idsOf(Snapshots, (each) => each.SnapshotId);
    },
    remove: async ({ aws }, SnapshotId) => orGone((await aws.ec2()).deleteSnapshot({ SnapshotId })),
  },
  {
    title: 'endpoint',
    list: async (scene) =>
      idsOf((await (await scene.aws.ec2()).describeVpcEndpoints({ Filters: mine(scene) })).VpcEndpoints, (each) =>
        /^deleted$/i.test(String(each.State)) ? undefined : each.VpcEndpointId,
      ),
    remove: async ({ aws }, id) => orGone((await aws.ec2()).deleteVpcEndpoints({ VpcEndpointIds: [id] })),
  },
  {
    title: 'NAT gateway',
    list: async (scene) =>
      idsOf((await (await scene.aws.ec2()).describeNatGateways({ Filter: mine(scene) })).NatGateways, (each) =>
        each.State === 'deleted' ? undefined : each.NatGatewayId,
      ),
    async remove({ aws }, id) {
      const ec2 = await aws.ec2();
      const found = await orGone(ec2.describeNatGateways({ NatGatewayIds: [id] }));
      const state = found?.NatGateways?.[0]?.State;
      if (state && state !== 'deleting' && state !== 'deleted')
        await orGone(ec2.deleteNatGateway({ NatGatewayId: id }));
    },
  },
  {
    title: 'address of the NAT gateway',
    list: async (scene) =>
      idsOf(
        (await (await scene.aws.ec2()).describeAddresses({ Filters: mine(scene) })).Addresses,
        (each) => each.AllocationId,
      ),
    remove: releaseAddress,
  },
  {
    title: 'rules between security groups',
    list: async (scene) =>
      idsOf(
        (await (await scene.aws.ec2()).describeSecurityGroups({ Filters: mine(scene) })).SecurityGroups,
        ({ GroupId, IpPermissions = [] }) =>
          IpPermissions.some(({ UserIdGroupPairs }) => UserIdGroupPairs?.length) ? GroupId : undefined,
      ),
    async remove({ aws }, GroupId) {
      const ec2 = await aws.ec2();
      const [found] = (await ec2.describeSecurityGroups({ GroupIds: [GroupId] })).SecurityGroups ?? [];
      const IpPermissions = (found?.IpPermissions ?? [])
        .filter(({ UserIdGroupPairs }) => UserIdGroupPairs?.length)
        .map(({ IpProtocol, FromPort, ToPort, UserIdGroupPairs }) => ({
          IpProtocol,
          FromPort,
          ToPort,
          UserIdGroupPairs,
        }));
      await ec2.revokeSecurityGroupIngress({ GroupId, IpPermissions });
    },
  },
  {
    title: 'security group',
    list: async (scene) =>
      idsOf(
        (await (await scene.aws.ec2()).describeSecurityGroups({ Filters: mine(scene) })).SecurityGroups,
        (each) => each.GroupId,
      ),
    remove: async ({ aws }, GroupId) => orGone((await aws.ec2()).deleteSecurityGroup({ GroupId })),
  },
  {
    title: 'route table',
    list: async (scene) =>
      idsOf(
        (await (await scene.aws.ec2()).describeRouteTables({ Filters: mine(scene) })).RouteTables,
        (each) => each.RouteTableId,
      ),
    async remove({ aws }, RouteTableId) {
      const ec2 = await aws.ec2();
      const found = await orGone(ec2.describeRouteTables({ RouteTableIds: [RouteTableId] }));
      for (const { RouteTableAssociationId, Main } of found?.RouteTables?.[0]?.Associations ?? []) {
        if (!Main) await orGone(ec2.disassociateRouteTable({ AssociationId: RouteTableAssociationId }));
      }
      await orGone(ec2.deleteRouteTable({ RouteTableId }));
    },
  },
  {
    title: 'subnet',
    list: async (scene) =>
      idsOf((await (await scene.aws.ec2()).describeSubnets({ Filters: mine(scene) })).Subnets, (each) => each.SubnetId),
    remove: async ({ aws }, SubnetId) => orGone((await aws.ec2()).deleteSubnet({ SubnetId })),
  },
  {
    title: 'internet gateway',
    list: async (scene) =>
      idsOf(
        (await (await scene.aws.ec2()).describeInternetGateways({ Filters: mine(scene) })).InternetGateways,
        (each) => each.InternetGatewayId,
      ),
    async remove({ aws }, InternetGatewayId) {
      const ec2 = await aws.ec2();
      const found = await orGone(ec2.describeInternetGateways({ InternetGatewayIds: [InternetGatewayId] }));
      for (const { VpcId } of found?.InternetGateways?.[0]?.Attachments ?? []) {
        await orGone(ec2.detachInternetGateway({ InternetGatewayId, VpcId }));
      }
      await orGone(ec2.deleteInternetGateway({ InternetGatewayId }));
    },
  },
  {
    title: 'network',
    list: async (scene) =>
      idsOf((await (await scene.aws.ec2()).describeVpcs({ Filters: mine(scene) })).Vpcs, (each) => each.VpcId),
    remove: async ({ aws }, VpcId) => orGone((await aws.ec2()).deleteVpc({ VpcId })),
  },
  {
    title: 'instance profile',
    async list(scene) {
      const InstanceProfileName = roleName(scene);
      const found = (await orGone((await scene.aws.iam()).getInstanceProfile({ InstanceProfileName })))
        ?.InstanceProfile;
      return found && isOurs(scene, found.Tags) ? [InstanceProfileName] : [];
    },
    async remove({ aws }, InstanceProfileName) {
      const iam = await aws.iam();
      const found = (await orGone(iam.getInstanceProfile({ InstanceProfileName })))?.InstanceProfile;
      for (const { RoleName } of found?.Roles ?? []) {
        await orGone(iam.removeRoleFromInstanceProfile({ InstanceProfileName, RoleName }));
      }
      await orGone(iam.deleteInstanceProfile({ InstanceProfileName }));
    },
  },
  {
    title: 'role',
    async list(scene) {
      const RoleName = roleName(scene);
      const found = (await orGone((await scene.aws.iam()).getRole({ RoleName })))?.Role;
      return found && isOurs(scene, found.Tags) ? [RoleName] : [];
    },
    async remove({ aws }, RoleName) {
      const iam = await aws.iam();
      const names = await orGone(iam.listRolePolicies({ RoleName }));
      for (const PolicyName of names?.PolicyNames ?? []) await orGone(iam.deleteRolePolicy({ RoleName, PolicyName }));
      await orGone(iam.deleteRole({ RoleName }));
    },
  },
  {
    title: 'setting of the manager',
    async list(scene) {
      const ssm = await scene.aws.ssm();
      const Path = settingsPath(scene.config.name);
      const found = await allPages(async (token) => {
        const page = await ssm.getParametersByPath({ Path, Recursive: true, ...(token ? { NextToken: token } : {}) });
        return { NextToken: page.NextToken, of: page.Parameters };
      });
      return idsOf(found, (each) => each.Name);
    },
    remove: async ({ aws }, Name) => orGone((await aws.ssm()).deleteParameter({ Name })),
  },
];

const isOurs = (scene: Scene, Tags: { Key?: string | undefined; Value?: string | undefined }[] | undefined) =>
  tagOf({ Tags }, TAG.clusterId) === ownerOf(scene).id;

async function releaseAddress({ aws }: Scene, AllocationId: string): Promise<void> {
  const ec2 = await aws.ec2();
  const found = await orGone(ec2.describeAddresses({ AllocationIds: [AllocationId] }));
  const association = found?.Addresses?.[0]?.AssociationId;
  if (association) await orGone(ec2.disassociateAddress({ AssociationId: association }));
  await orGone(ec2.releaseAddress({ AllocationId }));
}

const PATIENCE_MS = 1_200_000;
const LONGEST_PAUSE_MS = 20_000;

/** Removes everything of a kind, and waits until it is gone. Says what holds a thing that does not go. */
export async function removeKind(scene: Scene, kind: Kind, keep: () => Promise<void>): Promise<string[]> {
  const removed = new Set<string>();
  const deadline = scene.clock.now() + PATIENCE_MS;
  let pause = 1_000;
  let told = '';
  for (;;) {
    const there = await kind.list(scene);
    if (there.length === 0) return [...removed];
    const held: string[] = [];
    for (const id of there) {
      await keep();
      removed.add(id);
      await kind.remove(scene, id).catch((error: unknown) => {
        if (!isHeld(error)) throw error;
        held.push(id);
      });
    }
    if ((await kind.list(scene)).length === 0) return [...removed];
    const holding = held.length > 0 ? await holders(scene, held[0]!) : '';
    if (scene.clock.now() > deadline) {
      throw new ClusterError(
        `The ${kind.title} ${held[0] ?? there[0]} does not go. ${holding || 'AWS still removes it.'}\n` +
          'When that is gone, run the same command again; it goes on here.',
      );
    }
    if (holding !== told) scene.say(`${kind.title} ${held[0]}: waits. ${holding}`);
    told = holding;
    await scene.clock.sleep(pause);
    pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS);
  }
}

/** What still uses a group, a subnet or a network, in words. Interfaces of ended machines linger for minutes. */
async function holders(scene: Scene, id: string): Promise<string> {
  const name = id.startsWith('sg-')
    ? 'group-id'
    : id.startsWith('subnet-')
      ? 'subnet-id'
      : id.startsWith('vpc-')
        ? 'vpc-id'
        : '';
  if (!name) return 'Something else still uses it.';
  const ec2 = await scene.aws.ec2();
  const { NetworkInterfaces = [] } = await ec2.describeNetworkInterfaces({ Filters: [{ Name: name, Values: [id] }] });
  if (NetworkInterfaces.length === 0) return 'Something that is no network interface still uses it.';
  const words = NetworkInterfaces.slice(0, 5).map(
    ({ NetworkInterfaceId, Description, Attachment, Status }) =>
      `${NetworkInterfaceId} (${[Attachment?.InstanceId, Description, Status].filter(Boolean).join(', ')})`,
  );
  return `Held by ${words.join('; ')}${NetworkInterfaces.length > 5 ? ` and ${NetworkInterfaces.length - 5} more` : ''}.`;
}
