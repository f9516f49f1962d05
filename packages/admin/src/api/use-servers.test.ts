import { expect, test } from 'vitest';
import type { LiveServer } from './types.ts';
import { withPulse } from './use-servers.ts';

const AT = '2026-11-21T12:00:10.000Z';
const server = (key: string, change: Partial<LiveServer> = {}) =>
  ({ key, usage: null, last_activity: '2026-11-21T11:00:00.000Z', ...change }) as LiveServer;
const table = (...rows: LiveServer[]) => new Map(rows.map((row) => [row.key, row]));

test('a pulse changes use and last activity of the servers it names, and of no others', () => {
  const rows = table(server('ada/'), server('bob/'));
  const usage = { memory: 5, memory_limit: null, cpu: null };

  const next = withPulse(rows, { usage: { 'ada/': usage, 'gone/': usage }, activity: { 'ada/': AT } }, AT);

  expect(next.get('ada/')).toMatchObject({ usage: { memory: 5, at: AT }, last_activity: AT });
  expect(next.get('bob/')).toBe(rows.get('bob/'));
  expect(next.size).toBe(2);
  expect(rows.get('ada/')?.usage).toBeNull();
});

test('use that is not measured any more is none, and an activity that is not known leaves the last one', () => {
  const used = { memory: 5, memory_limit: null, cpu: null, at: AT };
  const rows = table(server('ada/', { usage: used }));

  const next = withPulse(rows, { usage: { 'ada/': null }, activity: { 'ada/': null } }, AT);

  expect(next.get('ada/')).toMatchObject({ usage: null, last_activity: '2026-11-21T11:00:00.000Z' });
});
