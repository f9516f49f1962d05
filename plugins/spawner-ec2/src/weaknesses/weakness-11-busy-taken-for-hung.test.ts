import { scaledClock } from '@atrium/ec2-sim';
import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: whether a machine hung was decided by a shell on it that had to answer five times, and by a duration that began
 * anew every day; a small machine that was merely busy was stopped under its user.
 */

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

const DAY_MS = 86_400_000;
const hands = () => rig.sim.calls.all().filter(({ action }) => /^(Stop|Reboot|Terminate)Instances$/.test(action));

test('a machine too busy to say a word for three days runs on', async () => {
  const clock = scaledClock(60);
  rig = await startRig({ sim: { clock } });
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  await rig.agents.get(rig.living('s1')[0]!)!.stop();
  // Three days later by the clock of this hub; its sweeps and steps go on.
  for (let hours = 0; hours <= 72; hours += 8) {
    const later = { ...clock, now: () => clock.now() + (hours * DAY_MS) / 24 };
    const hub = await rig.openAt(later);
    expect((await hub.observe('s1')).phase).toBe('running');
    expect((await hub.ensure('s1')).phase).toBe('running');
  }

  expect(hands()).toEqual([]);
  expect(rig.living('s1')).toHaveLength(1);
});

test('a machine that never says a word while it starts is rebooted, then switched off and on, then replaced around its home', async () => {
  rig = await startRig({ silent: true, config: { agent: { deadlineSeconds: 120 } } });
  rig.hub.begin('s1');
  const steps = async () => {
    await rig.hub.ensure('s1');
    return hands().map(({ action, params }) => `${action}${params.Force ? ' by force' : ''}`);
  };

  await expect.poll(steps, { timeout: 5_000 }).toEqual([]);
  await expect
    .poll(steps, { timeout: 60_000 })
    .toEqual(['RebootInstances', 'StopInstances by force', 'TerminateInstances']);
  await expect.poll(async () => (await steps()) && rig.sim.calls.count('RunInstances'), { timeout: 20_000 }).toBe(2);

  const homes = [...rig.sim.world.volumes.values()].filter(({ tags }) => tags.get('atrium:role') === 'home');
  expect(homes).toHaveLength(1);
}, 90_000);

test('one look that fails is no reason for anything', async () => {
  rig = await startRig();
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  for (const code of ['Unavailable', 'InternalError', 'RequestLimitExceeded']) {
    rig.sim.faults.add({ action: 'DescribeInstances', code, times: 3 });
    await rig.hub.observe('s1');
    await rig.hub.ensure('s1');
  }
  expect(hands()).toEqual([]);
});
