import { describe, type Machine } from '../machine.ts';
import type { BootsRow } from './boots.ts';
import type { LoginsRow } from './logins.ts';
import type { ManyRow } from './many.ts';
import type { RateRow } from './rates.ts';

/** What was measured; a scene that was left out is not there. */
export interface ApiResults {
  rates?: RateRow[];
  logins?: LoginsRow[];
  boots?: BootsRow[];
  many?: ManyRow[];
}

const ms = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1));
const thousandths = (value: number) => value.toFixed(3);
const whole = (value: number) => Math.round(value).toLocaleString('en');
const mebi = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)}`;
const times = (value: number) => (Number.isFinite(value) ? `${value.toFixed(1)} ×` : '');

/** A table whose first column is words and whose others are figures. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** The first hub's value, the second's, and how much better the first is; without a second hub, the first's alone. */
function beside<Row>(rows: readonly Row[], value: (row: Row) => number, better: 'more' | 'less', show = ms): string[] {
  const [first, second] = rows.map(value);
  if (first === undefined) return [];
  if (second === undefined) return [show(first)];
  return [show(first), show(second), times(better === 'more' ? first / second : second / first)];
}

function hubsOf(rows: readonly { hub: string }[]): string[] {
  const hubs = [...new Set(rows.map(({ hub }) => hub))];
  return hubs.length > 1 ? [...hubs, 'first is better by'] : hubs;
}

function ratesTable(rows: readonly RateRow[]): string {
  const kinds = [...new Set(rows.map(({ what }) => what))];
  const of = (what: string) => rows.filter((row) => row.what === what);
  const bad = rows
    .filter((row) => row.bad > 0)
    .map(({ hub, what, bad: count }) => `${hub}, ${what}: ${count} were refused.`);
  return [
    table(
      ['requests per second', ...hubsOf(rows)],
      kinds.map((what) => [what, ...beside(of(what), ({ perSecond }) => perSecond, 'more', whole)]),
    ),
    table(
      ['CPU of the hub for each, ms', ...hubsOf(rows)],
      kinds.map((what) => [what, ...beside(of(what), ({ cpu }) => cpu, 'less', thousandths)]),
    ),
    table(
      ['p95, ms', ...hubsOf(rows)],
      kinds.map((what) => [what, ...beside(of(what), ({ p95 }) => p95, 'less')]),
    ),
    ...bad,
  ].join('\n\n');
}

function loginsTable(rows: readonly LoginsRow[]): string {
  const failed = rows.flatMap(({ hub, failed: list }) => list.slice(0, 3).map((problem) => `${hub}: ${problem}`));
  const figures = [
    ['p50', ({ p50 }: LoginsRow) => p50],
    ['p95', ({ p95 }: LoginsRow) => p95],
    ['last', ({ max }: LoginsRow) => max],
  ] as const;
  return [
    table(
      [`${rows[0]?.browsers} browsers sign in at once, ms`, ...hubsOf(rows)],
      figures.map(([label, value]) => [label, ...beside(rows, value, 'less')]),
    ),
    ...failed,
  ].join('\n\n');
}

function bootsTable(rows: readonly BootsRow[]): string {
  const [first] = rows;
  return table(
    [
      `start with ${whole(first?.users ?? 0)} people and ${whole(first?.running ?? 0)} running servers`,
      ...hubsOf(rows),
    ],
    [
      ['healthy, ms', ...beside(rows, ({ healthy }) => healthy, 'less')],
      ['running servers answer, ms', ...beside(rows, ({ served }) => served, 'less')],
      ['memory of the hub, MiB', ...beside(rows, ({ peakRss }) => peakRss, 'less', mebi)],
    ],
  );
}

function manyTables(rows: readonly ManyRow[]): string {
  const databases = [...new Set(rows.map(({ database }) => database))];
  return databases.map((one) => manyTable(rows.filter(({ database }) => database === one))).join('\n\n');
}

function manyTable(rows: readonly ManyRow[]): string {
  const [small, large] = [rows[0], rows.at(-1)];
  if (!small || !large) return '';
  const head = (what: string) => [
    what,
    ...rows.map(({ users, running }) => `${whole(users)} people, ${whole(running)} servers`),
    'last to first',
  ];
  const kinds = Object.keys(small.rates);
  const figures = (label: string, of: (row: ManyRow) => number, show = ms) => [
    label,
    ...rows.map((row) => show(of(row))),
    times(of(large) / of(small)),
  ];
  return [
    table(head(`on ${small.database}`), [
      ...kinds.map((what) => figures(`${what}, p95, ms`, ({ rates }) => rates[what]?.p95 ?? Number.NaN)),
      ...kinds.map((what) => figures(`${what}, p50, ms`, ({ rates }) => rates[what]?.p50 ?? Number.NaN)),
      figures('start to healthy, ms', ({ healthy }) => healthy),
      figures('memory after the start, MiB', ({ bootRss }) => bootRss, mebi),
      figures('memory at the end, MiB', ({ peakRss }) => peakRss, mebi),
    ]),
    ...rows.flatMap(({ users, rates }) =>
      Object.entries(rates).flatMap(([what, { bad }]) =>
        bad > 0 ? [`${users} people, ${what}: ${bad} were refused.`] : [],
      ),
    ),
  ].join('\n\n');
}

/** One table per scene. */
export function asMarkdown(machine: Machine, { rates, logins, boots, many }: ApiResults): string {
  const parts = [
    describe(machine),
    rates?.length && ratesTable(rates),
    logins?.length && loginsTable(logins),
    boots?.length && bootsTable(boots),
    many?.length && manyTables(many),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}
