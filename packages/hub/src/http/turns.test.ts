import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loopTurns } from './turns.ts';

test('alone at once, together one a turn and in order', async () => {
  const inTurn = loopTurns();
  const seen: string[] = [];

  for (const name of ['a', 'b', 'c']) inTurn(() => seen.push(name));
  const atOnce = seen.join('');
  const after = [];
  for (let at = 0; at < 4; at += 1) {
    await turn();
    after.push(seen.join(''));
  }

  expect(atOnce).toBe('a');
  expect(after.at(-1)).toBe('abc');
  inTurn(() => seen.push('d'));
  expect(seen.join('')).toBe('abcd');
});
