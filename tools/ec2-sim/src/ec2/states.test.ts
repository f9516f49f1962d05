import {
  DescribeInstanceStatusCommand,
  ModifyInstanceAttributeCommand,
  RebootInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, running, seen, startTestSim, type TestSim } from '../testing.ts';

const start = (t: TestSim, ...InstanceIds: string[]) => t.ec2.send(new StartInstancesCommand({ InstanceIds }));
const stop = (t: TestSim, ...InstanceIds: string[]) => t.ec2.send(new StopInstancesCommand({ InstanceIds }));
const STATES = 'IncorrectInstanceState';

test('a stopping, shutting-down or terminated instance cannot be started', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);

  await stop(t, id);
  expect(await refusal(start(t, id))).toBe(STATES);
  await t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  expect(await refusal(start(t, id))).toBe(STATES);
  await t.clock.advance(10_000);
  expect(await refusal(start(t, id))).toBe(STATES);
  expect(await refusal(stop(t, id))).toBe(STATES);
});

test('starting what runs and stopping what is stopped change nothing', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);

  expect((await start(t, id)).StartingInstances![0]).toMatchObject({
    PreviousState: { Name: 'running' },
    CurrentState: { Name: 'running' },
  });
  await stop(t, id);
  await t.clock.advance(15_000);
  const { StoppingInstances } = await stop(t, id);

  expect(StoppingInstances![0]).toMatchObject({
    PreviousState: { Name: 'stopped' },
    CurrentState: { Name: 'stopped' },
  });
});

test('one unknown id in a batch refuses the whole batch and names it', async () => {
  await using t = await startTestSim();
  const ids = await running(t, {}, 3);
  await stop(t, ...ids);
  await t.clock.advance(15_000);

  const error = await start(t, ...ids, 'i-0000000000000dead').catch((caught: Error) => caught);

  expect(error).toMatchObject({
    name: 'InvalidInstanceID.NotFound',
    message: expect.stringContaining('i-0000000000000dead'),
  });
  expect(await refusal(start(t, ids[0], 'nonsense'))).toBe('InvalidInstanceID.Malformed');
  for (const id of ids) expect((await seen(t, id)).State!.Name).toBe('stopped');
});

test('one instance in the wrong state refuses the whole batch', async () => {
  await using t = await startTestSim();
  const [one, other] = await running(t, {}, 2);
  await stop(t, one, other!);
  await t.clock.advance(15_000);
  await start(t, other!);
  await t.clock.advance(5_000);
  await stop(t, other!);

  expect(await refusal(start(t, one, other!))).toBe(STATES);
  expect((await seen(t, one)).State!.Name).toBe('stopped');
});

test('a forced stop of what is stopping already does not begin it anew', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  const force = () => t.ec2.send(new StopInstancesCommand({ InstanceIds: [id], Force: true }));
  await stop(t, id);

  for (let second = 0; second < 14; second++) {
    await t.clock.advance(1_000);
    await force();
  }
  expect((await seen(t, id)).State!.Name).toBe('stopping');
  await t.clock.advance(1_000);

  expect((await seen(t, id)).State!.Name).toBe('stopped');
});

test('a type can be changed only while the instance is stopped, and only to one that fits', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  const change = (Value: string) =>
    t.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, InstanceType: { Value } }));

  expect(await refusal(change('t3.large'))).toBe(STATES);
  await stop(t, id);
  expect(await refusal(change('t3.large'))).toBe(STATES);
  await t.clock.advance(15_000);
  expect(await refusal(change('t4g.large'))).toBe('InvalidParameterValue');
  expect(await refusal(change('t3.giant'))).toBe('InvalidInstanceAttributeValue');
  await change('t3.large');

  expect((await seen(t, id)).InstanceType).toBe('t3.large');
});

test('protection refuses stop and terminate until it is lifted', async () => {
  await using t = await startTestSim();
  const [id] = await running(t, { DisableApiStop: true, DisableApiTermination: true });
  const terminate = () => t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));

  expect(await refusal(stop(t, id))).toBe('OperationNotPermitted');
  expect(await refusal(terminate())).toBe('OperationNotPermitted');
  await t.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value: false } }));

  expect((await terminate()).TerminatingInstances![0]!.CurrentState!.Name).toBe('shutting-down');
});

test('a reboot leaves the instance running and cures a failed check; a stopped one cannot be rebooted', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  const status = async () =>
    (await t.ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [id] }))).InstanceStatuses![0]?.InstanceStatus
      ?.Status;
  const reboot = () => t.ec2.send(new RebootInstancesCommand({ InstanceIds: [id] }));

  expect(await status()).toBe('initializing');
  await t.clock.advance(120_000);
  expect(await status()).toBe('ok');
  t.sim.byHand.impair(id);
  expect(await status()).toBe('impaired');
  await reboot();
  expect((await seen(t, id)).State!.Name).toBe('running');
  await t.clock.advance(5_000);
  expect(await status()).toBe('ok');
  await stop(t, id);
  await t.clock.advance(15_000);

  expect(await refusal(reboot())).toBe(STATES);
  expect(await status()).toBeUndefined();
});

test('what somebody does by hand shows like what a call did', async () => {
  await using t = await startTestSim();
  const [one, other] = await running(t, {}, 2);

  t.sim.byHand.stop(one);
  t.sim.byHand.terminate(other!);
  await t.clock.advance(15_000);

  expect(await seen(t, one)).toMatchObject({
    State: { Name: 'stopped' },
    StateReason: { Code: 'Client.UserInitiatedShutdown' },
  });
  expect((await seen(t, one)).StateTransitionReason).toMatch(/^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$/);
  expect((await seen(t, other!)).State!.Name).toBe('terminated');
});
