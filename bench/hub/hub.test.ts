import { expect, test } from 'vitest';
import { atrium } from './atrium.ts';
import { asMarkdown } from './report.ts';
import { storm } from './storm.ts';

test('a small class arrives at our hub: everybody gets a server, and everything is measured', async () => {
  const result = await storm(atrium, { users: 10, within: 0.2 });

  expect(result).toMatchObject({ users: 10, ready: 10, refused: 0, failed: 0, problems: [] });
  expect(result.cpuPerStart.hub).toBeGreaterThan(0);
  expect(result.peakRss).toBeGreaterThan(0);
  expect(result.health).toMatchObject({ failures: 0, asked: expect.any(Number) });
  expect(result.health.asked).toBeGreaterThan(0);
}, 120_000);

test('the table names each hub and how much better the first one is', () => {
  const result = (hub: string, startsPerSecond: number) => ({
    hub,
    users: 10,
    ready: 10,
    refused: 0,
    failed: 0,
    problems: [],
    wallMs: 2_000,
    startsPerSecond,
    toReady: { p50: 100, p95: 200, max: 300 },
    cpuPerStart: { hub: 2, proxy: 1, driver: 1 },
    peakRss: 100 * 2 ** 20,
    bootMs: 500,
    health: { asked: 40, failures: 0, p50: 1, p99: 2, max: 3 },
  });
  const machine = { cpu: 'a CPU', cores: 2, memoryGiB: 8, kernel: '6', node: '26', load: 0 };

  const table = asMarkdown({ ...machine, jupyterhub: '5', configurableHttpProxy: '5' }, [
    result('Ours', 400),
    result('Theirs', 40),
  ]);

  expect(table).toContain('| 10 users | Ours | Theirs | first is better by |');
  expect(table).toContain('| starts per second | 400 | 40 | 10.0 × |');
});
