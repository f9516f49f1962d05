import { expect, test } from 'vitest';
import { before, figures } from './crowd/figures.ts';
import { gearClock } from './crowd/gear-clock.ts';
import { startCrowdHub } from './crowd/hub.ts';
import { realServers } from './crowd/real.ts';
import { startRegion } from './crowd/region.ts';
import { afterBootMs, arrive, leave, signIn } from './crowd/scenes.ts';

/** As small as a run can be in which everything of the large one happens; `crowd.ts` is the large one. */
const CLASS = 40;
const DELAYS = { pendingMs: 2_000, stoppingMs: 2_000 };
const MINUTE = 60_000;
const SOON = { timeout: 90_000, interval: 50 };

const namesOf = (count: number) => Array.from({ length: count }, (_, at) => `student-${String(at).padStart(2, '0')}`);

test('a class comes for the first time and waits its turn, leaves, and comes back all at once', async () => {
  const names = namesOf(CLASS);
  const real = realServers(names, 1);
  await using region = await startRegion({ bootMs: [1_000, 4_000], real: real.names, delays: DELAYS });
  await using hub = await startCrowdHub(region.sim, {
    ...real.hub,
    ec2: { ...real.hub.ec2, limits: { buckets: { RunInstances: { burst: 10, perSecond: 1.5 } } } },
  });
  const people = await signIn(names, hub, region);

  const first = await arrive(people, 500, region);
  expect(first.failures).toEqual([]);
  expect(first.calls.filter(({ code }) => code === 'RequestLimitExceeded')).toEqual([]);
  const queued = first.starts.filter(({ lines }) =>
    lines.some(({ message }) => /in the queue for a new machine, about \d+ s/.test(message)),
  );
  expect(queued.length).toBeGreaterThan(5);

  await leave(people, hub, region);
  const start = before(hub);
  const again = await arrive(people, 200, region);
  const result = figures(again, hub, start);

  expect(result).toMatchObject({ people: CLASS, ready: CLASS, failures: [], throttled: 0 });
  expect(again.calls.filter(({ action }) => action === 'RunInstances')).toEqual([]);
  expect(result.powerOnCalls).toBeLessThanOrEqual(4);
  const tiny = again.starts.filter(({ name }) => !real.names.has(name));
  expect(Math.max(...tiny.map(afterBootMs))).toBeLessThan(10_000);
  expect(region.sim.violations).toEqual([]);
  for (const person of people) person[Symbol.dispose]();
}, 150_000);

test('hub dead for good: idle machines go off within lease and two minutes, a running cell until the hard limit', async () => {
  const [leaseMs, hardMs] = [10 * MINUTE, 20 * MINUTE];
  const names = namesOf(12);
  const busy = new Set(names.slice(0, 3));
  const orphaned = names.slice(3, 6);
  const clock = gearClock();
  await using region = await startRegion({
    clock,
    bootMs: [500, 1_500],
    real: new Set(),
    busy,
    guarded: true,
    delays: DELAYS,
  });
  const idOf = (name: string) =>
    [...region.sim.world.instances.values()].find(({ tags }) => tags.get('atrium:user') === name)?.id ?? '';
  const offOf = (name: string) => region.boots.get(idOf(name))?.offAt;
  let diedAt: number;
  {
    await using hub = await startCrowdHub(region.sim, {
      ec2: { agent: { leaseMinutes: leaseMs / MINUTE, hardStopHours: hardMs / 60 / MINUTE } },
    });
    const people = await signIn(names, hub, region);
    const { failures } = await arrive(people, 0, region);
    expect(failures).toEqual([]);
    for (const person of people) person[Symbol.dispose]();

    await hub.kill();
    diedAt = clock.now();
  }
  // The agents of some die with the hub: their machines have the watchdog alone.
  for (const name of orphaned) region.killAgent(idOf(name));

  clock.shift(40);
  const idle = names.filter((name) => !busy.has(name));
  await expect.poll(() => idle.every((name) => offOf(name)), SOON).toBe(true);
  for (const name of idle) expect(offOf(name)! - diedAt, name).toBeLessThan(leaseMs + 2 * MINUTE);
  expect([...busy].map(offOf)).toEqual([undefined, undefined, undefined]);

  await expect.poll(() => [...busy].every(offOf), SOON).toBe(true);
  for (const name of busy) {
    expect(offOf(name)! - diedAt, name).toBeGreaterThan(hardMs);
    expect(offOf(name)! - diedAt, name).toBeLessThan(leaseMs + hardMs + 2 * MINUTE);
  }
  await expect
    .poll(() => [...region.sim.world.instances.values()].every(({ state }) => state === 'stopped'), SOON)
    .toBe(true);
}, 180_000);
