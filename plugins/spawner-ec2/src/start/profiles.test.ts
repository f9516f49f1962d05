import { afterEach, expect, test } from 'vitest';
import { architectureOf } from '../fit.ts';
import { type Rig, startRig } from '../testing/rig.ts';

/* What a machine becomes when it ends, and when another profile is chosen. */

let rig: Rig;
afterEach(async () => {
  expect(rig.sim.violations).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

type Profile = Rig['config']['profiles'][number];

async function open(...profiles: Partial<Profile>[]): Promise<void> {
  rig = await startRig();
  const [plain] = rig.config.profiles;
  rig.config = {
    ...rig.config,
    profiles: profiles.map((one, n) => ({ ...plain!, id: `p${n}`, title: `Kind ${n}`, ...one })),
  };
  rig.hub = await rig.open();
}

async function run(profile: string): Promise<string> {
  rig.hub.begin('s1', { profile });
  await rig.hub.until('s1', 'running');
  expect(rig.living('s1')).toHaveLength(1);
  return rig.living('s1')[0]!;
}
const machine = (id: string) => rig.sim.world.instances.get(id)!;
const homes = () => [...rig.sim.world.volumes.values()].filter(({ tags }) => tags.get('atrium:role') === 'home');
const armImage = () => [...rig.sim.world.images.values()].find((one) => one.public && one.architecture === 'arm64')!.id;

test('a machine that terminates when idle leaves its home, and the next start makes another around it', async () => {
  await open({ onIdle: 'terminate' });
  const first = await run('p0');
  await rig.hub.end('s1');
  expect(machine(first).state).toBe('terminated');
  expect(homes()).toHaveLength(1);

  const second = await run('p0');

  expect(second).not.toBe(first);
  expect(homes().map(({ attachment }) => attachment?.instanceId)).toEqual([second]);
});

test('a machine that hibernates is asked to hibernate, and resumes', async () => {
  await open({ onIdle: 'hibernate' });
  const id = await run('p0');

  await rig.hub.end('s1');

  expect(rig.sim.calls.all('StopInstances').map(({ params }) => params.Hibernate)).toEqual([true]);
  expect(machine(id).state).toBe('stopped');
  expect(await run('p0')).toBe(id);
});

test('one that cannot hibernate yet is stopped the plain way', async () => {
  await open({ onIdle: 'hibernate' });
  const id = await run('p0');
  rig.sim.faults.add({
    action: 'StopInstances',
    match: { Hibernate: true },
    code: 'UnsupportedHibernationConfiguration',
    times: 100,
  });

  await rig.hub.end('s1');

  expect(machine(id).state).toBe('stopped');
});

test('another type of the same architecture: the machine is resized and keeps its disks', async () => {
  await open({ types: ['t3.medium'] }, { types: ['m7i.large'] });
  const id = await run('p0');
  await rig.hub.end('s1');

  expect(await run('p1')).toBe(id);

  expect(machine(id).type).toBe('m7i.large');
  expect(await rig.record('s1')).toMatchObject({ type: 'm7i.large', profile: 'p1' });
  expect(rig.sim.calls.count('RunInstances')).toBe(1);
});

test('another architecture: the machine is replaced around its home', async () => {
  await open({ types: ['t3.medium'] }, { types: ['t4g.medium'] });
  rig.config.profiles[1]!.image = { id: armImage() };
  rig.hub = await rig.open();
  const first = await run('p0');
  await rig.hub.end('s1');

  const second = await run('p1');

  expect(second).not.toBe(first);
  expect(machine(second).type).toBe('t4g.medium');
  expect(['shutting-down', 'terminated']).toContain(machine(first).state);
  expect(homes().map(({ attachment }) => attachment?.instanceId)).toEqual([second]);
});

test('a new image: the machine is replaced around its home at its next start', async () => {
  await open({});
  const first = await run('p0');
  await rig.hub.end('s1');
  const other = [...rig.sim.world.images.values()].find(
    (one) => one.public && one.architecture === 'x86_64' && one.id !== machine(first).imageId,
  );
  expect(other, 'the simulator knows a second image').toBeDefined();
  rig.config.profiles[0]!.image = { id: other!.id };
  rig.hub = await rig.open();

  const second = await run('p0');

  expect(second).not.toBe(first);
  expect(machine(second).imageId).toBe(other!.id);
  expect(homes().map(({ attachment }) => attachment?.instanceId)).toEqual([second]);
});

test('with replaceOnNewImage off it stays as it is', async () => {
  await open({});
  const first = await run('p0');
  await rig.hub.end('s1');
  const other = [...rig.sim.world.images.values()].find(
    (one) => one.public && one.architecture === 'x86_64' && one.id !== machine(first).imageId,
  );
  rig.config.profiles[0]!.image = { id: other!.id };
  rig.config = { ...rig.config, replaceOnNewImage: false };
  rig.hub = await rig.open();

  expect(await run('p0')).toBe(first);
});

test('from stop to hibernate: hibernation is set at launch only, so the machine is replaced', async () => {
  await open({}, { onIdle: 'hibernate' });
  const first = await run('p0');
  await rig.hub.end('s1');

  const second = await run('p1');

  expect(second).not.toBe(first);
  expect(machine(second).hibernation).toBe(true);
});

test('AWS takes a spot machine back: the end says so, and the next start makes another with the same home', async () => {
  await open({ market: 'spot', onIdle: 'terminate' });
  const first = await run('p0');
  expect(machine(first).market).toBe('spot');

  rig.sim.byHand.interruptSpot(first);
  await expect.poll(() => rig.hub.observe('s1').then(({ phase }) => phase), { timeout: 20_000 }).toBe('exited');

  const { exit, fault } = await rig.hub.observe('s1');
  expect(exit).toMatchObject({ reason: 'evicted' });
  expect(fault).toMatchObject({
    class: 'lost',
    code: 'spot_taken_back',
    advice: expect.stringMatching(/your files are safe/),
  });
  await rig.hub.end('s1');
  const second = await run('p0');
  expect(second).not.toBe(first);
  expect(homes().map(({ attachment }) => attachment?.instanceId)).toEqual([second]);
});

test.each([
  ['t3.medium', 'x86_64'],
  ['m7i-flex.large', 'x86_64'],
  ['g5.xlarge', 'x86_64'],
  ['g4dn.xlarge', 'x86_64'],
  ['t4g.medium', 'arm64'],
  ['m7gd.large', 'arm64'],
  ['g5g.xlarge', 'arm64'],
  ['c8gn.large', 'arm64'],
  ['a1.large', 'arm64'],
])('%s is %s', (type, architecture) => {
  expect(architectureOf(type)).toBe(architecture);
});
