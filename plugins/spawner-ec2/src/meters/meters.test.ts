import type { Json, Meter } from '@atrium/sdk';
import { afterEach, expect, test } from 'vitest';
import { ensureHome } from '../homes/ensure-home.ts';
import { startTestWorld, type TestWorld } from '../homes/test-world.ts';
import { recordKey } from '../records.ts';
import { TAG } from '../tags.ts';
import { meters } from './index.ts';

const MINUTE_MS = 60_000;
let t: TestWorld;
afterEach(async () => {
  expect(t.sim.violations).toEqual([]);
  await t[Symbol.asyncDispose]();
});

const read = async (world: Awaited<ReturnType<TestWorld['hub']>>): Promise<Meter[]> =>
  t.run(Array.fromAsync(meters(world, t.io())));

const own = (instanceId: string, user: string, server = `s-${user}`) =>
  t.store.put(recordKey(server), {
    cluster: 'c0ffee00-0000-4000-8000-000000000001',
    server,
    instanceId,
    user,
    profile: 'small',
  } as Json);

test('a machine is counted from its start to the second it was stopped, at its price, for its owner', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machine = await t.run(t.machine(world));
  await own(machine.id, 'ada');

  const first = (await read(world)).find(({ kind }) => kind === 'compute');
  expect(first).toMatchObject({
    what: 't3.medium',
    perHour: 0.0416,
    user: 'ada',
    serverId: 's-ada',
    minimumMs: MINUTE_MS,
  });
  expect(first?.until).toBeUndefined();
  await t.clock.advance(30 * MINUTE_MS);
  t.sim.byHand.stop(machine.id);
  const stoppedAt = t.clock.now();
  await t.clock.advance(50_000);

  // Another hub, which never saw it run, ends what the first began; and says so for an hour.
  const other = await t.hub();
  const ended = (await read(other)).find(({ key }) => key === first?.key);
  expect(ended?.since).toBe(first?.since);
  expect(Math.abs((ended?.until ?? 0) - stoppedAt)).toBeLessThan(2_000);
  await t.clock.advance(30 * MINUTE_MS);
  expect((await read(other)).find(({ key }) => key === first?.key)?.until).toBe(ended?.until);
  await t.clock.advance(60 * MINUTE_MS);
  await read(other);
  expect((await read(other)).some(({ kind }) => kind === 'compute')).toBe(false);
});

test('a machine that is started again is another stretch; the disk goes on all the while', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machine = await t.run(t.machine(world));
  const before = await read(world);
  t.sim.byHand.stop(machine.id);
  await t.clock.advance(10 * MINUTE_MS);
  await read(world);
  await t.run(world.ec2.startInstance(machine.id));
  await t.clock.advance(MINUTE_MS);

  const after = await read(world);

  const compute = after.filter(({ kind }) => kind === 'compute');
  expect(compute).toHaveLength(2);
  expect(compute.filter(({ until }) => until === undefined)).toHaveLength(1);
  const disks = (all: Meter[]) => all.filter(({ kind }) => kind === 'disk').map(({ key }) => key);
  expect(disks(after)).toEqual(disks(before));
  expect(disks(after)).toHaveLength(1);
});

test('a spare is nobody’s until somebody takes it, and a home is its owner’s at the price of its size', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const spare = await t.run(t.machine(world, { [TAG.role]: 'spare' }));
  const home = await t.until(async () => {
    const made = await ensureHome(world, { storage: 'home-ada', user: 'ada', zone: 'us-east-1a', sizeGb: 10 });
    return made.state === 'ready' && made;
  }, 'a home');
  await t.clock.advance(10 * MINUTE_MS);

  const idle = await read(world);
  const of = (all: Meter[], open = true) =>
    all.filter(({ kind, until }) => kind === 'compute' && (until === undefined) === open);
  expect(of(idle)[0]?.user).toBeUndefined();
  const disk = idle.find(({ key }) => key.startsWith(home.volumeId));
  expect(disk).toMatchObject({ kind: 'disk', what: '10 GB home', user: 'ada' });
  expect(disk?.perHour).toBeCloseTo(0.8 / 730, 6);

  await own(spare.id, 'ada');
  await t.clock.advance(MINUTE_MS);
  const taken = await read(world);
  expect(of(taken)[0]).toMatchObject({ user: 'ada', since: t.clock.now() });
  expect(of(taken, false)[0]?.until).toBe(t.clock.now());
  expect(of(taken, false)[0]?.user).toBeUndefined();
});

test('a price that nobody knows is unknown, and what the operator states wins', async () => {
  t = await startTestWorld({
    profiles: [{ id: 'small', title: 'Small', types: ['t3.medium'], image: { id: 'ami-00000001' }, price: 0.05 }],
  });
  const world = await t.hub();
  const machine = await t.run(t.machine(world, { [TAG.profile]: 'small' }));
  const seen = t.sim.world.instances.get(machine.id);

  expect((await read(world)).find(({ kind }) => kind === 'compute')?.perHour).toBe(0.05);
  if (seen) seen.tags.delete(TAG.profile);
  if (seen) seen.type = 'x2gd.metal';
  await t.clock.advance(MINUTE_MS);
  expect((await read(world)).find(({ what }) => what === 'x2gd.metal')?.perHour).toBeNull();
});

test('a disk that grew costs more from then on', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  await t.until(async () => {
    const made = await ensureHome(world, { storage: 'home-ada', user: 'ada', zone: 'us-east-1a', sizeGb: 10 });
    return made.state === 'ready' && made;
  }, 'a home');
  await t.clock.advance(10 * MINUTE_MS);
  const [before] = await read(world);
  const [volume] = t.sim.world.volumes.values();
  await t.run(world.ec2.modifyVolume(volume?.id ?? '', 20));
  await t.clock.advance(10 * MINUTE_MS);

  const after = await read(world);

  expect(after.find(({ key }) => key === before?.key)).toMatchObject({ what: '10 GB home', until: t.clock.now() });
  expect(after.find(({ until }) => until === undefined)).toMatchObject({ what: '20 GB home', since: t.clock.now() });
});
