import type { MaintainAction, MaintainIo, MaintainServer } from '@atrium/sdk';
import { doomedAt } from '@atrium/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { serverRow, startTestWorld, type TestWorld, trackMachine } from '../homes/test-world.ts';
import { maintain } from '../maintain/index.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { takeSpare } from './take-spare.ts';

const MINUTE_MS = 60_000;
const SPARES = (stopped: number, running = 0) => ({ spares: [{ profile: 'small', stopped, running }] });
let t: TestWorld;
afterEach(async () => {
  expect(t.sim.violations).toEqual([]);
  await t[Symbol.asyncDispose]();
});

async function round(world: Ec2World, more: Partial<MaintainIo> = {}, servers: readonly MaintainServer[] = []) {
  const actions: readonly MaintainAction[] = await t.run(maintain(world, t.upkeep(servers, more)));
  await t.clock.advance(MINUTE_MS);
  return actions.map(({ code }) => code);
}

/** States of all machines that are not terminated. */
const states = () =>
  [...t.sim.world.instances.values()]
    .map(({ state }) => state)
    .filter((state) => state !== 'terminated' && state !== 'shutting-down')
    .toSorted();
const spares = () =>
  [...t.sim.world.instances.values()].filter(
    ({ tags, state }) => tags.get(TAG.role) === 'spare' && state !== 'terminated' && state !== 'shutting-down',
  );

const want = (server: string, more: { zone?: string; profile?: string } = {}) => ({
  profile: 'small',
  serverId: server,
  generation: 1,
  user: `user-${server}`,
  storage: `home-${server}`,
  ...more,
});

test('stopped spares are launched together, booted once, stopped, and spread over the zones', async () => {
  t = await startTestWorld(SPARES(4));
  const world = await t.hub();

  expect(await round(world, { dryRun: true })).toEqual(['launch_spares', 'launch_spares']);
  expect(states()).toEqual([]);
  expect(await round(world)).toEqual(['launch_spares', 'launch_spares']);
  expect(states()).toEqual(['running', 'running', 'running', 'running']);
  for (let n = 0; n < 4; n += 1) await round(world);

  expect(states()).toEqual(['stopped', 'stopped', 'stopped', 'stopped']);
  expect(t.sim.calls.all('RunInstances')).toHaveLength(2);
  expect(
    spares()
      .map(({ zone }) => zone)
      .toSorted(),
  ).toEqual(['us-east-1a', 'us-east-1a', 'us-east-1b', 'us-east-1b']);
  expect(await round(world)).toEqual([]);
});

test('the calendar’s spares run from before the lesson to its end, and stopped ones are started for it first', async () => {
  t = await startTestWorld(SPARES(2));
  const world = await t.hub();
  for (let n = 0; n < 6; n += 1) await round(world);
  expect(states()).toEqual(['stopped', 'stopped']);
  await t.clock.advance(10 * MINUTE_MS);

  const lesson = { wantedSpares: { small: 3 } };
  for (let n = 0; n < 8; n += 1) await round(world, lesson);
  expect(states().filter((state) => state === 'running')).toHaveLength(3);
  expect(states()).toHaveLength(5);
  await t.clock.advance(10 * MINUTE_MS);
  for (let n = 0; n < 8; n += 1) await round(world);

  expect(states()).toEqual(['stopped', 'stopped']);
});

test('each of many who come at once gets a machine of their own, in the zone of their home, the running ones first', async () => {
  t = await startTestWorld(SPARES(2, 2));
  const world = await t.hub();
  for (let n = 0; n < 6; n += 1) await round(world);
  expect(states()).toEqual(['running', 'running', 'stopped', 'stopped']);
  const hubs = [world, await t.hub()];
  await t.clock.advance(MINUTE_MS);

  const first = await t.run(takeSpare(world, want('s0')));
  expect(first?.state).toBe('running');
  const taken = await t.run(Promise.all([1, 2, 3, 4, 5].map((n) => takeSpare(hubs[n % 2]!, want(`s${n}`)))));

  const ids = [first, ...taken].flatMap((one) => (one ? [one.id] : []));
  expect(ids).toHaveLength(4);
  expect(new Set(ids).size).toBe(4);
  const tags = t.sim.world.instances.get(first?.id ?? '')?.tags;
  expect(tags?.get(TAG.role)).toBe('worker');
  expect(tags?.get(TAG.server)).toBe('s0');
  expect(tags?.get(TAG.user)).toBe('user-s0');
  expect(await t.run(takeSpare(world, want('s9', { profile: 'large' })))).toBeUndefined();
});

test('a home’s zone is kept to; who asks again gets the same machine; a hub that was cut off leaves none behind', async () => {
  t = await startTestWorld(SPARES(0, 2));
  const world = await t.hub();
  for (let n = 0; n < 3; n += 1) await round(world);

  const mine = await t.run(takeSpare(world, want('s1', { zone: 'us-east-1b' })));
  expect(mine?.zone).toBe('us-east-1b');
  expect((await t.run(takeSpare(world, want('s1', { zone: 'us-east-1b' }))))?.id).toBe(mine?.id);
  expect(await t.run(takeSpare(world, want('s2', { zone: 'us-east-1b' })))).toBeUndefined();
  const other = await t.run(takeSpare(world, want('s2')));
  // s1 has it in a record; whoever took the other was never heard of again.
  await trackMachine(t, 's1', mine!);
  const rows = [
    serverRow({ id: 's1', phase: 'ready', desired: 'running', phaseAt: t.clock.now() }),
    serverRow({ id: 's2' }),
  ];
  for (let n = 0; n < 14; n += 1) await round(world, {}, rows);

  expect(t.sim.world.instances.get(mine?.id ?? '')?.state).toBe('running');
  expect(['shutting-down', 'terminated']).toContain(t.sim.world.instances.get(other?.id ?? '')?.state);
  expect(await t.store.get(`spare/${mine?.id}`)).toBeUndefined();
  expect(spares()).toHaveLength(2);
});

test('spares of an image that has a successor, of a kind no longer offered, or too many are removed; a dead one is replaced', async () => {
  t = await startTestWorld(SPARES(0, 2));
  const world = await t.hub();
  for (let n = 0; n < 3; n += 1) await round(world);
  const [old, dead] = spares();
  old!.imageId = 'ami-00000000000000000';
  await t.clock.advance(MINUTE_MS);
  t.sim.byHand.terminate(dead!.id);
  await t.clock.advance(2 * MINUTE_MS);
  for (let n = 0; n < 4; n += 1) await round(world);

  expect(spares()).toHaveLength(2);
  expect(spares().map(({ id }) => id)).not.toContain(old!.id);
  const fewer: Ec2World = { ...world, config: { ...world.config, spares: [] } };
  await round(fewer);
  await round(fewer);
  expect(spares()).toEqual([]);
});

test('no machine of a type free, or a quota, keeps nothing else from being done and is told', async () => {
  t = await startTestWorld(SPARES(2), { quotas: { 'L-1216C47A': 0 } });
  const world = await t.hub();
  const said = await t.run(maintain(world, t.upkeep([])));

  expect(said.find(({ code }) => code === 'launch_spares_refused')).toMatchObject({ alert: true });
  expect(await t.store.entries('spares/')).toEqual([]);
  expect(states()).toEqual([]);
});

test('two hubs at once, lost answers and kills before any call: never more machines than are wanted', async () => {
  t = await startTestWorld(SPARES(0, 3));
  const hubs = [await t.hub(), await t.hub()];
  t.sim.faults.add({ action: 'RunInstances', dropResponse: true });
  await t.run(Promise.all(hubs.map((world) => maintain(world, t.upkeep([])))));
  await t.clock.advance(MINUTE_MS);
  for (let n = 0; n < 3; n += 1) await round(hubs[n % 2]!);
  expect(states()).toEqual(['running', 'running', 'running']);

  let kills = 0;
  for (let n = 1; ; n += 3) {
    for (const { id } of spares()) t.sim.byHand.terminate(id);
    await t.clock.advance(3 * MINUTE_MS);
    for (const [key] of await t.store.entries('')) await t.store.delete(key);
    const doom = doomedAt(n, 'before');
    const world = await t.hub(doom);
    const life = (async () => {
      for (let rounds = 0; rounds < 2; rounds += 1) {
        await maintain(world, t.upkeep([], { store: doom.guard(t.store) }));
        await t.clock.sleep(MINUTE_MS);
      }
      return true;
    })();
    const ended = await t.run(Promise.race([life, doom.dead.then(() => false)]), 1_000);
    if (ended) break;
    kills += 1;
    await t.clock.advance(MINUTE_MS);
    const next = await t.hub();
    for (let rounds = 0; rounds < 4; rounds += 1) await round(next);
    expect(states(), `killed at ${n}`).toEqual(['running', 'running', 'running']);
  }
  expect(kills).toBeGreaterThan(10);
}, 120_000);
