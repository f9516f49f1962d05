import { beforeAll, expect, test, vi } from 'vitest';

beforeAll(() => {
  vi.stubGlobal('addEventListener', () => {});
});

test.each([
  ['', 'overview', ''],
  ['/', 'overview', ''],
  ['/people', 'people', ''],
  ['/people/ada%40example.org', 'person', 'ada@example.org'],
  ['/people/100%25', 'person', '100%'],
  ['/people/%E0%A4%A', 'person', '%E0%A4%A'],
  ['/groups/a', 'group', 'a'],
  ['/servers/ada', 'unknown', 'ada'],
  ['/nowhere', 'unknown', ''],
  ['/people/a/b', 'unknown', ''],
])('%s is %s %s', async (path, view, name) => {
  const { placeOf } = await import('./router.tsx');

  expect(placeOf(path)).toEqual({ view, name });
});
