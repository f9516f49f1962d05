import { isAdopted } from './config.ts';
import { subnetCidrs } from './parts/cidr.ts';
import { groupRules } from './parts/groups.ts';
import { layoutOf } from './parts/index.ts';
import { POLICY_NAME, roleName } from './parts/role.ts';
import { managerPolicy, TRUST_EC2 } from './policies/manager.ts';
import { operatorPolicy } from './policies/operator.ts';
import type { PolicyDocument } from './policies/policy.ts';
import { type ClusterInput, openScene } from './scene.ts';

/** The operator's policy, to be given to whoever runs `atrium cluster`. */
export async function exportPolicy(input: ClusterInput): Promise<PolicyDocument> {
  const scene = await openScene(input);
  return operatorPolicy({ name: scene.config.name, region: scene.region, account: scene.account });
}

type Resources = Record<string, { Type: string; DependsOn?: string; Properties: Record<string, unknown> }>;

/**
 * Network and rights as a CloudFormation template, for an institution whose IT department makes them itself. Its outputs are
 * what `cluster.network` and `cluster.manager.instanceProfile` then name.
 */
export async function exportCloudFormation(input: ClusterInput): Promise<object> {
  const scene = await openScene(input);
  const { config } = scene;
  const layout = isAdopted(config.network) ? { zones: [] } : await layoutOf(scene);
  const ref = (Ref: string) => ({ Ref });
  const att = (name: string, what: string) => ({ 'Fn::GetAtt': [name, what] });
  const Tags = [
    { Key: 'Name', Value: `atrium-${config.name}` },
    { Key: 'atrium:cluster', Value: config.name },
  ];
  // The cluster's id comes with the first `up`. Until then rights are bound to a placeholder that no thing carries.
  const owner = scene.owner ?? { name: config.name, id: 'ID-OF-THE-CLUSTER' };
  const types = [...new Set(config.profiles.flatMap((profile) => profile.types))];
  const facts = { owner, region: scene.region, account: scene.account, types, workerRoles: [] };
  const Resources: Resources = {
    ManagerRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: roleName(scene),
        Path: `/atrium/${config.name}/`,
        AssumeRolePolicyDocument: TRUST_EC2,
        Policies: [{ PolicyName: POLICY_NAME, PolicyDocument: managerPolicy(facts) }],
        Tags,
      },
    },
    ManagerProfile: {
      Type: 'AWS::IAM::InstanceProfile',
      Properties: {
        InstanceProfileName: roleName(scene),
        Path: `/atrium/${config.name}/`,
        Roles: [ref('ManagerRole')],
      },
    },
  };
  const Outputs: Record<string, { Description: string; Value: unknown }> = {
    InstanceProfile: { Description: 'cluster.manager.instanceProfile', Value: ref('ManagerProfile') },
  };
  if (!isAdopted(config.network)) {
    const { cidr } = config.network.create;
    const cidrs = subnetCidrs(cidr, layout.zones.length);
    const isOpen = config.egress === 'public-ip';
    Resources.Network = { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: cidr, EnableDnsSupport: true, Tags } };
    Resources.Gateway = { Type: 'AWS::EC2::InternetGateway', Properties: { Tags } };
    Resources.GatewayAttached = {
      Type: 'AWS::EC2::VPCGatewayAttachment',
      Properties: { VpcId: ref('Network'), InternetGatewayId: ref('Gateway') },
    };
    const route = (name: string, target: object) => {
      Resources[name] = { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: ref('Network'), Tags } };
      if (Object.keys(target).length === 0) return;
      Resources[`${name}Out`] = {
        Type: 'AWS::EC2::Route',
        DependsOn: 'GatewayAttached',
        Properties: { RouteTableId: ref(name), DestinationCidrBlock: '0.0.0.0/0', ...target },
      };
    };
    const subnet = (name: string, zone: string, CidrBlock: string, table: string, isPublic: boolean) => {
      Resources[name] = {
        Type: 'AWS::EC2::Subnet',
        Properties: { VpcId: ref('Network'), AvailabilityZone: zone, CidrBlock, MapPublicIpOnLaunch: isPublic, Tags },
      };
      Resources[`${name}Routes`] = {
        Type: 'AWS::EC2::SubnetRouteTableAssociation',
        Properties: { SubnetId: ref(name), RouteTableId: ref(table) },
      };
    };
    route('PublicRoutes', { GatewayId: ref('Gateway') });
    subnet('ManagerSubnet', layout.zones[0]!, cidrs.manager, 'PublicRoutes', true);
    if (config.egress === 'nat') {
      Resources.NatAddress = {
        Type: 'AWS::EC2::EIP',
        DependsOn: 'GatewayAttached',
        Properties: { Domain: 'vpc', Tags },
      };
      Resources.Nat = {
        Type: 'AWS::EC2::NatGateway',
        Properties: { SubnetId: ref('ManagerSubnet'), AllocationId: att('NatAddress', 'AllocationId'), Tags },
      };
    }
    if (!isOpen) route('WorkerRoutes', config.egress === 'nat' ? { NatGatewayId: ref('Nat') } : {});
    for (const [at, zone] of layout.zones.entries()) {
      subnet(`Subnet${at + 1}`, zone, cidrs.workers[at]!, isOpen ? 'PublicRoutes' : 'WorkerRoutes', isOpen);
    }
    Resources.ObjectStore = {
      Type: 'AWS::EC2::VPCEndpoint',
      Properties: {
        VpcId: ref('Network'),
        ServiceName: `com.amazonaws.${scene.region}.s3`,
        VpcEndpointType: 'Gateway',
        RouteTableIds: [ref('PublicRoutes'), ...(isOpen ? [] : [ref('WorkerRoutes')])],
      },
    };
    Outputs.Network = { Description: 'cluster.network.vpc', Value: ref('Network') };
    Outputs.ManagerSubnet = { Description: 'cluster.network.managerSubnet', Value: ref('ManagerSubnet') };
    Outputs.Subnets = {
      Description: 'cluster.network.subnets, separated by commas',
      Value: { 'Fn::Join': [',', layout.zones.map((_, at) => ref(`Subnet${at + 1}`))] },
    };
  }
  const open = Object.entries(groupRules(config))
    .map(([group, rules]) => `${group}: ${rules.map(({ port, from }) => `${port} from ${from}`).join(', ')}`)
    .join('; ');
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `Atrium ${config.name}: network and rights. Security groups are made by "atrium cluster up" (${open}).`,
    Resources,
    Outputs,
  };
}
