import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from './testing/rig.ts';

let rig: Rig;
afterEach(async () => {
  expect(rig.sim.violations).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

test('a first start makes one instance and one home; a stop is confirmed; the next start resumes the same', async () => {
  rig = await startRig();
  const { hub } = rig;
  hub.begin('s1');

  const up = await hub.until('s1', 'running');

  expect(up.address).toMatchObject({ kind: 'tcp', port: rig.config.port });
  const [first] = rig.living('s1');
  expect(rig.living('s1')).toHaveLength(1);
  expect(rig.rows.get('s1')!.tokens).toHaveLength(1);
  const homes = [...rig.sim.world.volumes.values()].filter((one) => one.tags.get('atrium:role') === 'home');
  expect(homes).toHaveLength(1);

  await hub.end('s1');
  expect(rig.sim.world.instances.get(first!)!.state).toBe('stopped');
  expect(await Array.fromAsync(hub.spawner.list({ ...hub.world, signal: new AbortController().signal }))).toEqual([]);

  hub.begin('s1');
  await hub.until('s1', 'running');
  expect(rig.living('s1')).toEqual([first]);
  expect(rig.sim.calls.all('RunInstances')).toHaveLength(1);
  expect(homes).toHaveLength(1);
});
