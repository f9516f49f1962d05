import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2';
import { codeOf, isThere } from '../aws/errors.ts';
import { type ClusterConfig, ClusterError } from '../config.ts';
import { idOf, notFound, ownerOf, type Part, remember, type Scene } from '../engine/part.ts';
import { ourPart, TAG, tagged, tagOf, tagsOf } from '../tags.ts';

/** One rule: who may reach which port. `from` is an address block or the part of another group. */
export interface Rule {
  port: number;
  from: string;
}

/** Who may reach whom; nothing else may. Port 22 is open nowhere. */
export function groupRules(config: ClusterConfig): Record<'group-manager' | 'group-worker', Rule[]> {
  return {
    'group-manager': [
      ...config.allow.flatMap((from) => [443, 80].map((port) => ({ port, from }))),
      { port: 443, from: 'group-worker' },
    ],
    'group-worker': [{ port: config.workerPort, from: 'group-manager' }],
  };
}

/** Groups first, rules after: the groups name each other. */
export function groupParts(config: ClusterConfig): Part[] {
  const rules = groupRules(config);
  return [
    group('group-manager', 'who reaches the manager'),
    group('group-worker', "who reaches people's machines"),
    ruleSet('group-manager', rules['group-manager']),
    ruleSet('group-worker', rules['group-worker']),
  ];
}

const group = (part: string, title: string): Part => ({
  part,
  title: `security group: ${title}`,
  async look(scene) {
    if (scene.owner) {
      const found = await groupOf(scene, part);
      if (found) return { state: 'same', id: found.GroupId! };
    }
    const vpc = scene.ids.get('vpc');
    if (!vpc) return { state: 'absent' };
    const sameName = await namesake(scene, part, vpc);
    if (sameName) {
      const note = `${sameName.GroupId} has the name ${sameName.GroupName}, but is not this cluster's. Give the cluster another name`;
      return { state: 'blocked', note };
    }
    return notFound(scene, part);
  },
  async make(scene) {
    const ec2 = await scene.aws.ec2();
    try {
      const made = await ec2.createSecurityGroup({
        GroupName: nameOf(scene, part),
        Description: `Atrium ${scene.config.name}: ${title.replaceAll("'", '')}`,
        VpcId: idOf(scene, 'vpc'),
        TagSpecifications: tagged('security-group', tagsOf(ownerOf(scene), part, 'group')),
      });
      remember(scene, part, made.GroupId);
    } catch (error) {
      // A lost answer, or an earlier run that was cut off: it is ours when it carries our tag.
      if (!isThere(error)) throw error;
      if (await namesake(scene, part, idOf(scene, 'vpc'))) {
        throw new ClusterError(`A security group ${nameOf(scene, part)} is there, and not this cluster's.`);
      }
    }
  },
});

const ruleSet = (of: string, wanted: readonly Rule[]): Part => {
  const missing = (scene: Scene, found: SecurityGroup) =>
    wanted.filter((rule) => !written(found.IpPermissions ?? []).includes(keyOf(rule, scene)));
  return {
    part: `${of}-rules`,
    title: `rules: ${wanted.map(({ port, from }) => `${port} from ${from}`).join(', ')}`,
    async look(scene) {
      if (!scene.owner || !scene.ids.has(of)) return { state: 'absent' };
      const found = await groupOf(scene, of);
      if (!found) return notFound(scene, `${of}-rules`);
      const lacks = missing(scene, found).length;
      const id = `${found.GroupId}`;
      return lacks > 0
        ? { state: 'differs', id, note: `${lacks} of ${wanted.length} rules missing` }
        : { state: 'same', id };
    },
    async make(scene, seen) {
      const found = seen.state === 'differs' ? await groupOf(scene, of) : undefined;
      if (!found) return;
      const IpPermissions = missing(scene, found).map((rule) => permission(rule, scene));
      const ec2 = await scene.aws.ec2();
      await ec2.authorizeSecurityGroupIngress({ GroupId: found.GroupId, IpPermissions }).catch((error: unknown) => {
        if (codeOf(error) !== 'InvalidPermission.Duplicate') throw error;
      });
    },
  };
};

/** Rules that stand in a group and that nobody asked for here, in words: `22 from 0.0.0.0/0`. */
export async function strayRules(scene: Scene): Promise<string[]> {
  const rules = groupRules(scene.config);
  const stray: string[] = [];
  for (const part of ['group-manager', 'group-worker'] as const) {
    const found = scene.ids.has(part) ? await groupOf(scene, part) : undefined;
    const wanted = rules[part].map((rule) => keyOf(rule, scene));
    for (const key of written(found?.IpPermissions ?? [])) {
      if (!wanted.includes(key)) stray.push(`${found?.GroupId} (${part}) lets in ${key}`);
    }
  }
  return stray;
}

const sourceOf = ({ from }: Rule, scene: Scene) => (from.startsWith('group-') ? (scene.ids.get(from) ?? from) : from);
const keyOf = (rule: Rule, scene: Scene) => `${rule.port} from ${sourceOf(rule, scene)}`;

function permission(rule: Rule, scene: Scene): IpPermission {
  const source = sourceOf(rule, scene);
  return {
    IpProtocol: 'tcp',
    FromPort: rule.port,
    ToPort: rule.port,
    ...(source.startsWith('sg-') ? { UserIdGroupPairs: [{ GroupId: source }] } : { IpRanges: [{ CidrIp: source }] }),
  };
}

function written(permissions: readonly IpPermission[]): string[] {
  return permissions.flatMap(({ IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges, UserIdGroupPairs }) => {
    const ports = IpProtocol === '-1' ? 'everything' : FromPort === ToPort ? `${FromPort}` : `${FromPort}–${ToPort}`;
    const sources = [
      ...(IpRanges ?? []).map(({ CidrIp }) => CidrIp),
      ...(Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
      ...(UserIdGroupPairs ?? []).map(({ GroupId }) => GroupId),
    ];
    return sources.map((source) => `${ports} from ${source}`);
  });
}

const nameOf = (scene: Scene, part: string) => `atrium-${scene.config.name}-${part}`;

async function groupOf(scene: Scene, part: string): Promise<SecurityGroup | undefined> {
  const ec2 = await scene.aws.ec2();
  const { SecurityGroups = [] } = await ec2.describeSecurityGroups({ Filters: ourPart(ownerOf(scene), part) });
  return SecurityGroups[0];
}

/** A group of the same name that is not ours. */
async function namesake(scene: Scene, part: string, vpc: string): Promise<SecurityGroup | undefined> {
  const ec2 = await scene.aws.ec2();
  const Filters = [
    { Name: 'group-name', Values: [nameOf(scene, part)] },
    { Name: 'vpc-id', Values: [vpc] },
  ];
  const found = (await ec2.describeSecurityGroups({ Filters })).SecurityGroups?.[0];
  return found && scene.owner && tagOf(found, TAG.clusterId) === scene.owner.id ? undefined : found;
}
