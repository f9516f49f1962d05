import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { expect, test } from 'vitest';
import { clientFor, clientSettings, launchOf, refusal, running, startTestSim } from './testing.ts';

test('the work is done and the answer dropped: the same token finds what was made', async () => {
  await using t = await startTestSim();
  t.sim.faults.add({ action: 'RunInstances', dropResponse: true });
  const launch = () => t.ec2.send(launchOf(t.sim, { ClientToken: 'one' }));

  const lost = await launch().catch((error: NodeJS.ErrnoException) => error);
  expect(lost).toMatchObject({ code: 'ECONNRESET' });
  expect(t.sim.world.instances.size).toBe(1);
  const [id] = [...t.sim.world.instances.keys()];
  expect((await launch()).Instances![0]!.InstanceId).toBe(id);

  expect(t.sim.world.instances.size).toBe(1);
  expect(t.sim.calls.all('RunInstances').map(({ dropped, status }) => [dropped, status])).toEqual([
    [true, 200],
    [false, 200],
  ]);
});

test('the SDK by itself sends a call whose answer was lost again', async () => {
  await using t = await startTestSim();
  const patient = clientFor(t.sim, 'patient', 3);
  t.sim.faults.add({ action: 'RunInstances', dropResponse: true });

  const { Instances } = await patient.send(launchOf(t.sim));

  expect([...t.sim.world.instances.keys()]).toEqual([Instances![0]!.InstanceId]);
  expect(t.sim.calls.count('RunInstances')).toBe(2);
  patient.destroy();
});

test('an error is answered instead of the work, to the call that is meant and no other', async () => {
  await using t = await startTestSim();
  const [one, other] = await running(t, {}, 2);
  const stop = (id: string) => t.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  const line = t.sim.faults.add({
    action: 'StopInstances',
    match: { InstanceIds: one },
    nth: 2,
    times: 2,
    code: 'InternalError',
    message: 'An internal error has occurred',
  });

  await stop(one);
  await stop(other!);
  const error = await stop(one).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ name: 'InternalError', $metadata: { httpStatusCode: 500 } });
  expect(await refusal(stop(one))).toBe('InternalError');
  await stop(one);

  expect(line.hits).toBe(2);
});

test('a fault may depend on anything in the call and on who makes it', async () => {
  await using t = await startTestSim();
  const other = clientFor(t.sim, 'other');
  t.sim.faults.add({
    action: '*',
    match: (params, caller) => caller === 'other' && 'MaxResults' in params,
    times: Number.POSITIVE_INFINITY,
    code: 'RequestLimitExceeded',
  });

  await t.ec2.send(new DescribeInstancesCommand({ MaxResults: 5 }));
  await other.send(new DescribeInstancesCommand({}));
  const error = await other.send(new DescribeInstancesCommand({ MaxResults: 5 })).catch((caught: unknown) => caught);

  expect(error).toMatchObject({ name: 'RequestLimitExceeded', $metadata: { httpStatusCode: 503 } });
  other.destroy();
});

test('a delay holds a call back on the clock of the simulator, and not the calls beside it', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  t.sim.faults.add({ action: 'StopInstances', delayMs: 30_000 });
  let answered = false;

  const stopping = t.ec2.send(new StopInstancesCommand({ InstanceIds: [id] })).then(() => {
    answered = true;
  });
  await expect.poll(() => t.sim.calls.count('StopInstances'), { timeout: 5_000 }).toBe(1);
  await t.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'a', Value: 'b' }] }));
  await t.clock.advance(29_000);
  expect([answered, t.sim.world.instances.get(id)!.state]).toEqual([false, 'running']);
  await t.clock.advance(1_000);
  await stopping;

  expect(t.sim.world.instances.get(id)!.state).toBe('stopping');
});

test('other services fail by service and action; lines can be taken out', async () => {
  await using t = await startTestSim();
  const iam = new IAMClient(clientSettings(t.sim));
  const line = t.sim.faults.add({ action: 'iam:ListRoles', times: 9, code: 'ServiceFailure', status: 500 });

  expect(await refusal(iam.send(new ListRolesCommand({})))).toMatch(/ServiceFailure/);
  line.remove();
  await iam.send(new ListRolesCommand({}));
  t.sim.faults.add({ action: 'StartInstances', code: 'Unavailable' });
  t.sim.faults.clear();
  const [id] = await running(t);

  await t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
});
