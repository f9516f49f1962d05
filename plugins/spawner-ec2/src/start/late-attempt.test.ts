import { expect, test } from 'vitest';
import { startRig } from '../testing/rig.ts';

test('an attempt that is repeated minutes later makes one machine, though EC2 denies it at first', async () => {
  await using rig = await startRig({ sim: { delays: { consistencyMs: 20_000 } } });
  const { hub } = rig;
  hub.begin('s1');
  const fault = rig.sim.faults.add({ action: 'RunInstances', code: 'InternalError', times: 1_000 });
  const failures = async () => {
    await hub.ensure('s1');
    return fault.hits;
  };
  await expect.poll(failures, { timeout: 20_000 }).toBeGreaterThan(0);
  const begun = rig.clock.now();
  await expect.poll(() => rig.clock.now() - begun, { timeout: 20_000 }).toBeGreaterThan(120_000);
  fault.remove();

  await hub.until('s1', 'running');

  expect(rig.living('s1')).toHaveLength(1);
  expect([...rig.sim.world.instances.values()].filter(({ tags }) => tags.get('atrium:server') === 's1')).toHaveLength(
    1,
  );
  expect(rig.sim.violations).toEqual([]);
});
