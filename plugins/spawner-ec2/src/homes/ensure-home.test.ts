import { expect, test } from 'vitest';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { attachHome } from './attach-home.ts';
import { ensureHome, homeMounted, homeZone } from './ensure-home.ts';
import { homeKey, readHome } from './home-row.ts';
import { homesOf, startTestWorld, type TestWorld } from './test-world.ts';

const ADA = { storage: 'home-ada', user: 'ada', zone: 'us-east-1b', sizeGb: 10 };

const ready = (t: TestWorld, world: Ec2World, want = ADA) =>
  t.until(async () => {
    const home = await ensureHome(world, want);
    return home.state === 'ready' && home;
  }, 'a home that is ready');

test('a new home is one encrypted gp3 volume with its tags, in the zone that was chosen, and costs no call afterwards', async () => {
  await using t = await startTestWorld();
  const world = await t.hub();

  const home = await ready(t, world);
  const mark = t.sim.calls.mark();
  const again = await t.run(ensureHome(world, { ...ADA, zone: 'us-east-1a', sizeGb: 99 }));

  expect(again).toEqual(home);
  expect(t.sim.calls.count({ since: mark })).toBe(0);
  const [volume, ...others] = homesOf(t.sim, 'home-ada');
  expect(others).toEqual([]);
  expect(volume).toMatchObject({ id: home.volumeId, zone: 'us-east-1b', sizeGb: 10, encrypted: true, type: 'gp3' });
  expect(Object.fromEntries(volume?.tags ?? [])).toMatchObject({
    [TAG.user]: 'ada',
    [TAG.fresh]: 'yes',
    [TAG.clusterId]: world.cluster.id,
  });
  expect(await homeZone(world, 'home-ada')).toBe('us-east-1b');
  expect(t.sim.violations).toEqual([]);
});

test('two hubs that make one home at the same moment make one volume', async () => {
  await using t = await startTestWorld();
  const hubs = await Promise.all([t.hub(), t.hub()]);

  const homes = await Promise.all(hubs.map((world) => ready(t, world)));

  expect(homes[0]?.volumeId).toBe(homes[1]?.volumeId);
  expect(t.sim.world.volumes.size).toBe(1);
});

test('a home that was decided on long before it could be made is made once, though EC2 denies it at first', async () => {
  await using t = await startTestWorld();
  const world = await t.hub();
  t.sim.faults.add({ action: 'CreateVolume', code: 'InvalidRequest' });
  await expect(t.run(ensureHome(world, ADA))).rejects.toThrow();
  await t.clock.advance(600_000);

  const home = await ready(t, world);

  expect(homesOf(t.sim, ADA.storage).map(({ id }) => id)).toEqual([home.volumeId]);
});

test('a home whose row was lost is found by its tags, fresh or not', async () => {
  await using t = await startTestWorld();
  const world = await t.hub();
  const home = await ready(t, world);
  await t.run(homeMounted(world, ADA.storage));
  await t.clock.advance(10_000);
  await t.store.delete(homeKey(ADA.storage));

  const found = await ready(t, world, { ...ADA, zone: 'us-east-1a' });

  expect(found).toEqual({ ...home, fresh: false });
  expect(t.sim.world.volumes.size).toBe(1);
});

test('a home is attached to its machine, and taken from a stopped one but never from a running one', async () => {
  await using t = await startTestWorld();
  const world = await t.hub();
  const { volumeId } = await ready(t, world);
  const first = await t.run(t.machine(world, {}, ADA.zone));
  const second = await t.run(t.machine(world, {}, ADA.zone));
  const attach = (instanceId: string) => attachHome(world, { storage: ADA.storage, volumeId, instanceId });

  await t.until(async () => (await attach(first.id)) === 'attached', 'the home on the first machine');
  await expect(t.run(attach(second.id))).rejects.toMatchObject({ fault: { code: 'home_in_use' } });
  await t.run(world.ec2.stopInstance(first.id, { hibernate: false, force: false }));
  await t.clock.advance(30_000);
  await t.until(async () => (await attach(second.id)) === 'attached', 'the home on the second machine');

  expect(t.sim.world.volumes.get(volumeId)?.attachment?.instanceId).toBe(second.id);
  expect(t.sim.violations).toEqual([]);
});

test('a volume that somebody deleted is replaced by an empty home after a minute, and never before', async () => {
  await using t = await startTestWorld();
  const world = await t.hub();
  const { volumeId } = await ready(t, world);
  const machine = await t.run(t.machine(world, {}, ADA.zone));
  t.sim.world.volumes.delete(volumeId);
  const attach = () => attachHome(world, { storage: ADA.storage, volumeId, instanceId: machine.id });

  await t.run(attach());
  await t.clock.advance(30_000);
  await t.run(attach());
  expect((await readHome(t.store, ADA.storage))?.volumeId).toBe(volumeId);
  await t.clock.advance(40_000);
  await t.run(attach());

  const next = await ready(t, world);
  expect(next).toMatchObject({ zone: 'us-east-1b', fresh: true });
  expect(next.volumeId).not.toBe(volumeId);
  expect((await readHome(t.store, ADA.storage))?.lost).toEqual([volumeId]);
});
