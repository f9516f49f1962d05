import { type CostInput, monthlyCost } from './estimate.ts';
import { BUILT_IN, HOURS_PER_MONTH, type PriceTable } from './prices.ts';

const CLASS = {
  users: 20,
  hours: 30,
  type: 't3.medium',
  rootGb: 8,
  homeGb: 10,
  snapshotGb: 5,
  egress: 'public-ip',
  manager: { type: 't3.small', diskGb: 16, dataGb: 20 },
  keepRoots: true,
} as const satisfies CostInput;

/** A class of 20, and one thing changed at a time. */
export const EXAMPLES: readonly (readonly [string, CostInput])[] = [
  ['20 people, a public address each', CLASS],
  ['the same through a NAT gateway', { ...CLASS, egress: 'nat' }],
  ['system disks dropped when unused for long', { ...CLASS, keepRoots: false }],
  [
    '200 people, system disks dropped, a t3.large as manager',
    { ...CLASS, users: 200, keepRoots: false, manager: { ...CLASS.manager, type: 't3.large' } },
  ],
  ['20 people, and nobody comes', { ...CLASS, hours: 0 }],
  ['20 machines left on day and night', { ...CLASS, hours: HOURS_PER_MONTH }],
  ['20 people with a graphics card each (g5.xlarge)', { ...CLASS, type: 'g5.xlarge', rootGb: 50 }],
];

const money = (amount: number | null, digits = 0): string =>
  amount === null ? 'unknown' : `$${amount.toFixed(digits)}`;

/** docs/aws/costs.md, computed by the same sum as `atrium cluster plan`, from the same table of prices. */
export function costPage(prices: PriceTable = BUILT_IN): string {
  const rows = EXAMPLES.map(([name, input]) => {
    const { compute, disks, egress, manager, total, perUserHour } = monthlyCost(input, prices);
    return `| ${name} | ${[compute, disks, egress, manager].map((part) => money(part)).join(' | ')} | **${money(total)}** | ${input.hours === 0 ? '–' : money(perUserHour, 3)} |`;
  });
  const of = (name: string) => monthlyCost(EXAMPLES.find(([each]) => each === name)![1], prices).total!;
  const always = of('20 machines left on day and night') / of('20 people, a public address each');
  const gateway = prices.natHour + prices.addressHour;
  const worth = Math.round((HOURS_PER_MONTH * gateway) / prices.addressHour / 10) * 10;
  const price = (type: string) => `${type} $${prices.perHour[type]}`;
  return `<!-- Generated from the program itself; \`npm run docs\` writes it anew. -->

# What it costs

Dollars a month in ${prices.region}, from the prices of ${prices.asOf}; each person works 30 hours a month, has a home of 10 GB and 5 GB of copies. \`atrium cluster plan\` makes the same sum for your own
numbers and asks AWS for the prices of your region. Traffic to the internet and taxes come on top. These are calculations from list prices; no bill has been compared with them yet.

| | machines | disks and copies | way out | manager | total | a person's hour |
|---|---|---|---|---|---|---|
${rows.join('\n')}

What to learn from it:

- Machines that stop by themselves are what makes this cheap: left on, the same class costs ${always.toFixed(0)} times as much.
- At the hours of a class, disks and the manager cost more than the machines. Small system disks, and dropping those of machines unused for weeks (\`homes.tiers\`), matter more than the type.
- A NAT gateway is ${money(HOURS_PER_MONTH * gateway)} a month whether anybody comes or not, and ${prices.natGb * 100} cents for each GB. It is cheaper than addresses of their own above ${worth.toLocaleString('en-US')} machine hours a month.
- An idle hour of ${price('g5.xlarge')} costs what ${Math.round(prices.perHour['g5.xlarge']! / prices.perHour['t3.medium']!)} hours of ${price('t3.medium')} do: give dear machines few idle minutes.
- After \`atrium cluster down\` only homes, their copies and the hub's disk cost; the command ends with that sum.

The prices used: ${['t3.small', 't3.medium', 't3.large', 'g5.xlarge'].map(price).join(', ')} an hour; gp3 disks $${prices.diskGbMonth} and snapshots $${prices.snapshotGbMonth} a GB and month; a public address $${prices.addressHour} an hour; a NAT gateway $${prices.natHour} an hour and $${prices.natGb} a GB.
`;
}
