import { expect, test } from 'vitest';
import { validServerName } from './server.ts';
import { serverSlug } from './slug.ts';

const x = (count: number) => 'x'.repeat(count);

test.each([
  // Of these texts, what JupyterHub 6.1 makes.
  ['z9', 'z9'],
  ['jupyter-alex', 'jupyter-alex-651dec0a'],
  ['jupyter-Alex', 'jupyter-alex-3a1c285c'],
  ['jupyter-üni', 'jupyter-uni-a5aaf5dd'],
  ['user-_@_emailß.com', 'user-email-com-7e3a7efd'],
  ['has.dot', 'has-dot-03e27fdf'],
  ['üser-🐧½', 'user-1-2-f3e0bac6'],
  ['a-b--c-d', 'a-b-c-d-ee1e7bc7'],
  ['9z9', 'x-9z9-224de202'],
  ['-start', 'start-f587e2dc'],
  ['endswith-', 'endswith-165f1166'],
  [x(30), x(30)],
  [x(31), `${x(21)}-0f46e4b0`],
  [`${x(29)}-`, `${x(21)}-bf57e3d7`],
  ['1234567890'.repeat(3), 'x-1234567890123456789-f54e5c8f'],
])('the server that somebody calls %s is %s', (text, name) => {
  expect(serverSlug(text)).toBe(name);
  expect(validServerName(name)).toBe(true);
});

test('what has no plain letter has a name all the same', () => {
  expect(serverSlug('論文')).toMatch(/^x-[0-9a-f]{8}$/);
});
