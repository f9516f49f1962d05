import {
  AllocateAddressCommand,
  CreateImageCommand,
  CreateInternetGatewayCommand,
  CreateLaunchTemplateCommand,
  CreateNatGatewayCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSnapshotCommand,
  CreateSubnetCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { ACTIONS } from '../ec2/actions.ts';
import { running, startTestSim, type TestSim, tagging } from '../testing.ts';
import { EC2_ACTIONS } from './ec2-table.ts';
import { ec2Authorizations, type Policy, refused } from './index.ts';

/** Every parameter that names something, with the id of one such thing that has the tag. */
async function oneOfEach(t: TestSim, owner: string): Promise<Record<string, string | string[]>> {
  const tag = (type: Parameters<typeof tagging>[0]) => ({ TagSpecifications: [tagging(type, { owner })] });
  const { ec2 } = t;
  const VpcId = (await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16', ...tag('vpc') }))).Vpc!.VpcId!;
  const subnet = await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: '10.0.1.0/24', ...tag('subnet') }));
  const SubnetId = subnet.Subnet!.SubnetId!;
  const group = { VpcId, GroupName: owner, Description: owner, ...tag('security-group') };
  const GroupId = (await ec2.send(new CreateSecurityGroupCommand(group))).GroupId!;
  const gateway = await ec2.send(new CreateInternetGatewayCommand(tag('internet-gateway')));
  const table = await ec2.send(new CreateRouteTableCommand({ VpcId, ...tag('route-table') }));
  const address = await ec2.send(new AllocateAddressCommand(tag('elastic-ip')));
  const nat = await ec2.send(
    new CreateNatGatewayCommand({ SubnetId, AllocationId: address.AllocationId, ...tag('natgateway') }),
  );
  const s3 = { VpcId, ServiceName: 'com.amazonaws.us-east-1.s3', ...tag('vpc-endpoint') };
  const endpoint = await ec2.send(new CreateVpcEndpointCommand(s3));
  const template = await ec2.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: `of-${owner}`,
      LaunchTemplateData: { InstanceType: 't3.small' },
      ...tag('launch-template'),
    }),
  );
  const volume = { AvailabilityZone: 'us-east-1a', Size: 1, ...tag('volume') };
  const VolumeId = (await ec2.send(new CreateVolumeCommand(volume))).VolumeId!;
  const [InstanceId] = await running(t, {
    TagSpecifications: [tagging('instance', { owner }), tagging('network-interface', { owner })],
  });
  const SnapshotId = (await ec2.send(new CreateSnapshotCommand({ VolumeId, ...tag('snapshot') }))).SnapshotId!;
  const image = await ec2.send(
    new CreateImageCommand({ InstanceId, Name: `of ${owner}`, TagSpecifications: [tagging('image', { owner })] }),
  );
  const eni = t.sim.world.instances.get(InstanceId)!.interfaceIds[0]!;
  return {
    ...{ VpcId, SubnetId, GroupId, VolumeId, SnapshotId, InstanceId, NetworkInterfaceId: eni },
    InstanceIds: [InstanceId],
    Resources: [InstanceId, VolumeId],
    Groups: [GroupId],
    ImageId: image.ImageId!,
    InternetGatewayId: gateway.InternetGateway!.InternetGatewayId!,
    RouteTableId: table.RouteTable!.RouteTableId!,
    RouteTableIds: [table.RouteTable!.RouteTableId!],
    AllocationId: address.AllocationId!,
    NatGatewayId: nat.NatGateway!.NatGatewayId!,
    VpcEndpointIds: [endpoint.VpcEndpoint!.VpcEndpointId!],
    LaunchTemplateId: template.LaunchTemplate!.LaunchTemplateId!,
  };
}

/** All rights on what has our tag, none on anything else that exists. */
const OWN: Policy = {
  Statement: [
    { Effect: 'Allow', Action: 'ec2:*', Resource: '*', Condition: { StringEquals: { 'ec2:ResourceTag/owner': 'us' } } },
  ],
};

test('every change that the simulator knows is checked on resources, save those that name none', () => {
  const changes = [...ACTIONS.values()].filter(({ mutating }) => mutating).map(({ name }) => name);

  const unchecked = changes.filter((name) => !Object.hasOwn(EC2_ACTIONS, name));

  expect(unchecked.sort()).toEqual(['CreateFleet', 'RunInstances']);
});

describe('what exists may be used and changed with our tag on it, and not without', () => {
  // Ids in parameters whose things no other call of the simulator can make.
  const absent = new Set([
    'AssociationId',
    'GatewayId',
    'VpcEndpointId',
    'KeyPairId',
    'InstanceSpecification.InstanceId',
  ]);

  test('for each action of the table', async () => {
    await using t = await startTestSim({ delays: { consistencyMs: 0 }, quotas: { 'L-F678F1CE': 9 } });
    const [ours, foreign] = [await oneOfEach(t, 'us'), await oneOfEach(t, 'them')];
    const seen: string[] = [];

    for (const [action, { uses = [] }] of Object.entries(EC2_ACTIONS)) {
      for (const name of uses) {
        if (absent.has(name) || name === 'SecurityGroupIds' || name === 'SubnetIds') continue;
        expect(ours, `${action} ${name}`).toHaveProperty(name);
        const asked = (things: typeof ours) =>
          ec2Authorizations(action, { [name]: things[name] }, t.sim.world, () => undefined).filter(
            ({ action: right, resource }) => right === `ec2:${action}` && !resource.endsWith('/*'),
          );
        expect(asked(ours).length, `${action} ${name}`).toBeGreaterThan(0);
        expect(refused(OWN, asked(ours)), `${action} on ours`).toEqual([]);
        expect(refused(OWN, asked(foreign)), `${action} on theirs`).toHaveLength(asked(foreign).length);
        seen.push(`${action} ${name}`);
      }
    }

    expect(seen.length).toBeGreaterThan(50);
    expect(t.sim.violations).toEqual([]);
  });
});

test('tags may be given to what is being made, and only some keys to what is there', async () => {
  await using t = await startTestSim();
  const [id] = await running(t, { TagSpecifications: [tagging('instance', { owner: 'us' })] });
  const [foreign] = await running(t);
  const keys = { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['user', 'gen'] }, Null: { 'aws:TagKeys': false } };
  const policy: Policy = {
    Statement: [
      {
        Effect: 'Allow',
        Action: 'ec2:CreateTags',
        Resource: '*',
        Condition: { StringEquals: { 'ec2:CreateAction': ['RunInstances'] } },
      },
      {
        Effect: 'Allow',
        Action: 'ec2:CreateTags',
        Resource: 'arn:aws:ec2:*:*:instance/*',
        Condition: { StringEquals: { 'aws:ResourceTag/owner': 'us' }, ...keys },
      },
    ],
  };
  const allowed = (Resources: string[], Tags: { Key: string; Value: string }[]) =>
    refused(
      policy,
      ec2Authorizations('CreateTags', { Resources, Tags }, t.sim.world, () => undefined),
    ).length === 0;
  const tag = (Key: string) => ({ Key, Value: 'x' });

  expect(allowed([id], [tag('user'), tag('gen')])).toBe(true);
  expect(allowed([id], [tag('user'), tag('owner')])).toBe(false);
  expect(allowed([foreign], [tag('user')])).toBe(false);
  expect(allowed([id, foreign], [tag('user')])).toBe(false);
  const launches = t.sim.calls
    .all('RunInstances')[0]!
    .authorization.filter(({ action }) => action === 'ec2:CreateTags');
  expect(launches).toHaveLength(1);
  expect(refused(policy, launches)).toEqual([]);
  const volume = { TagSpecifications: [{ ResourceType: 'volume', Tags: [tag('owner')] }] };
  const making = ec2Authorizations('CreateVolume', volume, t.sim.world, () => undefined);
  expect(refused(policy, making).map(({ action }) => action)).toEqual(['ec2:CreateVolume', 'ec2:CreateTags']);
});
