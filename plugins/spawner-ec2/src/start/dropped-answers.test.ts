import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/* A call whose work was done and whose answer never came: the same work is not done twice. */

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(async () => {
  expect(rig.sim.violations).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

const within = { timeout: 10_000, interval: 5 };
const instances = () => [...rig.sim.world.instances.values()].filter(({ state }) => state !== 'terminated');
const homes = () => [...rig.sim.world.volumes.values()].filter(({ tags }) => tags.get('atrium:role') === 'home');

test('the answer of a launch is lost three times: one instance', async () => {
  const lost = rig.sim.faults.add({ action: 'RunInstances', dropResponse: true, times: 3 });

  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');

  expect(lost.hits).toBe(3);
  expect(instances()).toHaveLength(1);
  const tokens = rig.sim.calls.all('RunInstances').map(({ params }) => params.ClientToken);
  expect(tokens).toHaveLength(4);
  expect(new Set(tokens).size).toBe(1);
});

test('the answer of a launch is lost, and then the hub: the next hub finds that instance', async () => {
  rig.sim.faults.add({ action: 'RunInstances', dropResponse: true, times: 1 });
  rig.hub.begin('s1');
  await rig.hub.ensure('s1');
  expect(instances()).toHaveLength(1);
  const [{ id } = { id: '' }] = instances();

  rig.hub = await rig.open();
  await rig.hub.until('s1', 'running');

  expect(rig.living('s1')).toEqual([id]);
});

test('the answer of a launch is lost, and the person does not wait: a stop stops what was made', async () => {
  rig.sim.faults.add({ action: 'RunInstances', dropResponse: true, times: 1 });
  rig.hub.begin('s1');
  await rig.hub.ensure('s1');
  expect(instances()).toHaveLength(1);

  await rig.hub.end('s1');

  expect(instances().map(({ state }) => state)).toEqual(['stopped']);
});

test('the configuration changes between a lost answer and the next try: the instance that was made is taken', async () => {
  rig.sim.faults.add({ action: 'RunInstances', dropResponse: true, times: 1 });
  rig.hub.begin('s1');
  await rig.hub.ensure('s1');
  const [made] = instances();

  // The same token with other parameters: EC2 answers IdempotentParameterMismatch.
  rig.config = {
    ...rig.config,
    agent: { ...rig.config.agent, cloudInit: '#cloud-config\n# {{AGENT_JSON}}\nbootcmd: []\n' },
  };
  rig.hub = await rig.open();
  await rig.hub.until('s1', 'running');

  expect(rig.sim.calls.all({ code: 'IdempotentParameterMismatch' }).length).toBeGreaterThan(0);
  expect(rig.living('s1')).toEqual([made!.id]);
  expect(instances()).toHaveLength(1);
});

test('the answer of a start is lost: it is the same instance, running', async () => {
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const [id] = rig.living('s1');
  await rig.hub.end('s1');
  const lost = rig.sim.faults.add({ action: 'StartInstances', dropResponse: true, times: 1 });

  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');

  expect(lost.hits).toBe(1);
  expect(rig.living('s1')).toEqual([id]);
  expect(instances()).toHaveLength(1);
});

test('the answer of a home’s making is lost: one home', async () => {
  const lost = rig.sim.faults.add({ action: 'CreateVolume', dropResponse: true, times: 2 });

  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');

  expect(lost.hits).toBe(2);
  expect(homes()).toHaveLength(1);
});

test('the answer of the home’s attaching is lost: it is attached, once', async () => {
  const lost = rig.sim.faults.add({ action: 'AttachVolume', dropResponse: true, times: 1 });

  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');

  expect(lost.hits).toBe(1);
  expect(homes().map(({ attachment }) => attachment?.instanceId)).toEqual(rig.living('s1'));
});

test('the answer of a stop is lost: stopped all the same', async () => {
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const lost = rig.sim.faults.add({ action: 'StopInstances', dropResponse: true, times: 1 });

  await rig.hub.end('s1');

  expect(lost.hits).toBe(1);
  expect(instances().map(({ state }) => state)).toEqual(['stopped']);
});

test('a new attempt has a token of its own, and so has the next start', async () => {
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  for (const turn of [1, 2]) {
    rig.sim.byHand.terminate(rig.living('s1')[0]!);
    await expect.poll(() => instances().length, within).toBe(0);
    if (turn === 2) {
      await rig.hub.end('s1');
      rig.hub.begin('s1');
    } else rig.rows.get('s1')!.phase = 'starting';
    await rig.hub.until('s1', 'running');
  }

  const tokens = rig.sim.calls.all('RunInstances').map(({ params }) => params.ClientToken as string);
  expect(new Set(tokens).size).toBe(3);
  expect(tokens.every((token) => token.length <= 64)).toBe(true);
});
