import { afterEach, describe, expect, test } from 'vitest';
import { storageDoor } from '../homes/index.ts';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: one zone, one type, no way out when AWS had none; no progress in words, nothing for administrators, no costs,
 * no copies, no way to a new image, no spot, graphics or groups, no encryption, no tests.
 */

let rig: Rig;
afterEach(async () => {
  expect(rig.sim.violations).toEqual([]);
  await rig[Symbol.asyncDispose]();
});
const only = () => rig.sim.world.instances.get(rig.living('s1')[0]!)!;
const io = () => ({ ...rig.hub.world, signal: new AbortController().signal });

/** Opens the region with these profiles beside the plain one. */
async function open(...profiles: object[]): Promise<void> {
  rig = await startRig();
  const [plain] = rig.config.profiles;
  rig.config = { ...rig.config, profiles: [plain!, ...profiles.map((one) => ({ ...plain!, ...one }))] };
  rig.hub = await rig.open();
}

describe('there is another way', () => {
  test('when one zone, or one type, is not to be had', async () => {
    await open();
    const [zone, other] = rig.config.subnets.map((subnet) => subnet.zone);
    rig.sim.world.capacity.add({ zone: zone!, available: 0 });
    rig.sim.world.capacity.add({ type: 't3.medium', available: 0 });
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(only()).toMatchObject({ zone: other, type: 't3a.medium' });
  });

  test('to cheaper machines, and back when they are not free', async () => {
    await open({ id: 'spot', market: 'spot', onIdle: 'terminate' });
    rig.hub.begin('s1', { profile: 'spot' });
    await rig.hub.until('s1', 'running');
    expect(only().market).toBe('spot');
    await rig.hub.end('s1');

    rig.sim.world.capacity.add({ market: 'spot', available: 0 });
    rig.hub.begin('s1', { profile: 'spot' });
    await rig.hub.until('s1', 'running');
    expect(only().market).toBe('on-demand');
  });

  test('to a new image: at the next start, around the same home', async () => {
    await open();
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');
    const before = only();
    await rig.hub.end('s1');
    const { images } = rig.sim.world;
    const next = [...images.values()].find(
      (one) => one.public && one.architecture === 'x86_64' && one.id !== before.imageId,
    );
    rig.config.profiles[0]!.image = { id: next!.id };
    rig.hub = await rig.open();

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');
    expect(only().imageId).toBe(next!.id);
    expect(only().id).not.toBe(before.id);
  });
});

describe('people see', () => {
  test('what is going on while they wait', async () => {
    await open();
    rig.hub.begin('s1');
    const { progress } = await rig.hub.until('s1', 'running');

    const told = progress!.map(({ message }) => message).join('\n');
    for (const words of [/Machine requested: t3.medium in us-east-1/, /booting|home disk/, /home disk/]) {
      expect(told).toMatch(words);
    }
    expect(progress!.map(({ percent }) => percent)).toEqual(
      progress!.map(({ percent }) => percent).toSorted((a, b) => a - b),
    );
  });

  test('what there is to choose, what it costs, and why something is not for them', async () => {
    await open({ id: 'gpu', title: 'Graphics', types: ['g4dn.xlarge'], groups: ['vision'] });
    const person = { name: 'ada', admin: false, uid: 1_900_001_001, storage: undefined };

    const { profiles } = rig.hub.spawner.form!({ ...person, groups: [] });
    expect(profiles).toMatchObject([
      { id: 'small', facts: ['2 vCPU', '4 GiB'], price: { perHour: 0.0416 } },
      {
        id: 'gpu',
        facts: ['4 vCPU', '16 GiB', '1 × T4'],
        price: { perHour: 0.526 },
        unavailable: 'Only for members of vision.',
      },
    ]);
    expect(rig.hub.spawner.form!({ ...person, groups: ['vision'] }).profiles[1]).not.toHaveProperty('unavailable');
    expect(() => rig.hub.spawner.resolve({ ...person, groups: [] }, { profile: 'gpu' })).toThrow(/not for you/);
  });
});

describe('administrators see', () => {
  test('what costs money, and whose it is', async () => {
    await open();
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    const meters = await Array.fromAsync(rig.hub.spawner.meters!(io()));
    expect(meters.find(({ kind }) => kind === 'compute')).toMatchObject({
      serverId: 's1',
      user: 'ada',
      perHour: 0.0416,
    });
    expect(meters.some(({ kind, user }) => kind === 'disk' && user === 'ada')).toBe(true);
  });
});

describe('homes', () => {
  test('are encrypted, and there is a copy of each', async () => {
    await open();
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');
    const { storage } = rig.rows.get('s1')!.user;
    const { volumes, snapshots } = rig.sim.world;
    expect([...volumes.values()].find(({ tags }) => tags.get('atrium:role') === 'home')!.encrypted).toBe(true);
    await rig.hub.end('s1');

    await storageDoor(rig.hub.world).snapshot!(storage!, io());

    await expect
      .poll(() => [...snapshots.values()].filter(({ tags }) => tags.get('atrium:user') === 'ada').length)
      .toBe(1);
    // EC2 shows what it has made some moments later.
    await expect
      .poll(async () => (await storageDoor(rig.hub.world).describe(storage!, io())).snapshots.length, {
        timeout: 20_000,
      })
      .toBe(1);
  });
});
