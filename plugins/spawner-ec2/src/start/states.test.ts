import { scaledClock } from '@atrium/ec2-sim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/* Every state of an instance × what is asked of it. What the answer is while it lasts, and what becomes of it. */

let rig: Rig;
beforeEach(async () => {
  rig = await startRig({ sim: { delays: { terminatedVisibleMs: 20_000 } } });
});
afterEach(async () => {
  expect(rig.sim.violations).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

const stateOf = (id: string) => rig.sim.world.instances.get(id)?.state;
const within = { timeout: 10_000, interval: 5 };
const launches = () => rig.sim.calls.all('RunInstances').length;

/** A server that has run and was stopped: its machine is `stopped`, or on its way there. */
async function used(): Promise<string> {
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  return rig.living('s1')[0]!;
}

async function usedAndStopped(): Promise<string> {
  const id = await used();
  await rig.hub.end('s1');
  return id;
}

describe('a start', () => {
  test('of a server that never had an instance launches one', async () => {
    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(launches()).toBe(1);
  });

  test('waits while it is pending, and is not asked for another', async () => {
    rig.hub.begin('s1');
    await expect.poll(() => rig.hub.ensure('s1').then(() => rig.living('s1').length), within).toBe(1);
    expect(stateOf(rig.living('s1')[0]!)).toBe('pending');

    await rig.hub.until('s1', 'running');

    expect(launches()).toBe(1);
  });

  test('of one that runs is the answer that it runs, however often it is asked for', async () => {
    await used();
    const { address } = await rig.hub.ensure('s1');

    for (let n = 0; n < 3; n += 1) expect(await rig.hub.ensure('s1')).toMatchObject({ phase: 'running', address });
    expect(launches()).toBe(1);
  });

  test('of one that is stopping says so, and starts the same as soon as it has stopped', async () => {
    const id = await used();
    rig.rows.get('s1')!.phase = 'stopping';
    await expect.poll(() => rig.hub.stop('s1').then(() => stateOf(id)), within).toBe('stopping');

    rig.hub.begin('s1');
    const seen = await rig.hub.ensure('s1');
    expect(seen.phase).toBe('stopping');
    expect(seen.progress?.at(-1)?.message).toMatch(/still shutting down/);
    await rig.hub.until('s1', 'running');

    expect(rig.living('s1')).toEqual([id]);
    // Not one call that EC2 had to refuse.
    expect(rig.sim.calls.all('StartInstances').map(({ code }) => code)).toEqual([undefined]);
  });

  test('of one that is stopped starts the same, once', async () => {
    const id = await usedAndStopped();

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(rig.living('s1')).toEqual([id]);
    expect(rig.sim.calls.all('StartInstances')).toHaveLength(1);
  });

  test.each([
    ['while it shuts down', 'shutting-down'],
    ['after it was terminated', 'terminated'],
  ])('%s makes another with the same home', async (_, state) => {
    const first = await usedAndStopped();
    rig.sim.byHand.terminate(first);
    await expect.poll(() => stateOf(first), within).toBe(state);

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    const [second] = rig.living('s1');
    expect(second).not.toBe(first);
    const homes = [...rig.sim.world.volumes.values()].filter(({ tags }) => tags.get('atrium:role') === 'home');
    expect(homes.map(({ attachment }) => attachment?.instanceId)).toEqual([second]);
  });

  test('of one that EC2 has forgotten makes another', async () => {
    const first = await usedAndStopped();
    rig.sim.byHand.terminate(first);
    await expect.poll(() => rig.sim.world.instances.has(first), within).toBe(false);

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(rig.living('s1')).toHaveLength(1);
  });

  test('about which EC2 gives no answer changes nothing', async () => {
    await used();
    const mark = rig.sim.calls.mark();
    const outage = rig.sim.faults.add({ action: 'DescribeInstances', code: 'Unavailable', times: 1_000 });
    await expect.poll(() => rig.hub.ensure('s1').then(({ phase }) => phase), { timeout: 30_000 }).toBe('unknown');
    outage.remove();

    expect(rig.sim.calls.all({ action: 'RunInstances', since: mark })).toEqual([]);
    expect(rig.sim.calls.all({ action: 'TerminateInstances', since: mark })).toEqual([]);
    expect((await rig.hub.until('s1', 'running')).phase).toBe('running');
  }, 60_000);
});

describe('a stop', () => {
  test('is over when EC2 says stopped, not when it was asked for', async () => {
    const id = await used();

    expect((await rig.hub.stop('s1')).phase).toBe('stopping');
    expect((await rig.hub.stop('s1')).phase).toBe('stopping');
    await expect.poll(() => rig.hub.stop('s1').then(({ phase }) => phase), within).toBe('exited');

    expect(stateOf(id)).toBe('stopped');
  });

  test('of one that is still pending is carried out as soon as EC2 allows', async () => {
    rig.hub.begin('s1');
    await expect.poll(() => rig.hub.ensure('s1').then(() => rig.living('s1').length), within).toBe(1);

    expect((await rig.hub.stop('s1')).phase).toBe('stopping');
    await expect.poll(() => rig.hub.stop('s1').then(({ phase }) => phase), within).toBe('exited');

    expect(rig.living('s1')).toEqual([]);
    expect(rig.sim.calls.all('StopInstances').every(({ code }) => code === undefined)).toBe(true);
  });

  test.each(['stopped', 'terminated'] as const)('of one that is %s already is done', async (state) => {
    const id = await usedAndStopped();
    if (state === 'terminated') {
      rig.sim.byHand.terminate(id);
      await expect.poll(() => stateOf(id), within).toBe('terminated');
    }

    // Another hub may not have seen it yet.
    const hub = await rig.open();
    expect((await hub.stop('s1')).phase).toBe(state === 'stopped' ? 'exited' : 'absent');
  });

  test('that EC2 does not answer is neither done nor forgotten', async () => {
    const id = await used();
    const outage = rig.sim.faults.add({ action: 'StopInstances', code: 'InternalError', times: 1_000 });
    await expect.poll(() => rig.hub.stop('s1').then(({ phase }) => phase), { timeout: 30_000 }).toBe('unknown');
    expect(stateOf(id)).toBe('running');
    outage.remove();

    await expect.poll(() => rig.hub.stop('s1').then(({ phase }) => phase), within).toBe('exited');
  }, 60_000);
});

describe('a look', () => {
  test('tells each state apart', async () => {
    rig.hub.begin('s1');
    expect((await rig.hub.observe('s1')).phase).toBe('absent');
    await expect.poll(() => rig.hub.ensure('s1').then(() => rig.living('s1').length), within).toBe(1);
    expect((await rig.hub.observe('s1')).phase).toBe('starting');
    await rig.hub.until('s1', 'running');
    expect(await rig.hub.observe('s1')).toMatchObject({ phase: 'running', address: { kind: 'tcp' } });
    const [id] = rig.living('s1');
    rig.sim.byHand.stop(id!);
    await expect.poll(() => rig.hub.observe('s1').then(({ phase }) => phase), within).toBe('stopping');
    await expect.poll(() => rig.hub.observe('s1').then(({ phase }) => phase), within).toBe('exited');
    rig.sim.byHand.terminate(id!);
    await expect.poll(() => rig.hub.observe('s1').then(({ phase }) => phase), within).toBe('absent');
  });

  test('that EC2 does not answer is "unknown", never "absent"', async () => {
    await used();
    rig.sim.faults.add({ action: 'DescribeInstances', code: 'Unavailable', times: 1_000 });

    await expect.poll(() => rig.hub.observe('s1').then(({ phase }) => phase), { timeout: 30_000 }).toBe('unknown');
  }, 60_000);
});

test('the hub’s impatience does not make a stop rough: force is for what has not stopped after minutes', async () => {
  await rig[Symbol.asyncDispose]();
  // A machine whose operating system hangs while it shuts down.
  rig = await startRig({ sim: { delays: { stoppingMs: 12 * 60_000 }, clock: scaledClock(600) } });
  const id = await used();
  const stops = () => rig.sim.calls.all('StopInstances').map(({ params }) => params.Force === true);

  await rig.hub.stop('s1', true);
  await expect.poll(() => rig.hub.stop('s1', true).then(() => stateOf(id)), within).toBe('stopping');
  const begun = rig.clock.now();
  while (rig.clock.now() < begun + 4 * 60_000) expect((await rig.hub.stop('s1', true)).phase).toBe('stopping');
  expect(stops()).toEqual([false]);

  await expect.poll(() => rig.hub.stop('s1', true).then(() => stops().includes(true)), within).toBe(true);
  expect(stops().filter((force) => force).length).toBeLessThanOrEqual(2);
});
