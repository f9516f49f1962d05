import { describe, type Machine } from './machine.ts';
import type { Result } from './storm.ts';

interface Row {
  label: string;
  show(result: Result): string;
  /** With a ratio of the second hub to the first, or the other way round where more is better. */
  ratio?: { of(result: Result): number; better: 'more' | 'less' };
}

const ms = (value: number) => (Number.isNaN(value) ? '–' : value >= 100 ? value.toFixed(0) : value.toFixed(1));
const mebi = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

const ROWS: readonly Row[] = [
  { label: 'ready', show: ({ ready }) => String(ready) },
  { label: 'refused (429, 5xx)', show: ({ refused }) => String(refused) },
  { label: 'failed otherwise', show: ({ failed }) => String(failed) },
  {
    label: 'starts per second',
    show: ({ startsPerSecond }) => startsPerSecond.toFixed(0),
    ratio: { of: ({ startsPerSecond }) => startsPerSecond, better: 'more' },
  },
  {
    label: 'arrival to own server, p50 / p95 / max, ms',
    show: ({ toReady: { p50, p95, max } }) => [p50, p95, max].map(ms).join(' / '),
    ratio: { of: ({ toReady }) => toReady.p95, better: 'less' },
  },
  {
    label: 'hub CPU per start, ms',
    show: ({ cpuPerStart }) => cpuPerStart.hub.toFixed(2),
    ratio: { of: ({ cpuPerStart }) => cpuPerStart.hub, better: 'less' },
  },
  {
    label: 'proxy CPU per start, ms',
    show: ({ cpuPerStart }) => cpuPerStart.proxy.toFixed(2),
    ratio: { of: ({ cpuPerStart }) => cpuPerStart.proxy, better: 'less' },
  },
  {
    label: 'health p50 / p99 / max, ms',
    show: ({ health: { p50, p99, max } }) => [p50, p99, max].map(ms).join(' / '),
    ratio: { of: ({ health }) => health.p99, better: 'less' },
  },
  { label: 'health asked / failures', show: ({ health }) => `${health.asked} / ${health.failures}` },
  {
    label: 'hub memory, peak RSS, MiB',
    show: ({ peakRss }) => mebi(peakRss),
    ratio: { of: ({ peakRss }) => peakRss, better: 'less' },
  },
  {
    label: 'start of the command to healthy, ms',
    show: ({ bootMs }) => ms(bootMs),
    ratio: { of: ({ bootMs }) => bootMs, better: 'less' },
  },
];

/** One table per class size; the ratio compares the first column with the second. */
export function asMarkdown(machine: Machine, results: readonly Result[]): string {
  const sizes = [...new Set(results.map(({ users }) => users))];
  return `${[describe(machine), ...sizes.map((users) => table(users, results))].join('\n\n')}\n`;
}

function table(users: number, all: readonly Result[]): string {
  const results = all.filter((result) => result.users === users);
  const [first, second] = results;
  const ratioOf = ({ ratio }: Row): string => {
    if (!ratio || !first || !second) return '';
    const [a, b] = [ratio.of(first), ratio.of(second)];
    return `${(ratio.better === 'more' ? a / b : b / a).toFixed(1)} ×`;
  };
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = [`${users} users`, ...results.map(({ hub }) => hub), ...(second ? ['first is better by'] : [])];
  return [
    line(head),
    line(head.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...ROWS.map((row) => line([row.label, ...results.map(row.show), ...(second ? [ratioOf(row)] : [])])),
  ].join('\n');
}
