import { expect, test } from 'vitest';
import { parseCases, written } from './corpus.ts';

test('bytes come through their spelling', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const text = `=== all bytes\nwhy each of them\ngets 400\n${written(bytes)}\n`;

  expect(parseCases(text, 'here')[0]).toMatchObject({ name: 'all bytes', why: 'each of them', gets: ['400'], bytes });
});

test('what repeats is written once, and what a hop does otherwise beside it', () => {
  const [one] = parseCases('# about\n=== a\nwhy b\ngets 202 ends\nbut nginx 400\n\\{3*a\\r}\\n\n', 'here');

  expect(one).toMatchObject({ gets: ['202', 'ends'], but: { nginx: '400' }, bytes: Buffer.from('a\ra\ra\r\n') });
});

test.each([
  ['=== a\ngets 400\nx', '"a" needs a line "why"'],
  ['=== a\nwhy b\nx', '"a" needs a line "why" and "gets"'],
  ['=== a\nwhy b\ngets 400\n\\q', 'a backslash that begins nothing'],
  ['=== a\nwhy b\ngets 400\n\u00e4', 'only printable ASCII'],
  ['x\n=== a\nwhy b\ngets 400\n', 'only lines with #'],
])('%j is refused: %s', (text, problem) => {
  expect(() => parseCases(text, 'here')).toThrow(problem);
});
