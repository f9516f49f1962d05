import { expect, test } from 'vitest';
import { maxAgeOf, stopAfterOf } from './server.ts';

test.for([
  // its own, its owner's, its kind's, the hub's → what holds
  [null, null, null, 3600, 3600],
  [null, null, 900, 3600, 900],
  [null, null, 7200, 3600, 7200],
  [null, null, 0, 3600, 0],
  [null, 1800, 900, 3600, 900],
  [null, 600, 900, 3600, 600],
  [300, 1800, 900, 3600, 300],
  [null, 0, 900, 3600, 0],
  [null, 1800, 0, 3600, 1800],
  [1800, 0, null, 3600, 1800],
] as const)('idle stop: own %s, owner %s, kind %s, hub %s → %s', ([stopAfter, owner, kindStopAfter, hub, holds]) => {
  expect(stopAfterOf({ stopAfter, kindStopAfter }, owner, hub)).toBe(holds);
});

test('the greatest age of a kind holds, never included; else the one of the hub', () => {
  expect([null, 0, 600].map((kindMaxAge) => maxAgeOf({ kindMaxAge }, 86_400))).toEqual([86_400, 0, 600]);
});
