import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { clientFor, launchOf, running, startTestSim, type TestSim } from '../testing.ts';

/** How many of so many calls at once get through. */
async function through(count: number, call: () => Promise<unknown>): Promise<number> {
  const answers = await Promise.allSettled(Array.from({ length: count }, call));
  for (const answer of answers) {
    if (answer.status === 'fulfilled') continue;
    expect(answer.reason).toMatchObject({ name: 'RequestLimitExceeded', $metadata: { httpStatusCode: 503 } });
  }
  return answers.filter(({ status }) => status === 'fulfilled').length;
}

const describe = (t: TestSim, narrowed: boolean) => () =>
  t.ec2.send(new DescribeInstancesCommand(narrowed ? { MaxResults: 5 } : {}));

test('a describe has 100 tokens and 20 a second, half of both without filter and pages', async () => {
  await using t = await startTestSim();

  expect(await through(110, describe(t, true))).toBe(100);
  expect(await through(60, describe(t, false))).toBe(50);
  await t.clock.advance(1_000);
  expect(await through(30, describe(t, true))).toBe(20);
  expect(await through(20, describe(t, false))).toBe(10);
  await t.clock.advance(60_000);

  expect(await through(110, describe(t, true))).toBe(100);
});

test('a change has 50 tokens and 5 a second, tags twice that; each action has its own', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  const start = () => t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  const tag = () => t.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'a', Value: 'b' }] }));

  expect(await through(55, start)).toBe(50);
  expect(await through(105, tag)).toBe(100);
  await t.clock.advance(1_000);

  expect(await through(10, start)).toBe(5);
  expect(await through(15, tag)).toBe(10);
});

test('launches and starts spend a second bucket: one token for each instance, two a second', async () => {
  await using t = await startTestSim();
  const launch = (count: number) => () => t.ec2.send(launchOf(t.sim, { MinCount: count, MaxCount: count }));

  expect(await through(3, launch(400))).toBe(2);
  expect(await through(3, launch(100))).toBe(2);
  expect(await through(1, launch(1))).toBe(0);
  await t.clock.advance(5_000);
  expect(await through(1, launch(11))).toBe(0);
  expect(await through(1, launch(10))).toBe(1);
  const ids = [...t.sim.world.instances.keys()];
  const start = (from: number, to: number) => () =>
    t.ec2.send(new StartInstancesCommand({ InstanceIds: ids.slice(from, to) }));

  expect(await through(1, start(0, 1000))).toBe(1);
  expect(await through(1, start(0, 1))).toBe(0);
});

test('stops and terminations come back faster: twenty a second', async () => {
  await using t = await startTestSim();
  const ids = await running(t, {}, 1000);
  const stop = (count: number) => () => t.ec2.send(new StopInstancesCommand({ InstanceIds: ids.slice(0, count) }));
  const terminate = (count: number) => () =>
    t.ec2.send(new TerminateInstancesCommand({ InstanceIds: ids.slice(0, count) }));

  expect(await through(1, stop(1000))).toBe(1);
  expect(await through(1, stop(1))).toBe(0);
  await t.clock.advance(2_000);
  expect(await through(1, stop(40))).toBe(1);
  expect(await through(1, terminate(1000))).toBe(1);
  expect(await through(1, terminate(1))).toBe(0);
});

test('the buckets are of the account: callers share them', async () => {
  await using t = await startTestSim();
  const other = clientFor(t.sim, 'other');

  expect(await through(100, describe(t, true))).toBe(100);
  expect(await through(1, () => other.send(new DescribeInstancesCommand({ MaxResults: 5 })))).toBe(0);
  expect(t.sim.calls.count({ caller: 'other', code: 'RequestLimitExceeded' })).toBe(1);
  other.destroy();
});

test('buckets can be left out', async () => {
  await using t = await startTestSim({ buckets: false });

  expect(await through(130, describe(t, true))).toBe(130);
});
