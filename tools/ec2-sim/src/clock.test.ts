import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { manualClock, scaledClock, startEc2Sim } from './index.ts';
import { clientFor, launchOf } from './testing.ts';

test('a fast clock runs everything faster, in the same order', async () => {
  const clock = scaledClock(100);
  await using sim = await startEc2Sim({ clock });
  const ec2 = clientFor(sim);
  const began = clock.now();
  const { Instances } = await ec2.send(launchOf(sim));
  const id = Instances![0]!.InstanceId!;
  const state = () => sim.world.instances.get(id)!.state;

  expect(state()).toBe('pending');
  await expect.poll(state, { timeout: 5_000, interval: 5 }).toBe('running');

  expect(clock.now() - began).toBeGreaterThanOrEqual(5_000);
  await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  ec2.destroy();
});

test('timers of a clock advanced by hand run in the order they are due, also those set on the way', async () => {
  const clock = manualClock(1_000);
  const seen: [number, string][] = [];
  const note = (what: string) => () => void seen.push([clock.now(), what]);
  clock.after(30, note('c'));
  clock.after(10, () => {
    note('a')();
    clock.after(10, note('b'));
  });
  const cancel = clock.after(15, note('never'));
  const slept = clock.sleep(30).then(note('slept'));
  const stop = new AbortController();
  const stopped = clock.sleep(1_000, stop.signal).catch(note('stopped'));

  cancel();
  await clock.advance(30);
  await slept;
  stop.abort();
  await stopped;

  expect(seen).toEqual([
    [1_010, 'a'],
    [1_020, 'b'],
    [1_030, 'c'],
    [1_030, 'slept'],
    [1_030, 'stopped'],
  ]);
});

test('times that are further away than Node’s timers reach are kept', () => {
  const clock = scaledClock(1, 0);
  let ran = 0;

  const cancel = clock.after(60 * 24 * 3_600_000, () => {
    ran += 1;
  });

  expect(ran).toBe(0);
  cancel();
  clock.dispose();
  expect(() => scaledClock(0)).toThrow('above 0');
});
