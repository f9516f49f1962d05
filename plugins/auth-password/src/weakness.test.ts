import { expect, test } from 'vitest';
import { readCommonPasswords, weakness } from './weakness.ts';

const common = readCommonPasswords();
const problem = (password: string, name = 'ada') => weakness(name, password, { minLength: 10, common });

test.each([
  ['short', /at least 10/],
  ['ärmelkan', /at least 10/],
  ['password12', /guessed/],
  ['Password2026!', /guessed/],
  ['P@ssw0rd123', /guessed/],
  ['!!Dragon!!99', /guessed/],
  ['1q2w3e4r5t', /guessed/],
  ['iloveyou1234', /guessed/],
  ['let me in please', /guessed/],
  ['I love my dog', /guessed/],
  ['welcome2026', /guessed/],
  ['aaaaaaaaaaaa', /guessed/],
  ['kzkzkzkzkzkz', /Repetitions/],
  ['abcdefghijkl', /guessed|Repetitions/],
  ['poiuytrewqlkj', /guessed|Repetitions/],
  ['4567890123', /Repetitions/],
])('%s is refused', (password, why) => {
  expect(problem(password)).toMatch(why);
});

test('a user name of some length may not be part of it, a short one may not be all of it', () => {
  expect(problem('my-lovelace-pw', 'lovelace')).toMatch(/user name/);
  expect(problem('adamant quarrel stove', 'ada')).toBeNull();
  expect(problem('ada1234567', 'ada')).toMatch(/user name/);
});

test.each([
  'green otter paints trams',
  'xK9#mQ2vLp',
  'correct otter battery lamp',
  'пароль-длинный-свой',
  'Tr4mway of 1887',
])('%s will do', (password) => {
  expect(problem(password)).toBeNull();
});

test('the list is lower case, of some size, and has no blanks', () => {
  expect(common.size).toBeGreaterThan(1_000);
  expect([...common].filter((entry) => entry !== entry.toLowerCase() || /\s/.test(entry))).toEqual([]);
});
