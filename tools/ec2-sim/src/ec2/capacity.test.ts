import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { clientFor, launchOf, refusal, running, seen, startTestSim, subnetIn } from '../testing.ts';

const NONE = 'InsufficientInstanceCapacity';

test('capacity is of a type in a zone on a market, and its lack is an HTTP 500', async () => {
  await using t = await startTestSim({
    capacity: [
      { type: 't3.medium', zone: 'us-east-1a', available: 0 },
      { market: 'spot', available: 0 },
    ],
  });
  const a = { SubnetId: subnetIn(t.sim, 'us-east-1a') };
  const b = { SubnetId: subnetIn(t.sim, 'us-east-1b') };

  const error = await t.ec2.send(launchOf(t.sim, a)).catch((caught: unknown) => caught);

  expect(error).toMatchObject({ name: NONE, $metadata: { httpStatusCode: 500 } });
  await t.ec2.send(launchOf(t.sim, b));
  await t.ec2.send(launchOf(t.sim, { ...a, InstanceType: 't3.large' }));
  const spot = { ...b, InstanceMarketOptions: { MarketType: 'spot' as const } };
  expect(await refusal(t.ec2.send(launchOf(t.sim, spot)))).toBe(NONE);
  expect(t.sim.world.instances.size).toBe(2);
});

test('the SDK by itself tries a lack of capacity again, as it does with every 500', async () => {
  await using t = await startTestSim({ capacity: [{ available: 0 }] });
  const patient = clientFor(t.sim, 'patient', 3);

  expect(await refusal(patient.send(launchOf(t.sim)))).toBe(NONE);

  expect(t.sim.calls.count({ caller: 'patient', code: NONE })).toBe(3);
  patient.destroy();
});

test('what is left is used up by launches and starts alike', async () => {
  await using t = await startTestSim({ capacity: [{ type: 't3.medium', available: 2 }] });
  const [id] = await running(t);
  await t.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  await t.clock.advance(15_000);
  const start = () => t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));

  await running(t);
  expect(await refusal(start())).toBe(NONE);
  expect((await seen(t, id)).State!.Name).toBe('stopped');
  const undo = t.sim.world.capacity.add({ type: 't3.medium', available: 1 });
  await start();
  undo();

  expect((await seen(t, id)).State!.Name).toBe('pending');
});

test('an instance may be accepted and end right after pending, with the reason', async () => {
  await using t = await startTestSim({ capacity: [{ afterPending: 'Server.InsufficientInstanceCapacity' }] });

  const [id] = await running(t);

  expect(await seen(t, id)).toMatchObject({
    State: { Name: 'terminated' },
    StateReason: { Code: 'Server.InsufficientInstanceCapacity' },
  });
  expect(t.sim.world.volumes.size).toBe(0);
  expect(t.sim.world.meter.costs().byKind.instance).toBe(0);
});

test('a stopped instance whose start ends right after pending is stopped again', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  await t.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  await t.clock.advance(15_000);

  t.sim.world.capacity.add({ afterPending: 'Client.InternalError' });
  await t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  await t.clock.advance(5_000);

  expect(await seen(t, id)).toMatchObject({
    State: { Name: 'stopped' },
    StateReason: { Code: 'Client.InternalError' },
  });
});
