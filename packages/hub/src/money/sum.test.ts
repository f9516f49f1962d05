import { describe, expect, test } from 'vitest';
import { monthOf, parseMonth, weekOf } from './period.ts';
import { csvOf, daysOf, linesBy } from './report.ts';
import { type Stretch, totalOf } from './sum.ts';

const NOV = monthOf(Date.UTC(2026, 10, 21));
const at = (day: number, hour = 0) => Date.UTC(2026, 10, day, hour);
const stretch = (change: Partial<Stretch>): Stretch => ({
  kind: 'compute',
  nanoPerHour: 41_600_000,
  since: at(10),
  until: at(10, 1),
  minimumMs: 0,
  ...change,
});
const entry = (change: Partial<Stretch> & { userName?: string | null; groups?: string[]; what?: string }) => ({
  ...stretch(change),
  key: 'k',
  source: 'hub' as const,
  what: 't3.medium',
  serverId: 's',
  serverName: '',
  userName: 'ada',
  groups: ['physics'],
  ...change,
});

describe('what adds up', () => {
  test('an hour costs its price; a second more costs a second more, and part of a second a whole one', () => {
    expect(totalOf([stretch({})], NOV, at(30)).dollars).toBe(0.0416);
    const second = totalOf([stretch({ nanoPerHour: 3_600_000_000_000, until: at(10) + 1_001 })], NOV, at(30));
    expect(second.dollars).toBe(2);
  });

  test('a start counts at least its minimum', () => {
    const short = stretch({ until: at(10) + 5_000, minimumMs: 60_000, nanoPerHour: 60_000_000_000 });
    expect(totalOf([short], NOV, at(30)).dollars).toBe(1);
  });

  test('a stretch over midnight of the first belongs to both months, and the parts make the whole', () => {
    const over = stretch({ since: Date.UTC(2026, 9, 31, 23), until: Date.UTC(2026, 10, 1, 2), nanoPerHour: 1e9 });
    expect(totalOf([over], monthOf(Date.UTC(2026, 9, 1)), at(30)).dollars).toBe(1);
    expect(totalOf([over], NOV, at(30)).dollars).toBe(2);
  });

  test('what has no price is counted apart, never as nothing', () => {
    const total = totalOf([stretch({ nanoPerHour: null }), stretch({})], NOV, at(30));
    expect(total).toEqual({ dollars: 0.0416, hours: 0, unknown: { count: 1, hours: 1 } });
  });

  test('what still runs counts until now; runs are hours, not money', () => {
    expect(totalOf([stretch({ kind: 'run', nanoPerHour: null, until: null })], NOV, at(10, 3)).hours).toBe(3);
  });

  test('a million stretches of a third of a cent do not lose one', () => {
    const many = Array.from({ length: 1_000_000 }, () => stretch({ nanoPerHour: 3_333_333 }));
    expect(totalOf(many, NOV, at(30)).dollars).toBe(3_333.333);
  });

  test('weeks begin on Monday and months on the first, in UTC, across a year', () => {
    const iso = ({ from, to }: { from: number; to: number }) =>
      [from, to].map((time) => new Date(time).toISOString().slice(0, 10));
    expect(iso(weekOf(Date.UTC(2026, 10, 22, 23, 59)))).toEqual(['2026-11-16', '2026-11-23']);
    expect(iso(weekOf(Date.UTC(2026, 10, 23)))).toEqual(['2026-11-23', '2026-11-30']);
    expect(iso(monthOf(Date.UTC(2026, 11, 31, 23)))).toEqual(['2026-12-01', '2027-01-01']);
    expect(iso(monthOf(Date.UTC(2026, 0, 31), -1))).toEqual(['2025-12-01', '2026-01-01']);
    expect(parseMonth('2026-13')).toBeUndefined();
  });
});

test('the days of a month together are the month, whatever runs over midnight', () => {
  const entries = [
    entry({ since: at(3, 22), until: at(5, 1), nanoPerHour: 1e9 }),
    entry({ since: at(29, 12), until: null, nanoPerHour: 1e9 }),
    entry({ kind: 'run', since: at(3, 22), until: at(4, 1), nanoPerHour: null }),
  ];
  const now = at(30, 1);
  const days = daysOf(entries, NOV, now);
  expect(days).toHaveLength(30);
  expect(days.map(({ dollars }) => dollars).filter(Boolean)).toEqual([2, 24, 1, 12, 1]);
  expect(days.reduce((sum, { hours }) => sum + hours, 0)).toBe(totalOf(entries, NOV, now).hours);
});

test('lines are the dearest first; one of two groups counts in both', () => {
  const entries = [entry({ groups: ['a', 'b'] }), entry({ groups: ['b'] }), entry({ groups: [], since: at(40) })];
  const lines = linesBy(entries, ({ groups }) => groups, NOV, at(30));
  expect(lines.map(({ name, dollars }) => [name, dollars])).toEqual([
    ['b', 0.0832],
    ['a', 0.0416],
  ]);
});

test('a name that looks like a formula stays text in the table, and a price nobody knows is an empty cell', () => {
  const text = csvOf(
    [
      entry({ userName: '=HYPERLINK("http://x","y")' }),
      entry({ userName: '-1+1', nanoPerHour: null, what: 'a,b\n"c"' }),
    ],
    NOV,
    at(30),
  );
  const [head, first, ...rest] = text.split('\r\n');
  expect(head).toBe('user,groups,server,kind,what,since,until,hours,dollars_per_hour,dollars');
  expect(first).toBe(
    `"'=HYPERLINK(""http://x"",""y"")",physics,(main),compute,t3.medium,2026-11-10T00:00:00.000Z,2026-11-10T01:00:00.000Z,1,0.0416,0.0416`,
  );
  expect(rest.join('\r\n')).toBe(
    `"'-1+1",physics,(main),compute,"a,b\n""c""",2026-11-10T00:00:00.000Z,2026-11-10T01:00:00.000Z,1,,\r\n`,
  );
});
