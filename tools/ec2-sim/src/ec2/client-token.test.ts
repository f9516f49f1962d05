import {
  CreateFleetCommand,
  CreateLaunchTemplateCommand,
  CreateNatGatewayCommand,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { launchOf, refusal, running, seen, someImage, startTestSim, subnetIn, tagging } from '../testing.ts';

const HOUR = 3_600_000;

test('the same token gives the same instances again, also after they were terminated', async () => {
  await using t = await startTestSim();
  const again = () => t.ec2.send(launchOf(t.sim, { ClientToken: 'one', MinCount: 2, MaxCount: 2 }));

  const first = (await again()).Instances!.map(({ InstanceId }) => InstanceId);
  expect((await again()).Instances!.map(({ InstanceId }) => InstanceId)).toEqual(first);
  await t.clock.advance(10_000);
  await t.ec2.send(new TerminateInstancesCommand({ InstanceIds: first as string[] }));
  await t.clock.advance(23 * HOUR);
  const last = (await again()).Instances!;

  expect(last.map(({ InstanceId, State }) => [InstanceId, State!.Name])).toEqual(first.map((id) => [id, 'terminated']));
  expect(t.sim.world.instances.size).toBe(0);
});

test('the same token with other parameters is refused', async () => {
  await using t = await startTestSim();

  await t.ec2.send(launchOf(t.sim, { ClientToken: 'one' }));

  expect(await refusal(t.ec2.send(launchOf(t.sim, { ClientToken: 'one', InstanceType: 't3.large' })))).toBe(
    'IdempotentParameterMismatch',
  );
  expect(t.sim.world.instances.size).toBe(1);
});

test('a launch that was refused uses its token up for nobody', async () => {
  await using t = await startTestSim();
  const open = t.sim.world.capacity.add({ available: 0 });

  expect(await refusal(t.ec2.send(launchOf(t.sim, { ClientToken: 'one' })))).toBe('InsufficientInstanceCapacity');
  open();
  const { Instances } = await t.ec2.send(launchOf(t.sim, { ClientToken: 'one' }));

  expect(Instances).toHaveLength(1);
});

test('two calls with one token at the same moment make one instance', async () => {
  await using t = await startTestSim();

  const made = await Promise.all(Array.from({ length: 5 }, () => t.ec2.send(launchOf(t.sim, { ClientToken: 'one' }))));

  expect(new Set(made.map(({ Instances }) => Instances![0]!.InstanceId)).size).toBe(1);
});

test('volumes, launch templates, fleets and NAT gateways know their tokens, too', async () => {
  await using t = await startTestSim();
  const volume = (Size: number) =>
    t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size, ClientToken: 'v' }));
  const template = (LaunchTemplateName: string) =>
    t.ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName,
        ClientToken: 't',
        LaunchTemplateData: { ImageId: someImage(t.sim), InstanceType: 't3.small' },
      }),
    );
  const nat = (SubnetId: string) =>
    t.ec2.send(new CreateNatGatewayCommand({ SubnetId, ConnectivityType: 'private', ClientToken: 'n' }));

  expect((await volume(8)).VolumeId).toBe((await volume(8)).VolumeId);
  expect(await refusal(volume(9))).toBe('IdempotentParameterMismatch');
  const { LaunchTemplate } = await template('workers');
  expect((await template('workers')).LaunchTemplate).toEqual(LaunchTemplate);
  expect(await refusal(template('others'))).toBe('IdempotentParameterMismatch');
  const a = subnetIn(t.sim, 'us-east-1a');
  expect((await nat(a)).NatGateway!.NatGatewayId).toBe((await nat(a)).NatGateway!.NatGatewayId);
  expect(await refusal(nat(subnetIn(t.sim, 'us-east-1b')))).toBe('IdempotentParameterMismatch');
  const fleet = (TotalTargetCapacity: number) =>
    t.ec2.send(
      new CreateFleetCommand({
        Type: 'instant',
        ClientToken: 'f',
        LaunchTemplateConfigs: [
          { LaunchTemplateSpecification: { LaunchTemplateId: LaunchTemplate!.LaunchTemplateId, Version: '1' } },
        ],
        TargetCapacitySpecification: { TotalTargetCapacity, DefaultTargetCapacityType: 'on-demand' },
      }),
    );
  expect((await fleet(2)).FleetId).toBe((await fleet(2)).FleetId);
  expect(await refusal(fleet(3))).toBe('IdempotentParameterMismatch');
  expect(t.sim.world.instances.size).toBe(2);
  expect(t.sim.violations).toEqual([]);
});

test('an instance can be found by the token it was launched with', async () => {
  await using t = await startTestSim();

  const [id] = await running(t, { ClientToken: 'one', TagSpecifications: [tagging('instance', { a: 'b' })] });
  await running(t, { ClientToken: 'two' });

  const { Reservations } = await t.ec2.send(
    new DescribeInstancesCommand({ Filters: [{ Name: 'client-token', Values: ['one'] }] }),
  );
  expect(Reservations!.flatMap(({ Instances }) => Instances!.map(({ InstanceId }) => InstanceId))).toEqual([id]);
  expect((await seen(t, id)).ClientToken).toBe('one');
});
