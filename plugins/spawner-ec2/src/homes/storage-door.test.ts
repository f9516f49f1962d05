import { doomedAt } from '@atrium/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { maintain } from '../maintain/index.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { attachHome } from './attach-home.ts';
import { destroyHome } from './destroy-home.ts';
import { ensureHome, homeMounted } from './ensure-home.ts';
import { readHome } from './home-row.ts';
import { homeTaskDone, homeTasks } from './restore.ts';
import { storageDoor } from './storage-door.ts';
import { homesOf, startTestWorld, type TestWorld } from './test-world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const STORAGE = 'home-ada';
const WANT = { storage: STORAGE, user: 'ada', zone: 'us-east-1a', sizeGb: 10 };
const DELETABLE = { homes: { deleteAllowed: true } };
let t: TestWorld;
afterEach(async () => {
  expect(t.sim.violations).toEqual([]);
  await t[Symbol.asyncDispose]();
});

const ready = (world: Ec2World, want = WANT) =>
  t.until(async () => {
    const home = await ensureHome(world, want);
    return home.state === 'ready' && home;
  }, 'a home');

/** The home on a machine that runs, mounted. */
async function inUse(world: Ec2World) {
  const { volumeId } = await ready(world);
  const machine = await t.run(t.machine(world, { [TAG.server]: 's1' }, WANT.zone));
  const wanted = { storage: STORAGE, volumeId, instanceId: machine.id };
  await t.until(async () => (await attachHome(world, wanted)) === 'attached', 'an attached home');
  await t.run(homeMounted(world, STORAGE));
  return { volumeId, instanceId: machine.id };
}

const copies = () => [...t.sim.world.snapshots.values()].filter(({ tags }) => tags.get(TAG.storage) === STORAGE);
const upkeep = async (world: Ec2World) => {
  await t.run(maintain(world, t.upkeep([])));
  await t.clock.advance(MINUTE_MS);
};
/** What the agent would be told with a heartbeat, until it is told something. */
const task = (world: Ec2World, instanceId: string) =>
  t.until(async () => (await homeTasks(world, { storage: STORAGE, instanceId }))[0], 'a task', 5_000);

test('the page’s facts: nothing before the first start, then size and price, and copies as they come', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const door = storageDoor(world);
  const describe = () => t.run(door.describe(STORAGE, t.io()));

  expect(await describe()).toEqual({ sizeGb: 0, tier: 'none', snapshots: [], perMonth: 0 });
  await expect(t.run(door.snapshot!(STORAGE, t.io()))).rejects.toMatchObject({ code: 'not_found' });
  await ready(world);
  expect(await describe()).toEqual({ sizeGb: 10, tier: 'disk', snapshots: [], perMonth: 0.8 });
  await t.run(door.snapshot!(STORAGE, t.io()));
  await t.clock.advance(5_000);
  expect(await describe()).toMatchObject({
    snapshots: [{ pending: true, sizeGb: 10 }],
    busy: 'A snapshot is being taken.',
  });
  await t.clock.advance(MINUTE_MS);
  await upkeep(world);
  const after = await describe();
  expect(after.busy).toBeUndefined();
  expect(after.snapshots).toEqual([{ id: copies()[0]?.id, at: copies()[0]?.createdAt, sizeGb: 10 }]);
});

test('a copy of a home in use is taken after its machine has written what it holds back, once', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const { instanceId } = await inUse(world);
  await t.run(storageDoor(world).snapshot!(STORAGE, t.io()));
  await t.run(storageDoor(world).snapshot!(STORAGE, t.io()));

  expect(copies()).toEqual([]);
  const flush = await task(world, instanceId);
  expect(flush.kind).toBe('flush');
  await t.run(homeTaskDone(world, { storage: STORAGE, id: flush.id, ok: true }));
  await t.run(homeTaskDone(world, { storage: STORAGE, id: flush.id, ok: true }));

  expect(copies()).toHaveLength(1);
  expect(await t.run(homeTasks(world, { storage: STORAGE, instanceId }))).toEqual([]);
});

test('a snapshot comes back in a folder of its day, beside the files of now; nobody gets somebody else’s', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const door = storageDoor(world);
  await ready(world);
  await t.run(door.snapshot!(STORAGE, t.io()));
  await ready(world, { ...WANT, storage: 'home-bob', user: 'bob' });
  await t.run(door.snapshot!('home-bob', t.io()));
  await t.clock.advance(2 * MINUTE_MS);
  const { volumeId, instanceId } = await inUse(world);
  const mine = copies()[0]!;
  const bobs = [...t.sim.world.snapshots.values()].find(({ tags }) => tags.get(TAG.storage) === 'home-bob')!;
  t.sim.faults.add({ action: 'CreateVolume', dropResponse: true });

  await expect(t.run(door.restore!(STORAGE, bobs.id, t.io()))).rejects.toMatchObject({ code: 'not_found' });
  await t.run(door.restore!(STORAGE, mine.id, t.io()));
  await t.run(door.restore!(STORAGE, mine.id, t.io()));
  const told = await task(world, instanceId);

  expect(told).toMatchObject({
    kind: 'restore',
    into: `restored-${new Date(mine.createdAt).toISOString().slice(0, 10)}`,
  });
  const copied = [...t.sim.world.volumes.values()].filter(({ tags }) => tags.get(TAG.role) === 'restored');
  expect(copied).toHaveLength(1);
  expect(copied[0]).toMatchObject({ snapshotId: mine.id, attachment: { instanceId } });
  expect((await t.run(door.describe(STORAGE, t.io()))).busy).toMatch(/being restored/);
  expect(await t.run(homeTaskDone(world, { storage: STORAGE, id: told.id, ok: true }))).toMatchObject({
    code: 'home_restored',
  });
  // The machine may be gone by then: upkeep clears up.
  for (let n = 0; n < 4; n += 1) await upkeep(world);
  expect(t.sim.world.volumes.get(copied[0]!.id)?.state ?? 'deleting').toBe('deleting');
  expect(homesOf(t.sim, STORAGE).map(({ id }) => id)).toEqual([volumeId]);
  expect((await readHome(t.store, STORAGE))?.restores).toEqual([]);
});

test('a home grows while it is used, once in some hours, within its limit, and never shrinks; an answer that is lost does no harm', async () => {
  t = await startTestWorld({ homes: { maxGb: 50, resizeCooldownHours: 6 } });
  const world = await t.hub();
  const { volumeId, instanceId } = await inUse(world);
  const resize = (sizeGb: number) => t.run(storageDoor(world).resize!(STORAGE, sizeGb, t.io()));

  await expect(resize(5)).rejects.toThrow(/only grow/);
  await expect(resize(51)).rejects.toThrow(/at most 50 GB/);
  await expect(resize(12.5)).rejects.toThrow(/whole number/);
  t.sim.faults.add({ action: 'ModifyVolume', dropResponse: true });
  await resize(20).catch(() => undefined);
  await resize(20);
  await t.clock.advance(5 * MINUTE_MS);
  const grow = await task(world, instanceId);
  expect(grow).toMatchObject({ kind: 'grow' });
  await t.run(homeTaskDone(world, { storage: STORAGE, id: grow.id, ok: true }));

  expect(t.sim.world.volumes.get(volumeId)?.sizeGb).toBe(20);
  expect(await t.run(homeTasks(world, { storage: STORAGE, instanceId }))).toEqual([]);
  await expect(resize(30)).rejects.toThrow(/once in some hours/);
  await t.clock.advance(7 * HOUR_MS);
  await resize(30);
  expect(await t.run(storageDoor(world).describe(STORAGE, t.io()))).toMatchObject({ sizeGb: 30 });
});

test('data is deleted only where the policy allows it, only on purpose, and never under a running machine', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const { volumeId, instanceId } = await inUse(world);
  await expect(t.run(destroyHome(world, STORAGE))).rejects.toThrow(/Nothing was deleted/);
  const allowed: Ec2World = {
    ...world,
    config: { ...world.config, homes: { ...world.config.homes, deleteAllowed: true } },
  };

  await t.clock.advance(MINUTE_MS);
  await expect(t.run(destroyHome(allowed, STORAGE))).rejects.toThrow(/in use/);
  expect(t.sim.world.volumes.get(volumeId)?.state).toBe('in-use');
  t.sim.byHand.stop(instanceId);
  await t.clock.advance(MINUTE_MS);
  await t.run(storageDoor(world).snapshot!(STORAGE, t.io()));
  await t.clock.advance(2 * MINUTE_MS);
  await upkeep(world);
  await t.run(destroyHome(allowed, STORAGE), 1_000);
  await t.clock.advance(MINUTE_MS);

  expect(homesOf(t.sim, STORAGE)).toEqual([]);
  expect(copies()).toEqual([]);
  expect(await readHome(t.store, STORAGE)).toMatchObject({ tier: 'none', trash: [] });
  const next = await ready(allowed);
  expect(next).toMatchObject({ fresh: true });
  expect(next.volumeId).not.toBe(volumeId);
});

test('a deletion that was cut off anywhere is ended by upkeep, and somebody else’s home is never part of it', async () => {
  t = await startTestWorld(DELETABLE);
  const setUp = await t.hub();
  await ready(setUp, { ...WANT, storage: 'home-bob', user: 'bob' });
  let kills = 0;
  for (let n = 1; ; n += 2) {
    const storage = `home-${n}`;
    await ready(setUp, { ...WANT, storage });
    await t.clock.advance(MINUTE_MS);
    const doom = doomedAt(n, 'before');
    const world = await t.hub(doom);
    const ended = await t.run(
      Promise.race([destroyHome(world, storage).then(() => true), doom.dead.then(() => false)]),
      1_000,
    );
    if (ended) break;
    kills += 1;
    const row = await readHome(t.store, storage);
    for (let rounds = 0; rounds < 3; rounds += 1) await upkeep(setUp);
    // Before the row says so, nothing has happened yet.
    expect(homesOf(t.sim, storage).length, `killed at ${n}`).toBe(row?.tier === 'none' ? 0 : 1);
  }
  expect(kills).toBeGreaterThan(3);
  expect(homesOf(t.sim, 'home-bob')).toHaveLength(1);
}, 60_000);

test('killed before any call, or without an answer, the making of a home makes one volume', async () => {
  t = await startTestWorld();
  const after = await t.hub();
  let kills = 0;
  for (let n = 1; ; n += 1) {
    const want = { ...WANT, storage: `home-${n}` };
    const doom = doomedAt(n, n % 2 === 0 ? 'before' : 'after');
    const world = await t.hub(doom);
    const life = (async () => {
      while ((await ensureHome(world, want)).state !== 'ready') await t.clock.sleep(1_000);
      return true;
    })();
    if (await t.run(Promise.race([life, doom.dead.then(() => false)]))) break;
    kills += 1;
    const home = await ready(after, want);
    expect(
      homesOf(t.sim, want.storage).map(({ id }) => id),
      `killed at ${n}`,
    ).toEqual([home.volumeId]);
    expect(home.fresh).toBe(true);
  }
  expect(kills).toBeGreaterThan(8);
}, 60_000);

test('a file system is made only while the disk was never mounted: not after a mount, not on one that came back', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const { volumeId } = await ready(world);
  expect(t.sim.world.volumes.get(volumeId)?.tags.get(TAG.fresh)).toBe('yes');
  // The tag is changed, then the answer is lost: it is done again.
  t.sim.faults.add({ action: 'CreateTags', dropResponse: true });
  await t.run(homeMounted(world, STORAGE));

  expect(t.sim.world.volumes.get(volumeId)?.tags.get(TAG.fresh)).toBe('no');
  expect((await ready(world)).fresh).toBe(false);
  await t.run(storageDoor(world).snapshot!(STORAGE, t.io()));
  await t.clock.advance(2 * MINUTE_MS);
  await upkeep(world);
  t.sim.world.volumes.delete(volumeId);
  const machine = await t.run(t.machine(world, { [TAG.server]: 's1' }, WANT.zone));
  const attach = () => attachHome(world, { storage: STORAGE, volumeId, instanceId: machine.id });
  await t.run(attach());
  await t.clock.advance(2 * MINUTE_MS);
  await t.run(attach());

  const back = await ready(world);
  expect(back).toMatchObject({ fresh: false });
  expect(t.sim.world.volumes.get(back.volumeId)).toMatchObject({ snapshotId: copies()[0]?.id });
  expect(t.sim.world.volumes.get(back.volumeId)?.tags.get(TAG.fresh)).toBe('no');
});
