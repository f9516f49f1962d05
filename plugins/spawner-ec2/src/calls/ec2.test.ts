import { afterEach, beforeEach, expect, test } from 'vitest';
import { Ec2Fault } from '../errors.ts';
import { type Rig, startRig } from '../testing/rig.ts';

/* The calls against a region that throttles, loses answers and refuses. */

let rig: Rig;
afterEach(async () => {
  expect(rig.sim.violations).toEqual([]);
  await rig[Symbol.asyncDispose]();
});
beforeEach(async () => {
  rig = await startRig({ silent: true });
});

/** Stopped machines of ours, as after a lesson. */
async function stopped(count: number): Promise<string[]> {
  const { ec2, cluster } = rig.hub.world;
  const made = await ec2.runInstances({
    token: `test-${count}`,
    count,
    type: 't3.medium',
    subnetId: rig.config.subnets[0]!.id,
    market: 'on-demand',
    imageId: [...rig.sim.world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id,
    securityGroups: rig.config.securityGroups,
    hibernate: false,
    tags: { 'atrium:cluster-id': cluster.id, 'atrium:role': 'worker' },
  });
  const ids = made.map(({ id }) => id);
  await expect.poll(() => ids.every((id) => stateOf(id) === 'running'), { timeout: 10_000 }).toBe(true);
  for (const id of ids) rig.sim.byHand.stop(id);
  await expect.poll(() => ids.every((id) => stateOf(id) === 'stopped'), { timeout: 10_000 }).toBe(true);
  return ids;
}
const stateOf = (id: string) => rig.sim.world.instances.get(id)?.state;

test('starts at one moment are one call', async () => {
  const ids = await stopped(10);

  await Promise.all(ids.map((id) => rig.hub.world.ec2.startInstance(id)));

  expect(rig.sim.calls.all('StartInstances').map(({ params }) => (params.InstanceIds as string[]).length)).toEqual([
    10,
  ]);
});

test('an id that EC2 does not know does not keep the others of its call from starting', async () => {
  const ids = await stopped(7);
  const unknown = 'i-00000000000000bad';

  const outcomes = await Promise.allSettled([...ids, unknown].map((id) => rig.hub.world.ec2.startInstance(id)));

  expect(outcomes.map(({ status }) => status)).toEqual([...ids.map(() => 'fulfilled'), 'rejected']);
  expect((outcomes.at(-1) as PromiseRejectedResult).reason).toMatchObject({ code: 'InvalidInstanceID.NotFound' });
  expect(ids.map(stateOf).every((state) => state === 'pending' || state === 'running')).toBe(true);
});

test('one that is in the wrong state does not either', async () => {
  const ids = await stopped(4);
  rig.sim.byHand.terminate(ids[1]!);

  const outcomes = await Promise.allSettled(ids.map((id) => rig.hub.world.ec2.startInstance(id)));

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({ class: 'state' });
});

test('throttling is waited out, with the very same call', async () => {
  const [id] = await stopped(1);
  const throttled = rig.sim.faults.add({ action: 'StartInstances', code: 'RequestLimitExceeded', times: 3 });

  await rig.hub.world.ec2.startInstance(id!);

  expect(throttled.hits).toBe(3);
  const at = rig.sim.calls.all('StartInstances').map((call) => call.at);
  expect(at).toHaveLength(4);
});

test('throttling without an end is told as such, after four tries', async () => {
  const [id] = await stopped(1);
  const throttled = rig.sim.faults.add({ action: 'StartInstances', code: 'RequestLimitExceeded', times: 100 });

  await expect(rig.hub.world.ec2.startInstance(id!)).rejects.toMatchObject({ class: 'throttle', retryable: true });

  expect(throttled.hits).toBe(4);
});

test('launches are not repeated by the call itself: who launches decides with which token', async () => {
  rig.sim.faults.add({ action: 'RunInstances', code: 'InternalError', times: 1 });

  await expect(stopped(1)).rejects.toBeInstanceOf(Ec2Fault);

  expect(rig.sim.calls.all('RunInstances')).toHaveLength(1);
});

test('more calls at once than EC2 takes wait here, and none is refused there', async () => {
  const calls = Array.from({ length: 120 }, () =>
    rig.hub.world.ec2.createTags([[...rig.sim.world.subnets.keys()][0]!], { a: 'b' }),
  );

  await Promise.all(calls);

  expect(rig.sim.calls.all({ code: 'RequestLimitExceeded' })).toEqual([]);
});
