import { expect, test } from 'vitest';
import { NameTable } from './fields.ts';

const long = `x-${'a'.repeat(70)}`;

test.each([
  ['x-user', 'X-User', true],
  ['x-1', 'X-1', true],
  ['x_user', 'X_User', true],
  ['x^~', 'X^~', true],
  ['x^~', 'x~^', false],
  ['x~', 'x^', false],
  ['x_user', 'x-user', false],
  ['x-user', 'x_user', false],
  [long, long.toUpperCase(), true],
  [long, `${long}b`, false],
])('a table of %s knows %s: %s', (name, asked, known) => {
  const names = new NameTable({ [name]: 'drop' });

  expect(names.get(`${asked}: 1`, 0, asked.length)).toBe(known ? 'drop' : undefined);
});

test.each([
  ['X_Real_IP', 'drop'],
  ['x-real_ip', 'drop'],
  ['X-Real-IP', 'expect'],
  ['X-Real^IP', undefined],
  ['X_Real_IQ', undefined],
])('to a table that knows likeness %s is %s', (asked, taken) => {
  const names = new NameTable({ 'x-real-ip': 'expect' }, true);

  expect(names.get(`${asked}: 1`, 0, asked.length)).toBe(taken);
});
