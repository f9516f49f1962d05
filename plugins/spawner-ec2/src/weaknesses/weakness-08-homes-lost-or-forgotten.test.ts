import { afterEach, expect, test } from 'vitest';
import { inventory } from '../maintain/index.ts';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: every boot made a file system, so a kept home could never be used again; home volumes outlived their
 * instances without labels, so they cost money and nobody could tell whose they were.
 */

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

const homes = () => [...rig.sim.world.volumes.values()].filter(({ tags }) => tags.get('atrium:role') === 'home');
const told = () => rig.agents.get(rig.living('s1')[0]!)!.answers.at(-1)!.home as { volume: string; fresh: boolean };

test('a file system is asked for once in the life of a home, however many machines it sees', async () => {
  rig = await startRig();
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const first = told();
  expect(first.fresh).toBe(true);
  await expect.poll(() => homes()[0]?.tags.get('atrium:fresh'), { timeout: 5_000 }).toBe('no');

  for (const terminated of [false, true, true]) {
    const [id] = rig.living('s1');
    await rig.hub.end('s1');
    if (terminated) rig.sim.byHand.terminate(id!);
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');
    expect(told()).toMatchObject({ volume: first.volume, fresh: false });
  }
  expect(homes()).toHaveLength(1);
}, 60_000);

test('a home whose row was lost is found again by its labels, and is not made a file system again', async () => {
  rig = await startRig();
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const { volume } = told();
  await expect.poll(() => homes()[0]?.tags.get('atrium:fresh'), { timeout: 5_000 }).toBe('no');
  await rig.hub.end('s1');
  for (const [key] of await rig.store.entries('')) await rig.store.delete(key);
  for (const { id } of rig.sim.world.instances.values()) rig.sim.byHand.terminate(id);
  rig.hub = await rig.open();

  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');

  expect(told()).toMatchObject({ volume, fresh: false });
});

test('every volume says whose it is, is encrypted, and a home outlives its machine while a root disk does not', async () => {
  rig = await startRig();
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const { volumes } = rig.sim.world;
  for (const { tags } of volumes.values()) {
    expect(tags.get('atrium:user')).toBe('ada');
    expect(tags.get('atrium:cluster-id')).toBe('cluster-1');
  }
  expect(homes().map(({ encrypted }) => encrypted)).toEqual([true]);
  const rows = await inventory(rig.hub.world);
  expect(JSON.stringify(rows)).toContain(homes()[0]!.id);

  const [id] = rig.living('s1');
  await rig.hub.end('s1');
  rig.sim.byHand.terminate(id!);
  await expect.poll(() => rig.sim.world.instances.get(id!)?.state, { timeout: 10_000 }).toBe('terminated');

  expect([...volumes.values()].map(({ tags }) => tags.get('atrium:role'))).toEqual(['home']);
});
