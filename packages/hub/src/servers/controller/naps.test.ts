import { systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { naps } from './naps.ts';

const LONG_MS = 3_600_000;
const { signal } = new AbortController();

test('a pause ends when its start is woken, and not when another is', async () => {
  const resting = naps(systemClock);
  using mine = resting.of('a');
  using other = resting.of('b');
  let slept = false;

  const otherOver = new AbortController();
  const theirs = other.sleep(LONG_MS, otherOver.signal).then(() => {
    slept = true;
  });
  const pause = mine.sleep(LONG_MS, signal);
  resting.wake('a');
  await pause;

  expect(slept).toBe(false);
  otherOver.abort();
  await theirs;
});

test('a wake-up between two pauses is not lost, and counts once', async () => {
  const resting = naps(systemClock);
  using nap = resting.of('a');
  resting.wake('a');
  await nap.sleep(LONG_MS, signal);

  const began = performance.now();
  const idle = await nap.sleep(30, signal);

  expect(performance.now() - began).toBeGreaterThan(25);
  expect(idle).toBeGreaterThan(25);
  expect(idle).toBeLessThanOrEqual(30);
});

test('what is over cannot be woken', () => {
  const resting = naps(systemClock);
  resting.of('a')[Symbol.dispose]();
  expect(() => resting.wake('a')).not.toThrow();
});
