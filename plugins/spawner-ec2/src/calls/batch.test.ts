import { manualClock } from '@atrium/sdk/testing';
import { expect, test } from 'vitest';
import { batcher, bisect } from './batch.ts';

test('what is asked for in one window is one call; the same key twice is one key', async () => {
  const clock = manualClock();
  const calls: string[][] = [];
  const ask = batcher<string>({
    clock,
    windowMs: 200,
    most: 100,
    async run(keys) {
      calls.push(keys);
      return new Map(keys.map((key) => [key, { value: key.toUpperCase() }]));
    },
  });

  const early = Promise.all([ask('a'), ask('b'), ask('a')]);
  await clock.advance(200);
  const late = ask('c');
  await clock.advance(200);

  expect(await early).toEqual(['A', 'B', 'A']);
  expect(await late).toBe('C');
  expect(calls).toEqual([['a', 'b'], ['c']]);
});

test('250 keys are three calls of at most 100', async () => {
  const clock = manualClock();
  const sizes: number[] = [];
  const ask = batcher<void>({
    clock,
    windowMs: 200,
    most: 100,
    async run(keys) {
      sizes.push(keys.length);
      return new Map(keys.map((key) => [key, { value: undefined }]));
    },
  });

  const all = Promise.all(Array.from({ length: 250 }, (_, n) => ask(`i-${n}`)));
  await clock.advance(200);
  await all;

  expect(sizes).toEqual([100, 100, 50]);
});

test('one bad key of a hundred fails alone, in at most 15 calls', async () => {
  const keys = Array.from({ length: 100 }, (_, n) => `i-${n}`);
  let calls = 0;
  const outcomes = await bisect(
    keys,
    async (part) => {
      calls += 1;
      if (part.includes('i-37')) throw new Error('one of these is bad');
    },
    () => true,
  );

  expect([...outcomes].filter(([, outcome]) => 'error' in outcome).map(([key]) => key)).toEqual(['i-37']);
  expect(calls).toBeLessThanOrEqual(15);
});

test('a failure that is nobody’s fault is not tried in halves', async () => {
  let calls = 0;
  const outcomes = await bisect(
    ['a', 'b', 'c', 'd'],
    async () => {
      calls += 1;
      throw new Error('the network is down');
    },
    () => false,
  );

  expect(calls).toBe(1);
  expect([...outcomes.values()].every((outcome) => 'error' in outcome)).toBe(true);
});

test('what strikes all of a kind is told apart by a few halvings, not by a call for each', async () => {
  const keys = Array.from({ length: 100 }, (_, n) => `i-${n}`);
  let calls = 0;
  await bisect(
    keys,
    async () => {
      calls += 1;
      throw new Error('no machine of this type is free');
    },
    (_, depth) => depth < 3,
  );

  expect(calls).toBe(15);
});
