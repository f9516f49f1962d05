import { expect, test } from 'vitest';
import { CASES } from './cases.ts';
import { compare, type Outcome } from './compare.ts';
import { PEERS } from './peers.ts';
import { asMarkdown, goalsOf } from './report.ts';
import { soak } from './soak/soak.ts';

const quick = (names: readonly string[]) => CASES.filter(({ name }) => names.includes(name));

test('each proxy takes its turn in each case, and every figure is measured', async () => {
  const cases = quick(['get', 'bodies', 'ws', 'latency', 'tls']);
  const peers = PEERS.filter(({ name }) => name === 'atrium' || name === 'chp');

  const outcome = await compare({ cases, peers, rounds: 1, ms: 150, core: undefined, urgent: false, say: () => {} });

  expect(outcome.missing).toEqual([]);
  expect(outcome.results.map((result) => `${result.case} ${result.peer}`)).toEqual(
    cases.flatMap(({ name }) => [`${name} atrium`, `${name} chp`]),
  );
  for (const { case: name, median } of outcome.results) {
    const figures = cases.find((one) => one.name === name)!.figures.map((figure) => figure.name);
    expect(Object.keys(median).toSorted()).toEqual(figures.toSorted());
    expect(Object.values(median).every(Number.isFinite)).toBe(true);
  }
}, 120_000);

test('the table has a ratio for each other proxy, and says which goals are met', () => {
  const outcome: Outcome = {
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 8, kernel: '6', node: '26', load: 0 },
    versions: { Atrium: 'abc', nginx: '1.22' },
    rounds: 1,
    seconds: 1,
    results: [
      { case: 'get', peer: 'atrium', median: { us: 15, perSecond: 100 }, rounds: [] },
      { case: 'get', peer: 'nginx', median: { us: 10, perSecond: 100 }, rounds: [] },
    ],
    missing: [],
  };

  expect(asMarkdown(outcome)).toContain('| CPU per request, µs | 15.0 | 10.0 | 1.50 | ≤ 1.25 × nginx | no |');
  expect(goalsOf(outcome)).toEqual([{ case: 'get', figure: 'us', text: '≤ 1.25 × nginx', met: false }]);
});

test('after requests, websockets and route changes, the proxy has as many descriptors as before', async () => {
  const soaked = await soak({ requests: 2_000, websockets: 150, warm: 1_000, changes: 200, say: () => {} });

  expect(soaked.changes).toBeGreaterThan(0);
  expect(soaked.after.descriptors).toBe(soaked.before.descriptors);
  expect(soaked.after.memory).toBeLessThan(2 * soaked.before.memory);
}, 120_000);
