import { describe, type Machine } from '../hub/machine.ts';
import type { Result } from './measure.ts';

/** The goals that are held: what a warm start must be, beside a cold one of the same run. */
export interface Goal {
  servers: number;
  what: string;
  /** Warm by cold, or the other way round. */
  ratio: number;
  /** `most`: the ratio may not be more. */
  bound: 'most' | 'least';
  limit: number;
  met: boolean;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
const mebi = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;

const ROWS: readonly { label: string; of(result: Result): number | null; show(value: number): string }[] = [
  { label: 'start to first answer, median', of: ({ answer }) => answer.p50, show: seconds },
  { label: 'all answer after', of: ({ allMs }) => allMs, show: seconds },
  { label: 'CPU per start', of: ({ cpuPerStart }) => cpuPerStart, show: seconds },
  { label: 'memory per server (PSS)', of: ({ pssPerServer }) => pssPerServer, show: mebi },
  { label: 'signing in to first printed result', of: ({ kernels }) => kernels?.firstResultMs ?? null, show: seconds },
  { label: 'another kernel to first printed result', of: ({ kernels }) => kernels?.ms ?? null, show: seconds },
  { label: 'memory of one more server with two kernels (PSS)', of: ({ kernels }) => kernels?.pss ?? null, show: mebi },
];

/** A table per number of servers, then what was promised. */
export function asMarkdown(machine: Machine, python: string, results: readonly Result[]): string {
  const sizes = [...new Set(results.map(({ servers }) => servers))];
  const goals = goalsOf(results).map(
    ({ servers, what, ratio, bound, limit, met }) =>
      `- ${servers} at once, ${what}: ${ratio.toFixed(2)} (at ${bound} ${limit}): ${met ? 'met' : 'NOT MET'}`,
  );
  return `${[`${describe(machine)}; ${python}`, ...sizes.map((size) => table(size, results)), goals.join('\n')].join('\n\n')}\n`;
}

function table(servers: number, all: readonly Result[]): string {
  const results = all.filter((result) => result.servers === servers);
  const [first, ...others] = results;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = [
    servers === 1 ? 'one server' : `${servers} at once`,
    ...results.map(({ title }) => title),
    ...others.map(({ title }) => `${title} : ${first?.title}`),
  ];
  const rows = ROWS.filter(({ of }) => results.some((result) => of(result) !== null)).map(({ label, of, show }) => {
    const values = results.map(of);
    const ratios = values.slice(1).map((value) => ((value ?? Number.NaN) / (values[0] ?? Number.NaN)).toFixed(1));
    return line([label, ...values.map((value) => (value === null ? '–' : show(value))), ...ratios]);
  });
  const counted = (label: string, of: (result: Result) => number | undefined) =>
    line([label, ...results.map((result) => String(of(result) ?? '–')), ...others.map(() => '')]);
  const warm = [
    counted('warm starts', ({ warmth }) => warmth?.warm),
    ...(results.some(({ kernels }) => kernels) ? [counted('warm kernels', ({ kernels }) => kernels?.warm)] : []),
  ];
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows, ...warm].join('\n');
}

/** Of the sizes that were measured both ways. */
export function goalsOf(results: readonly Result[]): Goal[] {
  const goals: Goal[] = [];
  for (const warm of results.filter(({ kind }) => kind === 'warm')) {
    const { servers } = warm;
    const cold = results.find((one) => one.kind === 'cold' && one.servers === servers);
    if (!cold) continue;
    const add = (what: string, ratio: number, bound: Goal['bound'], limit: number) =>
      goals.push({ servers, what, ratio, bound, limit, met: bound === 'most' ? ratio <= limit : ratio >= limit });
    if (servers === 1) add('times faster to the first answer', cold.answer.p50 / warm.answer.p50, 'least', 5);
    if (servers >= 100) add('times faster until all answer', cold.allMs / warm.allMs, 'least', 4);
    add('CPU of a start, warm by cold', warm.cpuPerStart / cold.cpuPerStart, 'most', 0.25);
    if (servers >= 10) add('memory of a server, warm by cold', warm.pssPerServer / cold.pssPerServer, 'most', 0.55);
  }
  return goals;
}
