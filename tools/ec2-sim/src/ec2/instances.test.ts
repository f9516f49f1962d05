import {
  DescribeInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, someImage, startTestSim } from '../testing.ts';

test('an instance is pending, running, stopping, stopped and terminated, and none of it at once', async () => {
  await using t = await startTestSim();
  const state = async () => {
    const { Reservations } = await t.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  };

  const run = await t.ec2.send(
    new RunInstancesCommand({ ImageId: someImage(t.sim), InstanceType: 't3.medium', MinCount: 1, MaxCount: 1 }),
  );
  const id = run.Instances![0]!.InstanceId!;
  expect(run.Instances![0]!.State).toEqual({ Code: 0, Name: 'pending' });
  expect(run.Instances![0]!.PrivateIpAddress).toMatch(/^127\.77\./);

  await t.clock.advance(2_000);
  expect(await state()).toBe('pending');
  await t.clock.advance(3_000);
  expect(await state()).toBe('running');

  await t.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  expect(await state()).toBe('stopping');
  expect(await refusal(t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] })))).toBe('IncorrectInstanceState');
  await t.clock.advance(15_000);
  expect(await state()).toBe('stopped');

  await t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  await t.clock.advance(5_000);
  expect(await state()).toBe('running');

  await t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  expect(await state()).toBe('shutting-down');
  await t.clock.advance(10_000);
  expect(await state()).toBe('terminated');
  expect(await refusal(t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] })))).toBe('IncorrectInstanceState');
  await t.clock.advance(3_600_000);
  expect(await refusal(t.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })))).toBe(
    'InvalidInstanceID.NotFound',
  );
  expect(t.sim.violations).toEqual([]);
});
