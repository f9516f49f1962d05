import { parameterPath } from '../tags.ts';
import { allow, type PolicyDocument, policy } from './policy.ts';

/**
 * What the person needs who runs `plan`, `up`, `status`, `upgrade` and `down`. Writes on what is there are bound to the
 * cluster's tag, roles to the cluster's path. The id is not known before the first `up`: the name stands for it.
 */
export function operatorPolicy({
  name,
  region,
  account,
}: {
  name: string;
  region: string;
  account: string;
}): PolicyDocument {
  const arn = (...kinds: string[]) => kinds.map((kind) => `arn:aws:ec2:${region}:${account}:${kind}/*`);
  const images = [`arn:aws:ec2:${region}::image/*`, `arn:aws:ec2:${region}::snapshot/*`];
  const tagged = { StringEquals: { 'aws:ResourceTag/atrium:cluster': name } };
  const requested = { StringEquals: { 'aws:RequestTag/atrium:cluster': name } };
  const roles = [
    `arn:aws:iam::${account}:role/atrium/${name}/*`,
    `arn:aws:iam::${account}:instance-profile/atrium/${name}/*`,
  ];
  const made = [
    ...arn(
      'vpc',
      'internet-gateway',
      'subnet',
      'route-table',
      'elastic-ip',
      'natgateway',
      'vpc-endpoint',
      'security-group',
      'launch-template',
      'volume',
      'instance',
      'network-interface',
    ),
    ...images,
  ];
  return policy(
    allow(
      'Look',
      [
        'ec2:Describe*',
        'ec2:GetConsoleOutput',
        'sts:GetCallerIdentity',
        'pricing:GetProducts',
        'servicequotas:GetServiceQuota',
        'iam:GetRole',
        'iam:GetRolePolicy',
        'iam:ListRolePolicies',
        'iam:GetInstanceProfile',
      ],
      '*',
    ),
    allow(
      'MakeWhatIsTagged',
      [
        'ec2:CreateVpc',
        'ec2:CreateInternetGateway',
        'ec2:CreateSubnet',
        'ec2:CreateRouteTable',
        'ec2:AllocateAddress',
        'ec2:CreateNatGateway',
        'ec2:CreateVpcEndpoint',
        'ec2:CreateSecurityGroup',
        'ec2:CreateLaunchTemplate',
        'ec2:CreateVolume',
        'ec2:CreateSnapshot',
        'ec2:CreateImage',
      ],
      made,
      requested,
    ),
    // The other things that such a call names: a network made by others may be among them.
    allow(
      'MakeInOrFrom',
      [
        'ec2:CreateSubnet',
        'ec2:CreateRouteTable',
        'ec2:CreateNatGateway',
        'ec2:CreateVpcEndpoint',
        'ec2:CreateSecurityGroup',
      ],
      arn('vpc', 'subnet', 'route-table', 'elastic-ip'),
    ),
    allow('CopyWhatIsOurs', ['ec2:CreateSnapshot', 'ec2:CreateImage'], arn('volume', 'instance'), tagged),
    allow('LaunchTagged', ['ec2:RunInstances'], arn('instance', 'volume'), requested),
    allow(
      'LaunchIn',
      ['ec2:RunInstances'],
      [...arn('network-interface', 'subnet', 'security-group', 'key-pair', 'image', 'snapshot'), ...images],
    ),
    allow('TagWhatIsMade', ['ec2:CreateTags'], made, requested),
    allow('TagWhatIsOurs', ['ec2:CreateTags', 'ec2:DeleteTags'], made, tagged),
    allow(
      'ChangeWhatIsOurs',
      [
        'ec2:AttachInternetGateway',
        'ec2:DetachInternetGateway',
        'ec2:DeleteInternetGateway',
        'ec2:ModifySubnetAttribute',
        'ec2:DeleteSubnet',
        'ec2:DeleteVpc',
        'ec2:CreateRoute',
        'ec2:AssociateRouteTable',
        'ec2:DisassociateRouteTable',
        'ec2:DeleteRouteTable',
        'ec2:AssociateAddress',
        'ec2:DisassociateAddress',
        'ec2:ReleaseAddress',
        'ec2:DeleteNatGateway',
        'ec2:DeleteVpcEndpoints',
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:RevokeSecurityGroupIngress',
        'ec2:DeleteSecurityGroup',
        'ec2:CreateLaunchTemplateVersion',
        'ec2:ModifyLaunchTemplate',
        'ec2:DeleteLaunchTemplate',
        'ec2:ModifyVolume',
        'ec2:AttachVolume',
        'ec2:DetachVolume',
        'ec2:DeleteVolume',
        'ec2:DeleteSnapshot',
        'ec2:DeregisterImage',
        'ec2:StartInstances',
        'ec2:StopInstances',
        'ec2:TerminateInstances',
      ],
      made,
      tagged,
    ),
    // A machine's interface has no tag of ours when an address is joined to it.
    allow(
      'JoinAddress',
      ['ec2:AssociateAddress', 'ec2:DisassociateAddress'],
      arn('network-interface', 'elastic-ip', 'instance'),
    ),
    allow(
      'MakeTheRole',
      [
        'iam:CreateRole',
        'iam:TagRole',
        'iam:PutRolePolicy',
        'iam:DeleteRolePolicy',
        'iam:DeleteRole',
        'iam:CreateInstanceProfile',
        'iam:TagInstanceProfile',
        'iam:AddRoleToInstanceProfile',
        'iam:RemoveRoleFromInstanceProfile',
        'iam:DeleteInstanceProfile',
      ],
      roles,
    ),
    allow('GiveTheRoleToMachines', ['iam:PassRole'], roles, {
      StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' },
    }),
    allow(
      'Settings',
      [
        'ssm:PutParameter',
        'ssm:GetParameter',
        'ssm:GetParametersByPath',
        'ssm:DeleteParameter',
        'ssm:AddTagsToResource',
      ],
      [
        `arn:aws:ssm:${region}:${account}:parameter${parameterPath(name)}`,
        `arn:aws:ssm:${region}:${account}:parameter${parameterPath(name, '*')}`,
      ],
    ),
    allow('PublicImageNames', ['ssm:GetParameter'], `arn:aws:ssm:${region}::parameter/aws/service/*`),
    allow(
      'Names',
      ['route53:ListResourceRecordSets', 'route53:ChangeResourceRecordSets'],
      'arn:aws:route53:::hostedzone/*',
    ),
  );
}
