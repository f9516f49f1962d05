import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: a machine that was still stopping was "started" once a second for two minutes, each call refused; whether a
 * stop had worked was never looked at, so a stop that failed went on costing money in silence.
 */

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

test('a start that finds the machine stopping waits for it: one call, which is not refused', async () => {
  rig = await startRig({ sim: { delays: { stoppingMs: 90_000 } } });
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  rig.rows.get('s1')!.phase = 'stopping';
  await rig.hub.stop('s1');
  rig.hub.begin('s1');

  await rig.hub.until('s1', 'running');

  expect(rig.sim.calls.all('StartInstances').map(({ code }) => code ?? 'done')).toEqual(['done']);
  expect(rig.sim.calls.count('RunInstances')).toBe(1);
});

test('a machine that is shutting down for good is not waited for', async () => {
  rig = await startRig({ sim: { delays: { terminatingMs: 600_000 } } });
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const [id] = rig.living('s1');
  await rig.hub.end('s1');
  rig.sim.byHand.terminate(id!);
  // What was seen a moment ago is believed for less than a second.
  await rig.clock.sleep(2_000);
  // The home comes free when its machine is gone; AWS holds it no longer than that.
  rig.sim.byHand.detach([...rig.sim.world.volumes.values()].find(({ tags }) => tags.get('atrium:role') === 'home')!.id);

  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');

  expect(rig.sim.world.instances.get(id!)!.state).toBe('shutting-down');
  expect(rig.sim.calls.all('StartInstances')).toEqual([]);
});

test('a stop that AWS refuses is not taken for done: it is asked for again, and the log says why', async () => {
  rig = await startRig();
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const [id] = rig.living('s1');
  const refusal = rig.sim.faults.add({ action: 'StopInstances', code: 'OperationNotPermitted', times: 5 });

  for (let n = 0; n < 3; n += 1) expect((await rig.hub.stop('s1')).phase).toBe('stopping');
  expect(rig.sim.world.instances.get(id!)!.state).toBe('running');
  expect(rig.log.lines.some(({ facts }) => JSON.stringify(facts).includes('OperationNotPermitted'))).toBe(true);
  refusal.remove();

  await rig.hub.end('s1');
  expect(rig.sim.world.instances.get(id!)!.state).toBe('stopped');
});
