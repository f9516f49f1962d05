import { manualClock } from '@atrium/sdk/testing';
import { expect, test } from 'vitest';
import { tokenBucket } from './buckets.ts';
import { buckets } from './limits.ts';
import { launchQueue } from './queue.ts';

test('as many as the bucket holds go at once, the rest one by one as it fills', async () => {
  const clock = manualClock();
  const bucket = tokenBucket(clock, { burst: 3, perSecond: 2 });
  const went: number[] = [];
  for (let n = 0; n < 6; n += 1) void bucket.take(1).then(() => went.push(clock.now()));
  const begun = clock.now();
  await new Promise((resolve) => setImmediate(resolve));

  await clock.advance(5_000);

  expect(went.map((at) => at - begun)).toEqual([0, 0, 0, 500, 1_000, 1_500]);
});

test('who gives up gives the token back', async () => {
  const clock = manualClock();
  const bucket = tokenBucket(clock, { burst: 1, perSecond: 1 });
  await bucket.take(1);
  const over = new AbortController();
  const given = bucket.take(1, over.signal);
  over.abort(new Error('enough'));

  await expect(given).rejects.toThrow('enough');
  expect(bucket.waitMs(1)).toBe(1_000);
});

test('a refusal empties it, and each further one may double the pause, up to 20 seconds', () => {
  const clock = manualClock();
  const bucket = tokenBucket(clock, { burst: 50, perSecond: 1_000_000 });

  const pauses = Array.from({ length: 200 }, () => {
    bucket.refused();
    return bucket.waitMs(1);
  });

  expect(Math.max(...pauses)).toBeGreaterThan(10_000);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(20_000);
});

test('several hubs share the limits of the account in equal parts, below the published ones', () => {
  const one = buckets(manualClock(), { hubs: 1, buckets: {} })('StartInstances');
  const three = buckets(manualClock(), { hubs: 3, buckets: {} })('StartInstances');
  const raised = buckets(manualClock(), { hubs: 1, buckets: { StartInstances: { burst: 500, perSecond: 50 } } });

  // Published: 50 at once, 5 a second.
  expect([45, 46].map((n) => one.has(n))).toEqual([true, false]);
  expect([15, 16].map((n) => three.has(n))).toEqual([true, false]);
  expect(raised('StartInstances').has(400)).toBe(true);
});

test('everybody in the queue of launches has a place, in the order they came', async () => {
  const clock = manualClock();
  const turn = launchQueue(clock, [tokenBucket(clock, { burst: 2, perSecond: 1 })]);
  expect(['a', 'b', 'c', 'd'].map((key) => turn(key).place)).toEqual([0, 0, 1, 2]);
  expect(turn('d').waitMs).toBe(2_000);

  await clock.advance(1_000);
  // Whoever asks first does not overtake.
  expect(turn('d').place).toBe(2);
  expect(turn('c').place).toBe(0);
  expect(turn('d').place).toBe(1);
});

test('who does not ask any more loses the place', async () => {
  const clock = manualClock();
  const turn = launchQueue(clock, [tokenBucket(clock, { burst: 1, perSecond: 0.01 })]);
  turn('a');
  expect([turn('b').place, turn('c').place]).toEqual([1, 2]);

  await clock.advance(16_000);

  expect(turn('c').place).toBe(1);
});
