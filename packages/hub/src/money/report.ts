import { csvLine } from '../csv.ts';
import type { Entry } from './ledger.service.ts';
import type { Period } from './period.ts';
import { countedMs, type Total, totalOf } from './sum.ts';

const DAY_MS = 86_400_000;

/** One line of a table: a person, a group, a server, a kind. */
export interface Line extends Total {
  name: string;
}

/** Splits entries by name; one with several names (a person in two groups) counts in each. Dearest first. */
export function linesBy(
  entries: readonly Entry[],
  names: (entry: Entry) => readonly string[],
  period: Period,
  now: number,
): Line[] {
  const parts = new Map<string, Entry[]>();
  for (const entry of entries) {
    for (const name of names(entry)) {
      const part = parts.get(name);
      if (part) part.push(entry);
      else parts.set(name, [entry]);
    }
  }
  return [...parts]
    .map(([name, part]) => ({ name, ...totalOf(part, period, now) }))
    .filter(({ dollars, hours, unknown }) => dollars > 0 || hours > 0 || unknown.count > 0)
    .toSorted((a, b) => b.dollars - a.dollars || b.hours - a.hours || a.name.localeCompare(b.name));
}

/** The days of a period (UTC), each with what it came to. Each row is looked at only for the days it touches. */
export function daysOf(entries: readonly Entry[], period: Period, now: number): (Total & Period)[] {
  const days = Array.from({ length: Math.round((period.to - period.from) / DAY_MS) }, (_, at) => ({
    from: period.from + at * DAY_MS,
    to: period.from + (at + 1) * DAY_MS,
    entries: [] as Entry[],
  }));
  for (const entry of entries) {
    const counted = countedMs(entry, period, now);
    if (counted === 0) continue;
    const begin = Math.max(entry.since, period.from);
    const last = Math.floor((begin + counted - 1 - period.from) / DAY_MS);
    for (let at = Math.floor((begin - period.from) / DAY_MS); at <= last; at += 1) days[at]?.entries.push(entry);
  }
  return days.map(({ from, to, entries: own }) => ({ from, to, ...totalOf(own, { from, to }, now) }));
}

const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
/** Enough digits for a minute of the cheapest machine. */
const rounded = (value: number) => Number(value.toFixed(6));

/** One row per thing and stretch (RFC 4180). A price that is not known is an empty cell, never 0. */
export function csvOf(entries: readonly Entry[], period: Period, now: number): string {
  const head = ['user', 'groups', 'server', 'kind', 'what', 'since', 'until', 'hours', 'dollars_per_hour', 'dollars'];
  const rows = entries.flatMap((entry) => {
    const ms = countedMs(entry, period, now);
    if (ms === 0) return [];
    const { dollars } = totalOf([entry], period, now);
    const { nanoPerHour } = entry;
    const priced = entry.kind !== 'run' && nanoPerHour !== null;
    return [
      [
        entry.userName,
        entry.groups.join(' '),
        entry.serverName === null ? null : entry.serverName || '(main)',
        entry.kind,
        entry.what,
        time(entry.since),
        time(entry.until),
        rounded(ms / 3_600_000),
        priced ? rounded(nanoPerHour / 1e9) : null,
        priced ? rounded(dollars) : null,
      ],
    ];
  });
  return [head, ...rows].map(csvLine).join('');
}
