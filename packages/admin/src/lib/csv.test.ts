import { expect, test } from 'vitest';
import { csvText } from './csv.ts';

test('cells are quoted where needed, and none is a formula', () => {
  expect(
    csvText([
      ['name', 'link'],
      ['a,"b"', '=1+1'],
    ]),
  ).toBe('name,link\r\n"a,""b""","\'=1+1"\r\n');
});
