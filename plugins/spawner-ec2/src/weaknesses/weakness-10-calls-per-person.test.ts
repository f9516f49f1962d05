import { scaledClock } from '@atrium/ec2-sim';
import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: every ten seconds each running server cost one DescribeInstances call of its own and an SSH session; from about
 * a hundred people on, AWS refused the calls.
 */

const PEOPLE = 120;
/** Slower than in other tests: a pause of this process bunches calls, and what is seconds long to the region gets them refused. */
const SPEED = 10;

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

test('a hundred and twenty people are looked after with a handful of calls, and none is refused', async () => {
  rig = await startRig({ silent: true, sim: { clock: scaledClock(SPEED), quotas: { 'L-1216C47A': 1_000 } } });
  const servers = Array.from({ length: PEOPLE }, (_, n) => `s${n}`);
  for (const [n, server] of servers.entries()) rig.hub.begin(server, { user: `person${n}` });
  await expect
    .poll(
      async () => {
        const seen = await Promise.all(servers.map((server) => rig.hub.ensure(server)));
        return seen.filter(({ progress }) => progress?.at(-1)?.message.includes('waiting for its first word')).length;
      },
      { timeout: 60_000, interval: 10 },
    )
    .toBe(PEOPLE);
  const mark = rig.sim.calls.mark();
  const begun = rig.clock.now();

  // A minute as a hub spends it: a sweep of everybody each half minute, and everybody asked after once.
  for (let half = 0; half < 2; half += 1) {
    const listed = await Array.fromAsync(
      rig.hub.spawner.list({ ...rig.hub.world, signal: new AbortController().signal }),
    );
    expect(listed).toHaveLength(PEOPLE);
    const seen = await Promise.all(servers.map((server) => rig.hub.observe(server)));
    expect(seen.every(({ phase }) => phase === 'starting')).toBe(true);
    await rig.clock.sleep(30_000);
  }

  const calls = rig.sim.calls.all({ since: mark });
  const minutes = (rig.clock.now() - begun) / 60_000;
  // Two pages a sweep, two calls for those asked after; with a call for each it would be 240.
  expect(calls.length / minutes).toBeLessThanOrEqual(10);
  const refused = rig.sim.calls.all({ code: 'RequestLimitExceeded' });
  expect(refused.map(({ action, at }) => `${action} at ${at - begun}`)).toEqual([]);
  expect(rig.sim.violations).toEqual([]);
}, 120_000);
