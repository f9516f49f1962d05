import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: launches had no client token, so a time-out was tried again and paid twice; tags came in later calls, so a hub
 * that died in between left an instance that nobody could attribute; the row was written after the call.
 */

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

test('the answer of a launch is lost and the hub dies: the next one finds the one instance, and every call can be repeated', async () => {
  rig = await startRig();
  rig.sim.faults.add({ action: 'RunInstances', dropResponse: true, times: 2 });
  rig.hub.begin('s1');
  await rig.hub.ensure('s1');
  await rig.hub.ensure('s1');

  rig.hub = await rig.open();
  await rig.hub.until('s1', 'running');

  const launches = rig.sim.calls.all('RunInstances');
  expect(launches.length).toBeGreaterThan(1);
  expect(new Set(launches.map(({ params }) => params.ClientToken)).size).toBe(1);
  expect(rig.sim.world.instances.size).toBe(1);
});

test('everything is labelled by the call that makes it', async () => {
  rig = await startRig({ silent: true });
  const made: Record<string, string | undefined>[] = [];
  rig.hub.begin('s1');
  await expect
    .poll(() => rig.hub.ensure('s1').then(() => rig.sim.calls.count('CreateVolume')), { timeout: 10_000 })
    .toBeGreaterThan(0);
  expect(rig.sim.calls.all('CreateTags')).toEqual([]);

  const { instances, volumes } = rig.sim.world;
  for (const { tags } of [...instances.values(), ...volumes.values()]) {
    made.push({ cluster: tags.get('atrium:cluster-id'), user: tags.get('atrium:user'), role: tags.get('atrium:role') });
  }
  expect(made.map(({ role }) => role).toSorted()).toEqual(['home', 'root', 'worker']);
  expect(made.every(({ cluster, user }) => cluster === 'cluster-1' && user === 'ada')).toBe(true);
});

test('what is going to be made is written down before it is asked for', async () => {
  rig = await startRig({ silent: true });
  let written: unknown;
  const end = rig.sim.calls.watch(({ action }) => {
    if (action === 'RunInstances') void rig.store.get('instance/s1').then((row) => (written = row));
  });
  rig.hub.begin('s1');
  await rig.hub.ensure('s1');
  end();

  await expect.poll(() => written).toMatchObject({ attempt: { token: expect.any(String) }, instanceId: null });
  expect(rig.attempts.get('s1.1')).toMatchObject({ token: (written as { attempt: { token: string } }).attempt.token });
});
