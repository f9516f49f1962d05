import { FIRST_ADMIN, settingsPath } from '../parts/settings.ts';
import { type Owner, parameterPath, TAG } from '../tags.ts';
import { allow, type PolicyDocument, type PolicyStatement, policy } from './policy.ts';

export interface PolicyFacts {
  owner: Owner;
  region: string;
  account: string;
  /** Instance types that people's machines may have; empty for any. */
  types: readonly string[];
  /** Roles that people's machines may have; none by default. */
  workerRoles: readonly string[];
}

/** Who may take the manager's role: machines. */
export const TRUST_EC2 = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
} as const;

const LOOK = [
  'ec2:DescribeInstances',
  'ec2:DescribeInstanceStatus',
  'ec2:DescribeVolumes',
  'ec2:DescribeVolumesModifications',
  'ec2:DescribeSnapshots',
  'ec2:DescribeImages',
  'ec2:DescribeLaunchTemplates',
  'ec2:DescribeLaunchTemplateVersions',
  'ec2:DescribeSubnets',
  'ec2:DescribeInstanceTypes',
  'ec2:DescribeInstanceTypeOfferings',
  'ec2:DescribeSpotPriceHistory',
  'pricing:GetProducts',
  'servicequotas:GetServiceQuota',
];

/** A machine's end of a session; none of it is about a resource. */
export const SESSION_MANAGER = [
  'ssm:UpdateInstanceInformation',
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
];

/**
 * What the manager may do: look, run people's machines and keep their disks, all of this cluster only. It writes no
 * security group, no image, no IAM, and nothing that lacks the cluster's id.
 */
export function managerPolicy({ owner, region, account, types, workerRoles }: PolicyFacts): PolicyDocument {
  const id = owner.id;
  const arn = (...kinds: string[]) => kinds.map((kind) => `arn:aws:ec2:${region}:${account}:${kind}/*`);
  const snapshots = `arn:aws:ec2:${region}::snapshot/*`;
  const requested = { StringEquals: { [`aws:RequestTag/${TAG.clusterId}`]: id } };
  const resource = (more: Record<string, string | string[]> = {}) => ({
    StringEquals: { [`aws:ResourceTag/${TAG.clusterId}`]: id, ...more },
  });
  const isWorker = { [`aws:ResourceTag/${TAG.role}`]: ['worker', 'spare'] };
  const isDisk = { [`aws:ResourceTag/${TAG.role}`]: ['worker', 'spare', 'home', 'snapshot', 'restored'] };

  const launch: PolicyStatement[] = [
    allow('LaunchMachines', ['ec2:RunInstances'], arn('instance'), {
      StringEquals: {
        [`aws:RequestTag/${TAG.clusterId}`]: id,
        [`aws:RequestTag/${TAG.role}`]: ['worker', 'spare'],
        'ec2:MetadataHttpTokens': 'required',
        ...(types.length > 0 ? { 'ec2:InstanceType': [...types] } : {}),
      },
      StringLike: { 'ec2:LaunchTemplate': `arn:aws:ec2:${region}:${account}:launch-template/*` },
    }),
    allow('LaunchTheirDisks', ['ec2:RunInstances'], arn('volume', 'network-interface'), requested),
    allow('LaunchFromOurs', ['ec2:RunInstances'], arn('launch-template', 'security-group'), resource()),
    // Images and subnets may have been made by others; what a template of ours names is checked by the template's tag.
    allow(
      'LaunchWhere',
      ['ec2:RunInstances'],
      [...arn('subnet'), `arn:aws:ec2:${region}::image/*`, `arn:aws:ec2:${region}:${account}:image/*`, snapshots],
    ),
  ];
  return policy(
    allow('Look', LOOK, '*'),
    ...launch,
    allow('MakeDisks', ['ec2:CreateVolume'], arn('volume'), requested),
    allow('MakeDisksFromOurCopies', ['ec2:CreateVolume'], [snapshots], resource()),
    allow('MakeCopies', ['ec2:CreateSnapshot'], [snapshots], requested),
    allow('CopyOurDisks', ['ec2:CreateSnapshot'], arn('volume'), resource()),
    allow('TagWhatIsMade', ['ec2:CreateTags'], [...arn('instance', 'volume', 'network-interface'), snapshots], {
      StringEquals: {
        [`aws:RequestTag/${TAG.clusterId}`]: id,
        'ec2:CreateAction': ['RunInstances', 'CreateVolume', 'CreateSnapshot'],
      },
    }),
    allow(
      'TagWhatIsOurs',
      ['ec2:CreateTags', 'ec2:DeleteTags'],
      [...arn('instance', 'volume', 'network-interface'), snapshots],
      {
        ...resource(isDisk),
        'ForAllValues:StringEquals': {
          'aws:TagKeys': [
            'Name',
            TAG.user,
            TAG.server,
            TAG.role,
            TAG.trash,
            TAG.schema,
            TAG.storage,
            'atrium:state',
            'atrium:gen',
            'atrium:group',
            'atrium:profile',
            'atrium:fresh',
            'atrium:orphan-since',
          ],
        },
        // A thing of ours stays ours, and the manager's own disk cannot be passed off as somebody's home.
        StringNotEqualsIfExists: { [`aws:RequestTag/${TAG.role}`]: ['manager', 'manager-data'] },
      },
    ),
    allow(
      'RunOurMachines',
      [
        'ec2:StartInstances',
        'ec2:StopInstances',
        'ec2:RebootInstances',
        'ec2:TerminateInstances',
        'ec2:ModifyInstanceAttribute',
        'ec2:GetConsoleOutput',
      ],
      arn('instance'),
      resource(isWorker),
    ),
    allow(
      'JoinDisksAndMachines',
      ['ec2:AttachVolume', 'ec2:DetachVolume'],
      arn('instance', 'volume'),
      resource(isDisk),
    ),
    allow('GrowDisks', ['ec2:ModifyVolume'], arn('volume'), resource({ [`aws:ResourceTag/${TAG.role}`]: 'home' })),
    allow('DropCopies', ['ec2:DeleteSnapshot'], [snapshots], resource()),
    allow(
      'DropDisksInTheBin',
      ['ec2:DeleteVolume'],
      arn('volume'),
      resource({ [`aws:ResourceTag/${TAG.trash}`]: 'yes' }),
    ),
    allow(
      'ReadOwnSettings',
      ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
      [
        `arn:aws:ssm:${region}:${account}:parameter${parameterPath(owner.name)}`,
        `arn:aws:ssm:${region}:${account}:parameter${parameterPath(owner.name, '*')}`,
      ],
    ),
    allow(
      'OfferTheFirstAccount',
      ['ssm:PutParameter', 'ssm:DeleteParameter'],
      `arn:aws:ssm:${region}:${account}:parameter${settingsPath(owner.name)}/${FIRST_ADMIN}`,
    ),
    // https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-add-permissions-to-existing-profile.html
    allow('BeReachedBySessionManager', SESSION_MANAGER, '*'),
    allow('ReadPublicImageNames', ['ssm:GetParameter'], `arn:aws:ssm:${region}::parameter/aws/service/*`),
    ...(workerRoles.length > 0
      ? [
          allow('GiveMachinesTheirRole', ['iam:PassRole'], [...workerRoles], {
            StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' },
          }),
        ]
      : []),
  );
}
