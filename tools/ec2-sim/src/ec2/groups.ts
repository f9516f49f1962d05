import type { IpPermission, SecurityGroup, SecurityGroupRule } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { ec2Arn } from '../policy/ec2-resources.ts';
import { newResource, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { dependency } from './dependency.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import { addGroup } from './network-seed.ts';
import type { SimGroup, SimRule } from './network-types.ts';
import { paginate } from './paging.ts';

/** The source or destination of a rule: exactly one of its kinds. */
type Peer = Pick<SimRule, 'cidr' | 'cidr6' | 'prefixListId' | 'sourceGroup' | 'description'>;

function samePort(rule: SimRule, permission: IpPermission): boolean {
  const ports =
    permission.IpProtocol === '-1' || (rule.fromPort === permission.FromPort && rule.toPort === permission.ToPort);
  return rule.protocol === permission.IpProtocol && ports;
}

const text = (description: string | undefined) => (description ? { description } : {});

function peers(permission: IpPermission): Peer[] {
  return [
    ...(permission.IpRanges ?? []).map(({ CidrIp = '', Description }) => ({ cidr: CidrIp, ...text(Description) })),
    ...(permission.Ipv6Ranges ?? []).map(({ CidrIpv6 = '', Description }) => ({
      cidr6: CidrIpv6,
      ...text(Description),
    })),
    ...(permission.PrefixListIds ?? []).map(({ PrefixListId = '', Description }) => ({
      prefixListId: PrefixListId,
      ...text(Description),
    })),
    ...(permission.UserIdGroupPairs ?? []).map(({ GroupId = '', Description }) => ({
      sourceGroup: GroupId,
      ...text(Description),
    })),
  ];
}

const samePeer = (a: Peer, b: Peer) =>
  a.cidr === b.cidr && a.cidr6 === b.cidr6 && a.prefixListId === b.prefixListId && a.sourceGroup === b.sourceGroup;

function permissions(world: World, group: SimGroup, egress: boolean): IpPermission[] {
  const byPort = new Map<string, IpPermission>();
  for (const rule of group.rules.values()) {
    if (rule.egress !== egress) continue;
    const key = `${rule.protocol}:${rule.fromPort}:${rule.toPort}`;
    const made: IpPermission = byPort.get(key) ?? {
      IpProtocol: rule.protocol,
      ...(rule.fromPort === undefined ? {} : { FromPort: rule.fromPort }),
      ...(rule.toPort === undefined ? {} : { ToPort: rule.toPort }),
      IpRanges: [],
      Ipv6Ranges: [],
      PrefixListIds: [],
      UserIdGroupPairs: [],
    };
    byPort.set(key, made);
    const Description = rule.description;
    if (rule.cidr) made.IpRanges!.push({ CidrIp: rule.cidr, Description });
    if (rule.cidr6) made.Ipv6Ranges!.push({ CidrIpv6: rule.cidr6, Description });
    if (rule.prefixListId) made.PrefixListIds!.push({ PrefixListId: rule.prefixListId, Description });
    if (rule.sourceGroup)
      made.UserIdGroupPairs!.push({ GroupId: rule.sourceGroup, UserId: world.accountId, Description });
  }
  return [...byPort.values()];
}

function view(world: World, group: SimGroup): SecurityGroup {
  return {
    GroupId: group.id,
    GroupName: group.name,
    Description: group.description,
    VpcId: group.vpcId,
    OwnerId: world.accountId,
    SecurityGroupArn: ec2Arn(world, 'security-group', group.id),
    IpPermissions: permissions(world, group, false),
    IpPermissionsEgress: permissions(world, group, true),
    Tags: tagList(world, group),
  };
}

function viewRule(world: World, rule: SimRule): SecurityGroupRule {
  return {
    SecurityGroupRuleId: rule.id,
    GroupId: rule.groupId,
    GroupOwnerId: world.accountId,
    IsEgress: rule.egress,
    IpProtocol: rule.protocol,
    FromPort: rule.fromPort ?? -1,
    ToPort: rule.toPort ?? -1,
    ...(rule.cidr ? { CidrIpv4: rule.cidr } : {}),
    ...(rule.cidr6 ? { CidrIpv6: rule.cidr6 } : {}),
    ...(rule.prefixListId ? { PrefixListId: rule.prefixListId } : {}),
    ...(rule.sourceGroup ? { ReferencedGroupInfo: { GroupId: rule.sourceGroup, UserId: world.accountId } } : {}),
    ...(rule.description ? { Description: rule.description } : {}),
    Tags: tagList(world, rule),
  };
}

const GROUP_FILTERS: FilterTable<SimGroup> = {
  description: (g) => g.description,
  'group-id': (g) => g.id,
  'group-name': (g) => g.name,
  'ip-permission.group-id': (g) =>
    [...g.rules.values()].filter(({ egress }) => !egress).map(({ sourceGroup }) => sourceGroup),
  'ip-permission.cidr': (g) => [...g.rules.values()].filter(({ egress }) => !egress).map(({ cidr }) => cidr),
  'owner-id': (_, world) => world.accountId,
  'vpc-id': (g) => g.vpcId,
};

const RULE_FILTERS: FilterTable<SimRule> = { 'group-id': (r) => r.groupId, 'security-group-rule-id': (r) => r.id };

function authorizeRules(
  world: World,
  input: {
    GroupId?: string | undefined;
    IpPermissions?: IpPermission[] | undefined;
    TagSpecifications?: Parameters<typeof tagsFor>[0];
  },
  egress: boolean,
) {
  const group = find(world, world.groups, input.GroupId, KINDS.group);
  if (!input.IpPermissions?.length)
    throw new ApiError('MissingParameter', 'The request must contain the parameter ipPermissions');
  const added: SimRule[] = [];
  for (const permission of input.IpPermissions) {
    const { IpProtocol: protocol = '', FromPort, ToPort } = permission;
    if (!['tcp', 'udp', 'icmp', 'icmpv6', '-1'].includes(protocol)) {
      throw new ApiError('InvalidParameterValue', `Invalid value '${protocol}' for IP protocol. Unknown protocol.`);
    }
    if (
      (protocol === 'tcp' || protocol === 'udp') &&
      (FromPort === undefined || ToPort === undefined || FromPort > ToPort)
    ) {
      throw new ApiError(
        'InvalidParameterValue',
        `Invalid value for portRange. Must specify both from and to ports with TCP/UDP.`,
      );
    }
    for (const peer of peers(permission)) {
      if (peer.sourceGroup) find(world, world.groups, peer.sourceGroup, KINDS.group);
      const same = [...group.rules.values(), ...added].find(
        (rule) => rule.egress === egress && samePort(rule, permission) && samePeer(rule, peer),
      );
      if (same) {
        throw new ApiError(
          'InvalidPermission.Duplicate',
          `the specified rule "peer: ${peer.cidr ?? peer.cidr6 ?? peer.sourceGroup}, ${protocol}, from port: ${FromPort}, to port: ${ToPort}, ALLOW" already exists`,
        );
      }
      added.push({
        ...newResource(world, 'sgr', tagsFor(input.TagSpecifications, 'security-group-rule')),
        groupId: group.id,
        egress,
        protocol,
        ...(FromPort === undefined || protocol === '-1' ? {} : { fromPort: FromPort }),
        ...(ToPort === undefined || protocol === '-1' ? {} : { toPort: ToPort }),
        ...peer,
      });
    }
  }
  for (const rule of added) group.rules.set(rule.id, rule);
  return { Return: true, SecurityGroupRules: added.map((rule) => viewRule(world, rule)) };
}

function revokeRules(
  world: World,
  input: {
    GroupId?: string | undefined;
    IpPermissions?: IpPermission[] | undefined;
    SecurityGroupRuleIds?: string[] | undefined;
  },
  egress: boolean,
) {
  const group = find(world, world.groups, input.GroupId, KINDS.group);
  const gone = new Set<string>();
  for (const id of input.SecurityGroupRuleIds ?? []) {
    if (!group.rules.has(id))
      throw new ApiError('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`);
    gone.add(id);
  }
  for (const permission of input.IpPermissions ?? []) {
    for (const peer of peers(permission)) {
      const rule = [...group.rules.values()].find(
        (one) => one.egress === egress && samePort(one, permission) && samePeer(one, peer),
      );
      if (!rule)
        throw new ApiError('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.');
      gone.add(rule.id);
    }
  }
  for (const id of gone) group.rules.delete(id);
  return { Return: true };
}

const PERMISSIONS = 'GroupId IpPermissions TagSpecifications';

export const groupActions: Action[] = [
  action('CreateSecurityGroup', {
    parameters: 'Description GroupName VpcId TagSpecifications',
    run({ Description = '', GroupName: name = '', VpcId, TagSpecifications }, { world }) {
      const vpc = VpcId
        ? find(world, world.vpcs, VpcId, KINDS.vpc)
        : [...world.vpcs.values()].find(({ isDefault }) => isDefault);
      if (!vpc) throw new ApiError('VPCIdNotSpecified', 'No default VPC for this user');
      if (!/^[\w .\-:/()#,@[\]+=&;{}!$*]{1,255}$/.test(name) || name.startsWith('sg-')) {
        throw new ApiError('InvalidParameterValue', `Invalid security group name '${name}'`);
      }
      if (!Description)
        throw new ApiError('MissingParameter', 'The request must contain the parameter GroupDescription');
      checkSpecifications(TagSpecifications, ['security-group']);
      if ([...world.groups.values()].some((one) => one.vpcId === vpc.id && one.name === name)) {
        throw new ApiError('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC '${vpc.id}'`);
      }
      const group = addGroup(world, vpc.id, name, Description, tagsFor(TagSpecifications, 'security-group'));
      return { GroupId: group.id, Tags: tagList(world, group) };
    },
  }),

  action('DescribeSecurityGroups', {
    parameters: 'GroupIds GroupNames MaxResults NextToken',
    filters: GROUP_FILTERS,
    run({ GroupIds, GroupNames, Filters, ...request }, { world }) {
      const from = GroupIds?.length ? findAll(world, world.groups, GroupIds, KINDS.group) : [...world.groups.values()];
      const byName = from.filter(({ name }) => !GroupNames?.length || GroupNames.includes(name));
      const { page, ...rest } = paginate(select(world, byName, GROUP_FILTERS, Filters), request);
      return { SecurityGroups: page.map((group) => view(world, group)), ...rest };
    },
  }),

  action('DescribeSecurityGroupRules', {
    parameters: 'SecurityGroupRuleIds MaxResults NextToken',
    filters: RULE_FILTERS,
    run({ SecurityGroupRuleIds: ids, Filters, ...request }, { world }) {
      const all = new Map([...world.groups.values()].flatMap((group) => [...group.rules]));
      const from = ids?.length ? findAll(world, all, ids, KINDS.rule) : all.values();
      const { page, ...rest } = paginate(select(world, from, RULE_FILTERS, Filters), request);
      return { SecurityGroupRules: page.map((rule) => viewRule(world, rule)), ...rest };
    },
  }),

  action('AuthorizeSecurityGroupIngress', {
    parameters: PERMISSIONS,
    run: (input, { world }) => authorizeRules(world, input, false),
  }),
  action('AuthorizeSecurityGroupEgress', {
    parameters: PERMISSIONS,
    run: (input, { world }) => authorizeRules(world, input, true),
  }),
  action('RevokeSecurityGroupIngress', {
    parameters: 'GroupId IpPermissions SecurityGroupRuleIds',
    run: (input, { world }) => revokeRules(world, input, false),
  }),
  action('RevokeSecurityGroupEgress', {
    parameters: 'GroupId IpPermissions SecurityGroupRuleIds',
    run: (input, { world }) => revokeRules(world, input, true),
  }),

  action('DeleteSecurityGroup', {
    parameters: 'GroupId',
    run({ GroupId }, { world }) {
      const group = find(world, world.groups, GroupId, KINDS.group);
      if (group.name === 'default')
        throw new ApiError(
          'CannotDelete',
          `the specified group: "${group.id}" name: "default" cannot be deleted by a user`,
        );
      const holder =
        [...world.interfaces.values()].find((eni) => eni.groups.includes(group.id)) ??
        [...world.groups.values()].find(
          (other) => other !== group && [...other.rules.values()].some(({ sourceGroup }) => sourceGroup === group.id),
        );
      if (holder) throw dependency(group.id);
      world.groups.delete(group.id);
      return { Return: true, GroupId: group.id };
    },
  }),
];
