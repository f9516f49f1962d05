import { scaledClock } from '@atrium/ec2-sim';
import { SpawnFault } from '@atrium/sdk';
import { manualClock } from '@atrium/sdk/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { capacityMemory, launchToken, nextRung, rungs } from '../ladder.ts';
import { type Rig, startRig } from '../testing/rig.ts';

describe('the ladder', () => {
  const input = {
    types: ['t3.medium', 't3a.medium'],
    market: 'spot' as const,
    spotFallback: true,
    zones: ['a', 'b'],
    serverId: 's1',
  };

  test('goes through zones before types, and through spot before on-demand', () => {
    const ladder = rungs({ ...input, pinned: undefined }, capacityMemory(manualClock()));
    const [first, other] = [ladder[0]!.zone, ladder[1]!.zone];

    expect(new Set([first, other])).toEqual(new Set(['a', 'b']));
    expect(ladder.map(({ type, zone, market }) => `${type} ${zone} ${market}`)).toEqual([
      `t3.medium ${first} spot`,
      `t3.medium ${other} spot`,
      `t3a.medium ${first} spot`,
      `t3a.medium ${other} spot`,
      `t3.medium ${first} on-demand`,
      `t3.medium ${other} on-demand`,
      `t3a.medium ${first} on-demand`,
      `t3a.medium ${other} on-demand`,
    ]);
  });

  test('a home pins the zone', () => {
    const ladder = rungs({ ...input, pinned: 'b' }, capacityMemory(manualClock()));
    expect(new Set(ladder.map(({ zone }) => zone))).toEqual(new Set(['b']));
  });

  test('people are spread over zones, each always the same way', () => {
    const memory = capacityMemory(manualClock());
    const firsts = Array.from({ length: 200 }, (_, n) => rungs({ ...input, serverId: `s${n}` }, memory)[0]!.zone);
    const again = Array.from({ length: 200 }, (_, n) => rungs({ ...input, serverId: `s${n}` }, memory)[0]!.zone);

    expect(again).toEqual(firsts);
    expect(firsts.filter((zone) => zone === 'a').length).toBeGreaterThan(60);
    expect(firsts.filter((zone) => zone === 'b').length).toBeGreaterThan(60);
  });

  test('the zone with fewer refusals comes first; what was refused is passed over for three minutes', async () => {
    const clock = manualClock();
    const memory = capacityMemory(clock);
    const [first] = rungs(input, memory);
    memory.note(first!);

    const after = rungs(input, memory);
    expect(after[0]!.zone).not.toBe(first!.zone);
    expect(nextRung([first!, ...after], memory)).toEqual({ rung: after[0] });
    expect(nextRung([first!], memory)).toEqual({ retryAt: clock.now() + 180_000 });

    await clock.advance(180_000);
    expect(nextRung([first!], memory)).toEqual({ rung: first });
  });

  test('every rung, attempt, start, server and cluster has a token of its own', () => {
    const rung = { type: 't3.medium', zone: 'a', market: 'spot' as const };
    const tokens = [
      launchToken('c', 's', 1, 1, rung),
      launchToken('c', 's', 1, 1, { ...rung, zone: 'b' }),
      launchToken('c', 's', 1, 1, { ...rung, type: 't3a.medium' }),
      launchToken('c', 's', 1, 1, { ...rung, market: 'on-demand' }),
      launchToken('c', 's', 1, 2, rung),
      launchToken('c', 's', 2, 1, rung),
      launchToken('c', 't', 1, 1, rung),
      launchToken('d', 's', 1, 1, rung),
    ];
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(launchToken('c', 's', 1, 1, rung)).toBe(tokens[0]);
  });
});

describe('when AWS has no machine free', () => {
  let rig: Rig;
  afterEach(async () => {
    expect(rig.sim.violations).toEqual([]);
    await rig[Symbol.asyncDispose]();
  });
  // Slower than elsewhere: three minutes of memory must not go by while the test works.
  const open = async () => {
    rig = await startRig({ sim: { clock: scaledClock(12) } });
  };
  const asked = () =>
    rig.sim.calls.all('RunInstances').map(({ params, code }) => {
      const zone = rig.config.subnets.find(({ id }) => id === params.SubnetId)?.zone;
      return `${params.InstanceType} ${zone} ${code ?? 'made'}`;
    });
  async function refusal(server: string): Promise<SpawnFault> {
    for (const end = Date.now() + 20_000; Date.now() < end; ) {
      const seen = await rig.hub.ensure(server).catch((error: unknown) => error);
      if (seen instanceof SpawnFault) return seen;
    }
    throw new Error('it is not refused');
  }

  test('the next zone is tried, and the person reads so', async () => {
    await open();
    rig.hub.begin('s1');
    const first = rungs(
      {
        types: ['t3.medium'],
        market: 'on-demand',
        spotFallback: true,
        zones: rig.config.subnets.map(({ zone }) => zone),
        serverId: 's1',
      },
      rig.hub.world.capacity,
    )[0]!.zone;
    rig.sim.world.capacity.add({ type: 't3.medium', zone: first, available: 0 });

    await rig.hub.until('s1', 'running');

    expect(asked()).toHaveLength(2);
    expect(asked()[0]).toBe(`t3.medium ${first} InsufficientInstanceCapacity`);
    expect(asked()[1]).toMatch(/^t3.medium .* made$/);
    const { progress } = await rig.hub.ensure('s1');
    expect(progress?.map(({ message }) => message).join('\n')).toContain(`AWS has no t3.medium free in ${first}`);
  });

  test('the next type is tried in the zone of the home', async () => {
    await open();
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');
    const { zone } = rig.sim.world.instances.get(rig.living('s1')[0]!)!;
    await rig.hub.end('s1');
    rig.sim.byHand.terminate([...rig.sim.world.instances.keys()][0]!);
    rig.sim.world.capacity.add({ type: 't3.medium', available: 0 });
    rig.sim.calls.clear();

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(asked()).toEqual([`t3.medium ${zone} InsufficientInstanceCapacity`, `t3a.medium ${zone} made`]);
  });

  test('a stopped machine whose type is gone becomes the next type and keeps its disks', async () => {
    await open();
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');
    const [id] = rig.living('s1');
    await rig.hub.end('s1');
    rig.sim.world.capacity.add({ type: 't3.medium', available: 0 });

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(rig.living('s1')).toEqual([id]);
    expect(rig.sim.world.instances.get(id!)!.type).toBe('t3a.medium');
    expect((await rig.record('s1'))!.type).toBe('t3a.medium');
  });

  test('what was refused is remembered: the next person is not sent there', async () => {
    await open();
    rig.sim.world.capacity.add({ type: 't3.medium', available: 0 });
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');
    expect(asked()).toHaveLength(3);
    rig.sim.calls.clear();

    rig.hub.begin('s2', { user: 'bob' });
    await rig.hub.until('s2', 'running');

    expect(asked()).toHaveLength(1);
    expect(asked()[0]).toMatch(/^t3a.medium .* made$/);
  });

  test('when nothing is left, the start ends and says when another try makes sense', async () => {
    await open();
    rig.sim.world.capacity.add({ available: 0 });
    rig.hub.begin('s1');

    const { fault } = await refusal('s1');

    expect(fault).toMatchObject({ class: 'capacity', code: 'nothing_free' });
    expect(fault.advice).toMatch(/Try again in (a minute|\d minutes)/);
    expect(new Set(asked()).size).toBe(4);
    // The next to come is told without a call.
    rig.hub.begin('s2', { user: 'bob' });
    expect((await refusal('s2')).fault.code).toBe('nothing_free');
    expect(asked()).toHaveLength(4);
  });

  test('a machine that AWS accepts and takes away at once is a refusal, too', async () => {
    await open();
    rig.sim.world.capacity.add({ type: 't3.medium', afterPending: 'Server.InsufficientInstanceCapacity' });

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(rig.living('s1').map((id) => rig.sim.world.instances.get(id)!.type)).toEqual(['t3a.medium']);
  });

  test('machines that die while they come up, one after the other, are not made for ever', async () => {
    await open();
    rig.sim.world.capacity.add({ afterPending: 'Client.InternalError' });
    rig.hub.begin('s1');

    const { fault } = await refusal('s1');

    expect(['machine_dies', 'nothing_free']).toContain(fault.code);
    expect(rig.sim.calls.count('RunInstances')).toBeLessThanOrEqual(4);
  });

  test('a spot machine that is not to be had becomes an on-demand one', async () => {
    await open();
    rig.config = { ...rig.config, profiles: [{ ...rig.config.profiles[0]!, market: 'spot', onIdle: 'terminate' }] };
    rig.hub = await rig.open();
    rig.sim.world.capacity.add({ market: 'spot', available: 0 });

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(rig.sim.world.instances.get(rig.living('s1')[0]!)!.market).toBe('on-demand');
  });

  test('without the fallback it is refused', async () => {
    await open();
    const spot = {
      ...rig.config.profiles[0]!,
      market: 'spot' as const,
      onIdle: 'terminate' as const,
      spotFallback: false,
    };
    rig.config = { ...rig.config, profiles: [spot] };
    rig.hub = await rig.open();
    rig.sim.world.capacity.add({ market: 'spot', available: 0 });

    rig.hub.begin('s1');

    expect((await refusal('s1')).fault.class).toBe('capacity');
    expect(rig.living('s1')).toEqual([]);
  });
});
