import { expect, test } from 'vitest';
import type { Result } from './measure.ts';
import { asMarkdown, goalsOf } from './report.ts';

const result = (kind: string, servers: number, factor: number): Result => ({
  kind,
  title: kind === 'warm' ? 'Atrium, warm' : 'Atrium, cold',
  servers,
  answer: { p50: 400 * factor, max: 500 * factor },
  allMs: 500 * factor,
  cpuPerStart: 300 * factor,
  pssPerServer: 60 * 2 ** 20 * (factor > 1 ? 2 : 1),
  kernels:
    servers === 1
      ? { firstResultMs: 900 * factor, ms: 200 * factor, pss: 90 * 2 ** 20, warm: kind === 'warm' ? 5 : 0 }
      : null,
  warmth: { warm: kind === 'warm' ? servers : 0, cold: {} },
});
const machine = { cpu: 'a CPU', cores: 2, memoryGiB: 8, kernel: '6', node: '26', load: 0 };

test('the table has a column for each way to start, and how they compare', () => {
  const facts = { ...machine, jupyterhub: '5', configurableHttpProxy: '5' };

  const table = asMarkdown(facts, 'Python', [result('warm', 1, 1), result('cold', 1, 6)]);

  expect(table).toContain('| one server | Atrium, warm | Atrium, cold | Atrium, cold : Atrium, warm |');
  expect(table).toContain('| start to first answer, median | 0.40 s | 2.40 s | 6.0 |');
  expect(table).toContain('| memory per server (PSS) | 60 MB | 120 MB | 2.0 |');
  expect(table).toContain('| signing in to first printed result | 0.90 s | 5.40 s | 6.0 |');
  expect(table).toContain('| another kernel to first printed result | 0.20 s | 1.20 s | 6.0 |');
  expect(table).toContain('| warm kernels | 5 | 0 |  |');
  expect(table).toContain('1 at once, times faster to the first answer: 6.00 (at least 5): met');
});

test('what was promised is held against a cold start of the same run', () => {
  const promised = (factor: number) => goalsOf([result('warm', 100, 1), result('cold', 100, factor)]);

  expect(promised(6).map(({ met }) => met)).toEqual([true, true, true]);
  expect(
    promised(3)
      .filter(({ met }) => !met)
      .map(({ what }) => what),
  ).toEqual(['times faster until all answer', 'CPU of a start, warm by cold']);
  expect(goalsOf([result('warm', 100, 1)])).toEqual([]);
});
