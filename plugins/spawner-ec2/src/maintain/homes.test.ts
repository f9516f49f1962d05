import type { MaintainAction, MaintainIo, MaintainServer } from '@atrium/sdk';
import { type Doom, doomedAt } from '@atrium/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { attachHome } from '../homes/attach-home.ts';
import { ensureHome, homeMounted } from '../homes/ensure-home.ts';
import { homeKey, readHome } from '../homes/home-row.ts';
import { storageDoor } from '../homes/storage-door.ts';
import { DAY_MS, homesOf, serverRow, startTestWorld, type TestWorld, trackMachine } from '../homes/test-world.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { maintain } from './index.ts';

const MINUTE_MS = 60_000;
/** Every fourth call is enough for each day; 1 kills before each of them, which takes a minute. */
const KILL_EVERY = 4;
const STORAGE = 'home-ada';
const WANT = { storage: STORAGE, user: 'ada', zone: 'us-east-1a', sizeGb: 10 };
const TIERS = { homes: { tiers: { terminateAfterDays: null, archiveAfterDays: 90 } } };
let t: TestWorld;
afterEach(async () => {
  expect(t.sim.violations).toEqual([]);
  await t[Symbol.asyncDispose]();
});

const codes = (actions: readonly MaintainAction[]) => actions.map(({ code }) => code);
const copies = () => [...t.sim.world.snapshots.values()].filter(({ tags }) => tags.get(TAG.storage) === STORAGE);

async function round(world: Ec2World, servers: readonly MaintainServer[], more: Partial<MaintainIo> = {}) {
  const actions = await t.run(maintain(world, t.upkeep(servers, more)));
  await t.clock.advance(MINUTE_MS);
  return actions;
}

const ready = (world: Ec2World) =>
  t.until(async () => {
    const home = await ensureHome(world, WANT);
    return home.state === 'ready' && home;
  }, 'a home');

/** Ada's server as it is now: on, or stopped a moment ago. */
const ada = (phase: 'ready' | 'stopped' | 'starting', phaseAt = t.clock.now()): MaintainServer =>
  serverRow({ id: 's1', phase, desired: phase === 'stopped' ? 'stopped' : 'running', phaseAt, storage: STORAGE });

/** A session of Ada that has just ended: her home was mounted, the machine is gone. */
async function usedHome(world: Ec2World): Promise<string> {
  const { volumeId } = await ready(world);
  await t.run(homeMounted(world, STORAGE));
  await trackMachine(t, 's1', { id: 'i-gone', type: 't3.medium', zone: 'us-east-1a' }, { instanceId: null });
  await t.clock.advance(MINUTE_MS);
  return volumeId;
}

/** Rounds until one says this. */
async function roundsUntil(world: Ec2World, servers: readonly MaintainServer[], code: string): Promise<string[]> {
  const seen: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    seen.push(...codes(await round(world, servers)));
    if (seen.includes(code)) return seen;
  }
  throw new Error(`never ${code}: ${seen}`);
}

test('a home is copied when its session is over, once, and not again on the same day', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const volume = await usedHome(world);

  expect(codes(await round(world, [ada('ready')]))).not.toContain('snapshot_home');
  const stopped = [ada('stopped')];
  expect(codes(await round(world, stopped))).toEqual(['snapshot_home']);
  for (let minute = 0; minute < 5; minute += 1) expect(await round(world, stopped)).toEqual([]);
  expect(copies()).toHaveLength(1);
  expect(copies()[0]).toMatchObject({ volumeId: volume, state: 'completed' });
  expect(await readHome(t.store, STORAGE)).toMatchObject({ snapshotId: copies()[0]?.id, taking: null });

  await t.clock.advance(60 * MINUTE_MS);
  const again = [ada('stopped')];
  for (let minute = 0; minute < 5; minute += 1) expect(await round(world, again)).toEqual([]);
  await t.clock.advance(DAY_MS);
  expect(codes(await round(world, again))).toContain('snapshot_home');
  expect(copies()).toHaveLength(2);
  await t.clock.advance(3 * DAY_MS);
  // Not used since.
  expect(codes(await round(world, again))).not.toContain('snapshot_home');
});

test('two hubs at the same moment, and an answer that is lost, make one copy', async () => {
  t = await startTestWorld();
  const hubs = [await t.hub(), await t.hub()];
  await usedHome(hubs[0]!);
  const rows = [ada('stopped')];
  t.sim.faults.add({ action: 'CreateSnapshot', dropResponse: true });

  await t.run(Promise.all(hubs.map((world) => maintain(world, t.upkeep(rows)))));
  await t.clock.advance(MINUTE_MS);
  for (let n = 0; n < 3; n += 1) await round(hubs[n % 2]!, rows);

  expect(copies()).toHaveLength(1);
  expect(t.sim.calls.all('CreateSnapshot')).toHaveLength(1);
  expect(await readHome(t.store, STORAGE)).toMatchObject({ snapshotId: copies()[0]?.id, taking: null });
});

test('of daily copies over two months seven days and four weeks are kept', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  await usedHome(world);

  for (let day = 0; day < 60; day += 1) {
    const rows = [ada('stopped')];
    await round(world, rows);
    await round(world, rows);
    await t.clock.advance(DAY_MS);
  }
  await round(world, [ada('stopped', 0)]);

  const ages = copies().map(({ createdAt }) => Math.round((t.clock.now() - createdAt) / DAY_MS));
  expect(ages).toHaveLength(11);
  expect(ages.toSorted((a, b) => a - b).slice(0, 7)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(Math.max(...ages)).toBeGreaterThan(28);
  expect(Math.max(...ages)).toBeLessThan(45);
});

test('a home unused for three months becomes a snapshot, and comes back at the next start, which says so', async () => {
  t = await startTestWorld(TIERS);
  const world = await t.hub();
  const volume = await usedHome(world);
  const rows = [ada('stopped')];
  await roundsUntil(world, rows, 'snapshot_home');
  await t.clock.advance(89 * DAY_MS);
  expect(codes(await round(world, rows))).not.toContain('archive_home');
  await t.clock.advance(DAY_MS);

  expect(codes(await round(world, rows, { dryRun: true }))).toContain('archive_home');
  await roundsUntil(world, rows, 'home_archived');

  expect(homesOf(t.sim, STORAGE)).toEqual([]);
  const row = await readHome(t.store, STORAGE);
  expect(row).toMatchObject({ tier: 'archived', volumeId: null, trash: [] });
  // The newest copy is the home now: no rule deletes it.
  await t.clock.advance(400 * DAY_MS);
  await round(world, rows);
  expect(t.sim.world.snapshots.get(row?.snapshotId ?? '')?.state).toBe('completed');
  expect(await t.run(storageDoor(world).describe(STORAGE, t.io()))).toMatchObject({ tier: 'archived', sizeGb: 10 });

  const first = await t.run(ensureHome(world, WANT));
  expect(first).toMatchObject({ state: 'restoring' });
  expect('message' in first && first.message).toMatch(/some minutes/);
  const back = await ready(world);
  expect(back.fresh).toBe(false);
  expect(back.volumeId).not.toBe(volume);
  expect(t.sim.world.volumes.get(back.volumeId)?.snapshotId).toBe(row?.snapshotId);
});

test('an archive is made of a copy that was taken for it, never of one from within the last session', async () => {
  t = await startTestWorld({ homes: { ...TIERS.homes, snapshots: { daily: 0, weekly: 0 } } });
  const world = await t.hub();
  await usedHome(world);
  await t.run(storageDoor(world).snapshot!(STORAGE, t.io()));
  await t.clock.advance(MINUTE_MS);
  await round(world, [ada('ready')]);
  const asked = copies()[0]?.id;
  expect((await readHome(t.store, STORAGE))?.snapshotId).toBe(asked);
  const rows = [ada('stopped')];
  await t.clock.advance(91 * DAY_MS);

  await roundsUntil(world, rows, 'home_archived');

  expect(copies()).toHaveLength(2);
  expect((await readHome(t.store, STORAGE))?.snapshotId).not.toBe(asked);
});

test('somebody who comes back while the home is being archived keeps it', async () => {
  t = await startTestWorld(TIERS);
  const world = await t.hub();
  const volume = await usedHome(world);
  const rows = [ada('stopped')];
  await roundsUntil(world, rows, 'snapshot_home');
  await t.clock.advance(91 * DAY_MS);
  await roundsUntil(world, rows, 'archive_home');

  const home = await ready(world);
  for (let n = 0; n < 5; n += 1) await round(world, [ada('stopped', t.clock.now())]);

  expect(home.volumeId).toBe(volume);
  expect(homesOf(t.sim, STORAGE).map(({ id }) => id)).toEqual([volume]);
  expect(await readHome(t.store, STORAGE)).toMatchObject({ tier: 'disk', volumeId: volume });
});

test('a home without an owner, on a running machine, or never used stays a volume', async () => {
  t = await startTestWorld(TIERS);
  const world = await t.hub();
  const { volumeId } = await ready(world);
  const machine = await t.run(t.machine(world, { [TAG.server]: 's1' }, 'us-east-1a'));
  await t.until(
    async () => (await attachHome(world, { storage: STORAGE, volumeId, instanceId: machine.id })) === 'attached',
    'an attached home',
  );
  await t.clock.advance(100 * DAY_MS);

  for (let n = 0; n < 4; n += 1) await round(world, []);
  await trackMachine(t, 's1', machine);
  for (let n = 0; n < 4; n += 1) await round(world, [ada('ready', 0)]);

  expect(homesOf(t.sim, STORAGE).map(({ id }) => id)).toEqual([volumeId]);
  expect(copies()).toEqual([]);
});

test('volumes that no row names: a home is told and kept, a left copy goes after a day', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const { volumeId } = await ready(world);
  await t.store.delete(homeKey(STORAGE));
  const volume = t.sim.world.volumes.get(volumeId);
  await t.run(
    world.ec2.createVolume({
      token: 'left',
      zone: 'us-east-1a',
      sizeGb: 5,
      tags: { [TAG.clusterId]: world.cluster.id, [TAG.role]: 'restored', [TAG.storage]: STORAGE },
    }),
  );
  await t.clock.advance(MINUTE_MS);

  expect(codes(await round(world, []))).toEqual(['home_without_owner']);
  expect(await round(world, [])).toEqual([]);
  await t.clock.advance(DAY_MS + 10 * MINUTE_MS);
  expect(codes(await round(world, []))).toEqual(['home_without_owner', 'delete_copy']);

  expect([...t.sim.world.volumes.values()].filter(({ state }) => state !== 'deleting')).toEqual([volume]);
  // Its owner is there again: the home is found by its tags.
  expect(codes(await round(world, [ada('stopped')]))).toEqual(['recover_home']);
  expect(await readHome(t.store, STORAGE)).toMatchObject({ volumeId, sizeGb: 10, fresh: true });
});

test('a home whose making was never answered, for a start that was given up, gets its name in its row', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  // A list of disks in which it cannot be is no reason to wait until that is old.
  await round(world, [ada('stopped')]);
  t.sim.faults.add({ action: 'CreateVolume', dropResponse: true, times: 100 });
  await t.run(ensureHome(world, WANT).catch(() => undefined));
  t.sim.faults.clear();
  const [volume] = homesOf(t.sim, STORAGE);
  expect((await readHome(t.store, STORAGE))?.volumeId).toBeNull();

  const from = t.clock.now();
  const seen = await roundsUntil(world, [ada('stopped')], 'finish_home');

  expect(seen.filter((code) => code === 'finish_home')).toHaveLength(1);
  expect(t.clock.now() - from).toBeLessThan(5 * MINUTE_MS);
  expect((await readHome(t.store, STORAGE))?.volumeId).toBe(volume!.id);
  expect((await ready(world)).volumeId).toBe(volume!.id);
  expect(homesOf(t.sim, STORAGE)).toHaveLength(1);
});

test('a home that somebody deleted is told, with what will come back', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const volume = await usedHome(world);
  await roundsUntil(world, [ada('stopped')], 'snapshot_home');
  await round(world, [ada('stopped', 0)]);
  await t.clock.advance(10 * MINUTE_MS);
  t.sim.world.volumes.delete(volume);

  const seen: MaintainAction[] = [];
  for (let n = 0; n < 20; n += 1) seen.push(...(await round(world, [ada('stopped', 0)])));

  expect(seen).toMatchObject([{ code: 'home_missing', alert: true }]);
  expect(seen[0]?.message).toContain(copies()[0]?.id);
});

test('killed before calls of a copy and an archive, the next hub goes on: no home is ever without a volume or a copy', async () => {
  t = await startTestWorld(TIERS);
  const setUp = await t.hub();
  let kills = 0;
  for (let n = 1; ; n += KILL_EVERY) {
    await forgetAll();
    await usedHome(setUp);
    await t.clock.advance(91 * DAY_MS);
    const doom = doomedAt(n, 'before');
    const killed = await archiveWith(doom);
    if (!killed) break;
    kills += 1;
    const next = await t.hub();
    for (let rounds = 0; (await readHome(t.store, STORAGE))?.tier !== 'archived'; rounds += 1) {
      if (rounds > 12) throw new Error(`killed at ${n}: the home is not archived`);
      await round(next, [ada('stopped', 0)]);
      await isSafe(n);
    }
    await round(next, [ada('stopped', 0)]);
    expect(homesOf(t.sim, STORAGE), `killed at ${n}`).toEqual([]);
    expect(copies().length, `killed at ${n}`).toBeLessThanOrEqual(1);
  }
  expect(kills).toBeGreaterThan(10);
}, 240_000);

async function forgetAll(): Promise<void> {
  for (const [key] of await t.store.entries('')) await t.store.delete(key);
  t.sim.world.volumes.clear();
  t.sim.world.snapshots.clear();
  // EC2 would answer the first home's token with the first home.
  t.sim.world.clientTokens.clear();
}

/** A hub that archives until it is killed. @returns false when it came to the end */
async function archiveWith(doom: Doom): Promise<boolean> {
  const world = await t.hub(doom);
  const store = doom.guard(t.store);
  let dead = false;
  void doom.dead.then(() => {
    dead = true;
  });
  const life = (async () => {
    for (let rounds = 0; rounds < 12; rounds += 1) {
      await maintain(world, t.upkeep([ada('stopped', 0)], { store }));
      await t.clock.sleep(MINUTE_MS);
      if ((await readHome(t.store, STORAGE))?.tier === 'archived') return;
    }
  })();
  await t.run(Promise.race([life, doom.dead]), 1_000);
  if (dead) await t.clock.advance(MINUTE_MS);
  return dead;
}

async function isSafe(n: number): Promise<void> {
  const row = await readHome(t.store, STORAGE);
  const volume = homesOf(t.sim, STORAGE).length;
  const copy = copies().find(({ id, state }) => id === row?.snapshotId && state === 'completed');
  if (volume === 0 && !copy) throw new Error(`killed at ${n}: the home is lost`);
}
