import { expect, test } from 'vitest';
import { DIFFERENT_ROWS } from './differences.ts';
import { ROWS } from './rows.ts';
import { SECTIONS } from './sections.ts';

const tested = SECTIONS.flatMap(({ tests }) => tests.flatMap(({ ids }) => ids));

test('every row of the contract has a test', () => {
  expect(Object.keys(ROWS).filter((id) => !tested.includes(id))).toEqual([]);
});

test('every test and every difference is of a row, and no row is tested under two names', () => {
  expect([...tested, ...DIFFERENT_ROWS].filter((id) => !Object.hasOwn(ROWS, id))).toEqual([]);
  expect(tested.filter((id, at) => tested.indexOf(id) !== at)).toEqual([]);
});
