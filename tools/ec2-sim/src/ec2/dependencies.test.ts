import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateNatGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  DeleteInternetGatewayCommand,
  DeleteNatGatewayCommand,
  DeleteRouteTableCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DeleteVpcEndpointsCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DetachInternetGatewayCommand,
  DisassociateAddressCommand,
  DisassociateRouteTableCommand,
  ReleaseAddressCommand,
  RevokeSecurityGroupIngressCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, running, startTestSim, type TestSim } from '../testing.ts';

const HELD = 'DependencyViolation';

/** A network with one subnet, a way out, and a group. */
async function network(t: TestSim) {
  const VpcId = (await t.ec2.send(new CreateVpcCommand({ CidrBlock: '10.1.0.0/16' }))).Vpc!.VpcId!;
  const subnet = await t.ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: '10.1.1.0/24' }));
  const SubnetId = subnet.Subnet!.SubnetId!;
  const gateway = await t.ec2.send(new CreateInternetGatewayCommand({}));
  const InternetGatewayId = gateway.InternetGateway!.InternetGatewayId!;
  await t.ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId }));
  const table = await t.ec2.send(new CreateRouteTableCommand({ VpcId }));
  const RouteTableId = table.RouteTable!.RouteTableId!;
  const out = { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId: InternetGatewayId };
  await t.ec2.send(new CreateRouteCommand(out));
  const { AssociationId } = await t.ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }));
  const group = new CreateSecurityGroupCommand({ VpcId, GroupName: 'workers', Description: 'workers' });
  const GroupId = (await t.ec2.send(group)).GroupId!;
  return { VpcId, SubnetId, InternetGatewayId, RouteTableId, AssociationId: AssociationId!, GroupId };
}

test('interfaces of terminated instances hold their group and subnet for minutes more, and can be named', async () => {
  await using t = await startTestSim();
  const { SubnetId, GroupId } = await network(t);
  const [machine] = await running(t, { SubnetId, SecurityGroupIds: [GroupId] });
  const holders = async () =>
    (await t.ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'group-id', Values: [GroupId] }] })))
      .NetworkInterfaces!;
  const group = () => t.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
  const subnet = () => t.ec2.send(new DeleteSubnetCommand({ SubnetId }));

  expect(await refusal(group())).toBe(HELD);
  await t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [machine] }));
  await t.clock.advance(10_000 + 119_000);
  expect(await refusal(group())).toBe(HELD);
  expect(await refusal(subnet())).toBe(HELD);
  expect(await holders()).toMatchObject([{ Attachment: { InstanceId: machine, Status: 'detaching' } }]);
  await t.clock.advance(1_000);
  expect(await holders()).toEqual([]);

  await group();
  await subnet();
});

test('groups that let each other in hold each other until the rules are gone', async () => {
  await using t = await startTestSim();
  const { VpcId, GroupId } = await network(t);
  const create = new CreateSecurityGroupCommand({ VpcId, GroupName: 'manager', Description: 'manager' });
  const manager = (await t.ec2.send(create)).GroupId!;
  const IpPermissions = [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId: manager }] }];
  await t.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));

  expect(await refusal(t.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions })))).toBe(
    'InvalidPermission.Duplicate',
  );
  expect(await refusal(t.ec2.send(new DeleteSecurityGroupCommand({ GroupId: manager })))).toBe(HELD);
  await t.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  expect(await refusal(t.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions })))).toBe(
    'InvalidPermission.NotFound',
  );

  await t.ec2.send(new DeleteSecurityGroupCommand({ GroupId: manager }));
});

test('a network is taken down in one order only', async () => {
  await using t = await startTestSim();
  const n = await network(t);
  const { VpcId, SubnetId, InternetGatewayId, RouteTableId, AssociationId, GroupId } = n;
  const vpc = () => t.ec2.send(new DeleteVpcCommand({ VpcId }));

  expect(await refusal(vpc())).toBe(HELD);
  expect(await refusal(t.ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId })))).toBe(HELD);
  expect(await refusal(t.ec2.send(new DeleteRouteTableCommand({ RouteTableId })))).toBe(HELD);
  await t.ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
  await t.ec2.send(new DeleteRouteTableCommand({ RouteTableId }));
  await t.ec2.send(new DeleteSubnetCommand({ SubnetId }));
  expect(await refusal(vpc())).toBe(HELD);
  await t.ec2.send(new DetachInternetGatewayCommand({ VpcId, InternetGatewayId }));
  await t.ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId }));
  expect(await refusal(vpc())).toBe(HELD);
  await t.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
  await vpc();

  expect(await refusal(vpc())).toBe('InvalidVpcID.NotFound');
  expect(t.sim.violations).toEqual([]);
});

test('a gateway stays while public addresses are mapped in its network, an address while it is in use', async () => {
  await using t = await startTestSim();
  const { VpcId, SubnetId, InternetGatewayId } = await network(t);
  const [InstanceId] = await running(t, { SubnetId });
  const { AllocationId } = await t.ec2.send(new AllocateAddressCommand({ Domain: 'vpc' }));
  const { AssociationId } = await t.ec2.send(new AssociateAddressCommand({ AllocationId, InstanceId }));
  const detach = () => t.ec2.send(new DetachInternetGatewayCommand({ VpcId, InternetGatewayId }));
  const release = () => t.ec2.send(new ReleaseAddressCommand({ AllocationId }));

  expect(await refusal(detach())).toBe(HELD);
  expect(await refusal(release())).toBe('InvalidIPAddress.InUse');
  await t.ec2.send(new DisassociateAddressCommand({ AssociationId }));

  await release();
  await detach();
});

test('a NAT gateway and an endpoint hold their subnet until they are deleted for good', async () => {
  await using t = await startTestSim();
  const { VpcId, SubnetId, RouteTableId, GroupId } = await network(t);
  const { AllocationId } = await t.ec2.send(new AllocateAddressCommand({}));
  const nat = await t.ec2.send(new CreateNatGatewayCommand({ SubnetId, AllocationId }));
  const NatGatewayId = nat.NatGateway!.NatGatewayId!;
  const endpoint = await t.ec2.send(
    new CreateVpcEndpointCommand({
      VpcId,
      VpcEndpointType: 'Interface',
      ServiceName: 'com.amazonaws.us-east-1.ssm',
      SubnetIds: [SubnetId],
      SecurityGroupIds: [GroupId],
    }),
  );
  const s3 = { VpcId, ServiceName: 'com.amazonaws.us-east-1.s3', RouteTableIds: [RouteTableId] };
  const gateway = await t.ec2.send(new CreateVpcEndpointCommand(s3));
  const subnet = () => t.ec2.send(new DeleteSubnetCommand({ SubnetId }));
  const states = async () =>
    (await t.ec2.send(new DescribeNatGatewaysCommand({ NatGatewayIds: [NatGatewayId] }))).NatGateways![0]!.State;
  const routes = async () =>
    (await t.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [RouteTableId] }))).RouteTables![0]!.Routes!;

  expect(await states()).toBe('pending');
  expect((await routes()).map(({ GatewayId }) => GatewayId)).toContain(gateway.VpcEndpoint!.VpcEndpointId);
  await t.clock.advance(60_000);
  expect(await states()).toBe('available');
  expect(await refusal(t.ec2.send(new ReleaseAddressCommand({ AllocationId })))).toBe('InvalidIPAddress.InUse');
  await t.ec2.send(new DeleteNatGatewayCommand({ NatGatewayId }));
  const VpcEndpointIds = [endpoint, gateway].map(({ VpcEndpoint }) => VpcEndpoint!.VpcEndpointId!);
  await t.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds }));
  expect(await states()).toBe('deleting');
  expect(await refusal(subnet())).toBe(HELD);
  await t.clock.advance(60_000);
  expect(await states()).toBe('deleted');

  await subnet();
  await t.ec2.send(new ReleaseAddressCommand({ AllocationId }));
  expect((await routes()).map(({ GatewayId }) => GatewayId)).not.toContain(gateway.VpcEndpoint!.VpcEndpointId);
});
