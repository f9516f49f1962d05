import type { PlanLine, Verdict } from './engine/run.ts';
import type { MonthlyCost } from './estimate.ts';
import type { Finding } from './preflight.ts';
import type { PriceTable } from './prices.ts';

const SIGNS: Record<Verdict, string> = {
  create: '+ make  ',
  adopt: '= adopt ',
  change: '~ change',
  none: '  keep  ',
  later: '> later ',
  blocked: '! BLOCKED',
};
const STATES = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export interface Plan {
  cluster: { name: string; id: string | null };
  account: string;
  region: string;
  lines: PlanLine[];
  findings: Finding[];
  cost: Record<'none' | 'expected' | 'always', MonthlyCost>;
  prices: { source: PriceTable['source']; asOf: string; region: string };
  blocked: boolean;
  changes: number;
}

export function planText(plan: Plan, users: number, hours: number): string {
  const { cluster, account, region } = plan;
  return [
    `Cluster "${cluster.name}" in account ${account}, ${region}${cluster.id ? ` (${cluster.id})` : ', new'}`,
    '',
    ...plan.lines
      .filter(({ id }) => id !== '–')
      .map(
        ({ verdict, title, id, note }) =>
          `${SIGNS[verdict]}  ${title}${id && verdict !== 'create' ? ` (${id})` : ''}${note ? `: ${note}` : ''}`,
      ),
    '',
    ...plan.findings.map(({ state, name, message }) => `${STATES[state]}  ${name}: ${message}`),
    '',
    costText(plan.cost, users, hours),
    pricesText(plan.prices, region),
    '',
    plan.blocked
      ? 'Something blocks; see above.'
      : plan.changes === 0
        ? 'Nothing to do.'
        : `${plan.changes} things to do: atrium cluster up`,
  ].join('\n');
}

export const pricesText = (prices: Plan['prices'], region: string): string =>
  prices.source === 'built-in'
    ? `Prices: built-in table of ${prices.region}, ${prices.asOf}${prices.region === region ? '' : `; ${region} may cost up to half as much again`}. Without traffic to the internet and taxes.`
    : `Prices: instances from the Pricing API, ${prices.asOf}; disks and addresses from the built-in table. Without traffic to the internet and taxes.`;

export const dollars = (amount: number | null): string => (amount === null ? 'price unknown' : `$${amount.toFixed(2)}`);

function costText(cost: Plan['cost'], users: number, hours: number): string {
  const rows = [
    ['a month in which', 'machines', 'disks', 'egress', 'manager', 'total'],
    ...(
      [
        ['nobody comes', cost.none],
        [`${users} people work ${hours} h each`, cost.expected],
        [`${users} machines run day and night`, cost.always],
      ] as const
    ).map(([name, { compute, disks, egress, manager, total }]) => [
      name,
      ...[compute, disks, egress, manager, total].map(dollars),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
    )
    .join('\n');
}
