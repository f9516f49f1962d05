import { DescribeInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { clientFor, launchOf, refusal, running, startTestSim } from './testing.ts';

test('every call is in the log: who, when, what, what came of it, and what it touched', async () => {
  await using t = await startTestSim({ capacity: [{ type: 't3.large', available: 0 }] });
  const hub = clientFor(t.sim, 'hub');
  const [id] = await running(t);
  const mark = t.sim.calls.mark();

  await hub.send(new DescribeInstancesCommand({ MaxResults: 5 }));
  await t.clock.advance(1_000);
  await hub.send(new StopInstancesCommand({ InstanceIds: [id], Force: true }));
  await refusal(hub.send(launchOf(t.sim, { InstanceType: 't3.large' })));

  expect(t.sim.calls.all({ since: mark })).toMatchObject([
    {
      caller: 'hub',
      service: 'ec2',
      action: 'DescribeInstances',
      params: { MaxResults: 5 },
      mutating: false,
      status: 200,
      authorization: [{ action: 'ec2:DescribeInstances', resource: '*' }],
    },
    {
      action: 'StopInstances',
      params: { InstanceIds: [id], Force: true },
      mutating: true,
      at: t.clock.now(),
      authorization: [{ action: 'ec2:StopInstances', context: { 'ec2:InstanceType': 't3.medium' } }],
    },
    { action: 'RunInstances', status: 500, code: 'InsufficientInstanceCapacity' },
  ]);
  hub.destroy();
});

test('calls are counted by action, caller, code and kind, also after the log was cleared', async () => {
  await using t = await startTestSim();
  const hub = clientFor(t.sim, 'hub');
  const [id] = await running(t);
  for (let n = 0; n < 3; n++) await hub.send(new DescribeInstancesCommand({}));
  await hub.send(new StopInstancesCommand({ InstanceIds: [id] }));
  const { calls } = t.sim;

  expect(calls.byAction()).toEqual({ DescribeInstances: 3, RunInstances: 1, StopInstances: 1 });
  expect(calls.byAction({ caller: 'hub', mutating: true })).toEqual({ StopInstances: 1 });
  expect([calls.count('DescribeInstances'), calls.count({ caller: 'test' })]).toEqual([3, 1]);
  const mark = calls.mark();
  calls.clear();
  await hub.send(new DescribeInstancesCommand({}));

  expect(calls.all({ since: mark }).map(({ index, action }) => [index, action])).toEqual([[mark, 'DescribeInstances']]);
  hub.destroy();
});
