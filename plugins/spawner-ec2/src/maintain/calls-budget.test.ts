import { expect, test } from 'vitest';
import { newHome } from '../homes/home-row.ts';
import { serverRow, startTestWorld, trackMachine } from '../homes/test-world.ts';
import { meters } from '../meters/index.ts';
import { list } from '../observe.ts';
import { TAG, tagsOf } from '../tags.ts';
import { maintain } from './index.ts';

const PEOPLE = 1_000;
const MINUTES = 10;
/** As often as the hub looks. */
const SWEEP_MS = 30_000;

test('a thousand running users cost at most half a call a second: sweep, status checks, homes, ledger, upkeep, tags', async () => {
  await using t = await startTestWorld({}, { quotas: { 'L-1216C47A': 10_000 } });
  const world = await t.hub();
  const rows = [];
  const subnet = world.config.subnets[0]!;
  for (let made = 0; made < PEOPLE; made += 100) {
    const machines = await t.run(
      world.ec2.runInstances({
        token: `class-${made}`,
        count: 100,
        type: 't3.medium',
        subnetId: subnet.id,
        market: 'on-demand',
        imageId: [...t.sim.world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id,
        securityGroups: world.config.securityGroups,
        hibernate: false,
        tags: tagsOf(world.cluster, 'worker', { [TAG.profile]: 'small', [TAG.generation]: '1' }),
      }),
      1_000,
    );
    const volumes = await t.run(
      Promise.all(
        machines.map((_, n) =>
          world.ec2.createVolume({
            token: `home-${made + n}`,
            zone: subnet.zone,
            sizeGb: 10,
            tags: tagsOf(world.cluster, 'home', {
              [TAG.user]: `user-${made + n}`,
              [TAG.storage]: `home-${made + n}`,
              [TAG.fresh]: 'no',
            }),
          }),
        ),
      ),
      1_000,
    );
    for (const [n, machine] of machines.entries()) {
      const id = `s${made + n}`;
      const [user, storage, volume] = [`user-${made + n}`, `home-${made + n}`, volumes[n]!];
      await trackMachine(t, id, machine, { user, storage, homeVolume: volume.id });
      await t.store.put(`home/${storage}`, {
        ...newHome(storage, user, 10, t.clock.now(), 1),
        volumeId: volume.id,
        zone: subnet.zone,
        fresh: false,
      });
      const on = { phase: 'ready', desired: 'running', phaseAt: t.clock.now() } as const;
      rows.push(serverRow({ id, user, storage, ...on }));
      // As a launch of one machine at a time would have tagged it.
      for (const [key, value] of [
        [TAG.server, id],
        [TAG.user, user],
      ] as const)
        t.sim.world.instances.get(machine.id)?.tags.set(key, value);
    }
  }
  await t.clock.advance(5 * 60_000);
  const look = async () => {
    let seen = 0;
    for await (const _ of list(world, t.io())) seen += 1;
    return seen;
  };
  const mark = t.sim.calls.mark();
  const began = t.clock.now();

  let metered = 0;
  for (let half = 0; half < 2 * MINUTES; half += 1) {
    expect(await t.run(look())).toBe(PEOPLE);
    if (half % 2 === 0) {
      expect(await t.run(maintain(world, t.upkeep(rows)))).toEqual([]);
      metered = (await t.run(Array.fromAsync(meters(world, t.io())))).length;
    }
    await t.clock.advance(Math.max(0, began + (half + 1) * SWEEP_MS - t.clock.now()));
  }

  // Machine, address and system disk, and the home of each.
  expect(metered).toBe(4 * PEOPLE);
  const calls = t.sim.calls.byAction({ since: mark });
  const all = t.sim.calls.count({ since: mark });
  const seconds = (t.clock.now() - began) / 1000;
  expect(seconds).toBeGreaterThanOrEqual(60 * MINUTES);
  expect(all / seconds, JSON.stringify(calls)).toBeLessThanOrEqual(0.5);
  expect(t.sim.calls.count({ since: mark, mutating: true })).toBe(0);
  expect(t.sim.calls.count({ since: mark, code: 'RequestLimitExceeded' })).toBe(0);
  expect(t.sim.violations).toEqual([]);
}, 400_000);
