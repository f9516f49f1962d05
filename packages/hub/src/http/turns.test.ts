import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loopTurns } from './turns.ts';

/** A queue of callers that each take so long, ms, and what it let through at the end of each turn. */
async function run(names: string, each: number) {
  let now = 0;
  const inTurn = loopTurns(() => now);
  const seen: string[] = [];
  const come = (name: string) =>
    inTurn(() => {
      seen.push(name);
      now += each;
    });
  for (const name of names) come(name);
  const after = [seen.join('')];
  while (seen.length < names.length) {
    await turn();
    after.push(seen.join(''));
  }
  await turn();
  await turn();
  come('z');
  return { after, last: seen.join('') };
}

test('who is quick goes through at once, all in one turn', async () => {
  expect(await run('abcdefgh', 0.1)).toEqual({ after: ['abcdefgh'], last: 'abcdefghz' });
});

test('when they take long, one goes through a turn, in order, and afterwards one that is alone goes at once', async () => {
  expect(await run('abcd', 10)).toEqual({ after: ['a', 'ab', 'abc', 'abcd'], last: 'abcdz' });
});

test('a turn that has had its time leaves the rest to the next ones, which take as many as fit', async () => {
  const { after, last } = await run('abcdefghijkl', 0.9);

  expect(last).toBe('abcdefghijklz');
  expect(after[0]).toBe('abc');
  // Nobody is overtaken, and later turns take several, too.
  expect(after.every((seen) => 'abcdefghijkl'.startsWith(seen))).toBe(true);
  expect(after.length).toBeLessThan(8);
});
