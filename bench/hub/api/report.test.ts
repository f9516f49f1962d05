import { expect, test } from 'vitest';
import { asMarkdown } from './report.ts';
import { makeWorld } from './world.ts';

const machine = { cpu: 'a CPU', cores: 2, memoryGiB: 8, kernel: '6', node: '26', load: 0, jupyterhub: '5' };

test('each scene that ran has its table, with how much better the first hub is', () => {
  const rate = (hub: string, perSecond: number) => ({
    hub,
    what: 'GET /user',
    perSecond,
    p50: 1,
    p95: 20_000 / perSecond,
    p99: 3,
    answers: 9,
    bad: hub === 'Theirs' ? 2 : 0,
    bytes: 900,
    cpu: 900 / perSecond,
  });
  const many = (users: number, p95: number) => ({
    database: 'PostgreSQL' as const,
    users,
    running: users / 25,
    rates: { 'GET /users?limit=50': { perSecond: 9, p50: 1, p95, p99: 9, answers: 9, bad: 0, bytes: 9_000 } },
    healthy: 900,
    bootRss: 2 ** 27,
    peakRss: 2 ** 28,
  });

  const text = asMarkdown(
    { ...machine, configurableHttpProxy: '5' },
    { rates: [rate('Ours', 12_000), rate('Theirs', 1_000)], many: [many(500, 2), many(50_000, 3)] },
  );

  expect(text).toContain('| requests per second | Ours | Theirs | first is better by |');
  expect(text).toContain('| GET /user | 12,000 | 1,000 | 12.0 × |');
  expect(text).toContain('| GET /user | 0.075 | 0.900 | 12.0 × |');
  expect(text).toContain('| GET /user | 1.7 | 20.0 | 12.0 × |');
  expect(text).toContain('Theirs, GET /user: 2 were refused.');
  expect(text).toContain('| on PostgreSQL | 500 people, 20 servers | 50,000 people, 2,000 servers | last to first |');
  expect(text).toContain('| GET /users?limit=50, p95, ms | 2.0 | 3.0 | 1.5 × |');
  expect(text).not.toContain('sign in at once');
});

test('a world has as many people as asked for, and servers of different ones of them', () => {
  const { people, servers } = makeWorld(1_000, 40);

  expect(new Set(people).size).toBe(1_000);
  expect(new Set(servers.map(({ user }) => user)).size).toBe(40);
  expect(servers.every(({ user }) => people.includes(user))).toBe(true);
  expect(new Set(servers.map(({ token }) => token)).size).toBe(40);
});
