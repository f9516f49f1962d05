import { expect, test } from 'vitest';
import { NOTHING, toggle, togglePage } from './selection.ts';

const rows = ['a', 'b', 'c', 'd', 'e'];

test('a range goes from the row before to this one, either way, and gives all of it what this row gets', () => {
  const one = toggle(NOTHING, rows, 'd', false);
  const range = toggle(one, rows, 'b', true);
  const without = toggle(range, rows, 'c', true);

  expect([...range.keys].sort()).toEqual(['b', 'c', 'd']);
  expect([...without.keys]).toEqual(['d']);
});

test('an anchor on another page makes no range; rows of other pages stay chosen', () => {
  const earlier = toggle(NOTHING, ['x', 'y'], 'y', false);
  const here = toggle(earlier, rows, 'c', true);
  const page = togglePage(here, rows);

  expect([...here.keys]).toEqual(['y', 'c']);
  expect([...page.keys].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'y']);
  expect([...togglePage(page, rows).keys]).toEqual(['y']);
});
