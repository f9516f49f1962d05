import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import type { BulkRow, LiveServer } from '../api/types.ts';
import { sortRows } from '../lib/sort-rows.ts';
import { Results } from './bulk.tsx';
import { ColumnChart, niceTop } from './chart.tsx';
import { stateOf } from './state.tsx';

test('a chart is a picture with its sentence, and the numbers as a table; nothing is styled inline', () => {
  const bars = [
    { label: '1', title: 'Monday', value: 3 },
    { label: '2', title: 'Tuesday', value: 12 },
  ];
  const html = renderToStaticMarkup(
    <ColumnChart
      title="People"
      summary="At most 12."
      bars={bars}
      table={{ head: ['Day', 'People'], rows: [['Monday', '3']] }}
    />,
  );

  expect(html).toContain('role="img" aria-label="At most 12."');
  expect(html).toMatch(/<th scope="row">Monday<\/th><td>3<\/td>/);
  expect(html).not.toMatch(/style=|NaN/);
  const empty = renderToStaticMarkup(<ColumnChart title="People" summary="Nobody." bars={[]} />);
  expect(empty).not.toContain('<svg');
});

test.each([
  [0, 1],
  [1, 1],
  [3, 5],
  [12, 20],
  [70, 100],
  [200, 200],
])('the scale of a chart whose most is %d ends at %d', (most, top) => {
  expect(niceTop(most)).toBe(top);
});

test('results that need a look come first, with their reasons', () => {
  const row = (name: string, outcome: BulkRow['outcome']): BulkRow => ({
    kind: 'person',
    name,
    outcome,
    code: null,
    message: `about ${name}`,
  });
  const html = renderToStaticMarkup(
    <Results rows={[row('ada', 'done'), row('bob', 'nothing'), row('emmy', 'failed')]} />,
  );

  expect(html.indexOf('about emmy')).toBeLessThan(html.indexOf('about ada'));
  expect(html).toMatch(/1 failed.*1 done.*1 already so/);
});

const server = (change: Partial<LiveServer>) =>
  ({
    key: 'ada/',
    user: 'ada',
    name: '',
    phase: 'ready',
    wanted: 'running',
    failure: null,
    queue_place: null,
    ...change,
  }) as LiveServer;

test('a state has one name: a wish to stop counts, a failure is a problem only once it is over', () => {
  const failure = { code: 'x', message: 'x', advice: null, at: '2026-11-21T12:00:00Z' };

  expect(stateOf(server({}))).toBe('running');
  expect(stateOf(server({ wanted: 'stopped' }))).toBe('stopping');
  expect(stateOf(server({ phase: 'stopped', wanted: 'stopped', failure }))).toBe('problem');
  expect(stateOf(server({ phase: 'queued', failure }))).toBe('queued');
});

test('servers that wait stand by their place; the same order backwards', () => {
  const rows = [10, 2, 1].map((place) => server({ key: `s${place}/`, phase: 'queued', queue_place: place }));

  expect(sortRows(rows, 'state').map(({ key }) => key)).toEqual(['s1/', 's2/', 's10/']);
  expect(sortRows(rows, '-state').map(({ key }) => key)).toEqual(['s10/', 's2/', 's1/']);
});
