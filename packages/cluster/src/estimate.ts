import type { ClusterConfig } from './config.ts';
import { HOURS_PER_MONTH, type PriceTable } from './prices.ts';

/** What a month costs, in dollars. `null`: a price is not known, so the sum is not either. */
export interface MonthlyCost {
  compute: number | null;
  disks: number;
  egress: number;
  manager: number | null;
  total: number | null;
  /** Per hour that one person works; null when nobody does. */
  perUserHour: number | null;
}

export interface CostInput {
  users: number;
  /** Hours a month that one person's machine runs. */
  hours: number;
  /** Type of people's machines. */
  type: string;
  rootGb: number;
  homeGb: number;
  snapshotGb: number;
  egress: ClusterConfig['egress'];
  manager: { type: string; diskGb: number; dataGb: number };
  /** Whether system disks of stopped machines are kept. */
  keepRoots: boolean;
}

/** A month of a cluster, by one sum; docs and `plan` use the same. */
export function monthlyCost(input: CostInput, prices: PriceTable): MonthlyCost {
  const { users, hours } = input;
  const rate = prices.perHour[input.type];
  const managerRate = prices.perHour[input.manager.type];
  const compute = users === 0 || hours === 0 ? 0 : rate === undefined ? null : users * hours * rate;
  // A machine that runs has its root, kept or not.
  const rootShare = input.keepRoots ? 1 : hours / HOURS_PER_MONTH;
  const disks =
    users *
    ((input.rootGb * rootShare + input.homeGb) * prices.diskGbMonth + input.snapshotGb * prices.snapshotGbMonth);
  const egress =
    input.egress === 'public-ip'
      ? users * hours * prices.addressHour
      : input.egress === 'nat'
        ? HOURS_PER_MONTH * (prices.natHour + prices.addressHour)
        : 0;
  const manager =
    managerRate === undefined
      ? null
      : HOURS_PER_MONTH * (managerRate + prices.addressHour) +
        (input.manager.diskGb + input.manager.dataGb) * prices.diskGbMonth;
  const total = compute === null || manager === null ? null : compute + disks + egress + manager;
  const worked = users * hours;
  return {
    compute,
    disks,
    egress,
    manager,
    total,
    perUserHour: total === null || worked === 0 ? null : total / worked,
  };
}

/** The three months of a plan: nobody comes, what is expected, all machines day and night. */
export function estimates(
  config: ClusterConfig,
  prices: PriceTable,
): Record<'none' | 'expected' | 'always', MonthlyCost> {
  const { users, hoursPerMonth, homeGb, snapshotGb } = config.expect;
  const profile = config.profiles[0];
  const input = {
    users,
    type: profile?.types[0] ?? 't3.medium',
    rootGb: profile?.rootGb ?? 8,
    homeGb,
    snapshotGb,
    egress: config.egress,
    manager: config.manager,
    keepRoots: true,
  };
  return {
    none: monthlyCost({ ...input, hours: 0 }, prices),
    expected: monthlyCost({ ...input, hours: hoursPerMonth }, prices),
    always: monthlyCost({ ...input, hours: HOURS_PER_MONTH }, prices),
  };
}
