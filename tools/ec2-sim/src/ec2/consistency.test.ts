import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { expect, test } from 'vitest';
import { clientSettings, launchOf, refusal, running, seen, startTestSim, tagging } from '../testing.ts';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const TAGS = { TagSpecifications: [tagging('instance', { 'atrium:server': 'ada' })] };

test('what was just made is not found yet, then found without its tags, then with them', async () => {
  await using t = await startTestSim();
  const { Instances } = await t.ec2.send(launchOf(t.sim, TAGS));
  const InstanceIds = [Instances![0]!.InstanceId!];
  const byTag = async () => {
    const Filters = [{ Name: 'tag:atrium:server', Values: ['ada'] }];
    return (await t.ec2.send(new DescribeInstancesCommand({ Filters }))).Reservations;
  };

  expect(await refusal(t.ec2.send(new DescribeInstancesCommand({ InstanceIds })))).toBe('InvalidInstanceID.NotFound');
  expect(await refusal(t.ec2.send(new TerminateInstancesCommand({ InstanceIds })))).toBe('InvalidInstanceID.NotFound');
  expect((await t.ec2.send(new DescribeInstancesCommand({}))).Reservations).toEqual([]);
  await t.clock.advance(1_500);
  expect((await seen(t, InstanceIds[0]!)).Tags).toEqual([]);
  expect(await byTag()).toEqual([]);
  await t.clock.advance(1_500);
  expect((await seen(t, InstanceIds[0]!)).Tags).toEqual([{ Key: 'atrium:server', Value: 'ada' }]);
  expect(await byTag()).toHaveLength(1);
});

test('a volume is not found, and cannot be attached, right after it was created', async () => {
  await using t = await startTestSim();
  const [InstanceId] = await running(t);
  const { VolumeId } = await t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 8 }));
  const attach = () => t.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));

  expect(await refusal(t.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId!] })))).toBe(
    'InvalidVolume.NotFound',
  );
  expect(await refusal(attach())).toBe('InvalidVolume.NotFound');
  await t.clock.advance(1_500);
  expect((await attach()).State).toBe('attaching');
});

test('a fresh instance profile is refused for a while', async () => {
  await using t = await startTestSim();
  const iam = new IAMClient(clientSettings(t.sim));
  const InstanceProfileName = 'workers';
  await iam.send(new CreateRoleCommand({ RoleName: 'worker', AssumeRolePolicyDocument: TRUST }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: 'worker' }));
  const launch = () => t.ec2.send(launchOf(t.sim, { IamInstanceProfile: { Name: InstanceProfileName } }));

  const error = await launch().catch((caught: Error) => caught);
  expect(error).toMatchObject({
    name: 'InvalidParameterValue',
    message: expect.stringContaining('Invalid IAM Instance Profile name'),
  });
  await t.clock.advance(20_000);
  expect((await launch()).Instances![0]!.IamInstanceProfile!.Arn).toBe(
    'arn:aws:iam::123456789012:instance-profile/workers',
  );
});
