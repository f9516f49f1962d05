import { expect, test } from 'vitest';
import { costPage, EXAMPLES } from './cost-page.ts';
import { monthlyCost } from './estimate.ts';
import { BUILT_IN } from './prices.ts';

test('the page about costs is what the program computes', async () => {
  await expect(costPage()).toMatchFileSnapshot('../../../docs/aws/costs.md');
});

test('a class of 20 by hand: machines, disks, addresses, manager', () => {
  const [, input] = EXAMPLES[0]!;
  const { compute, disks, egress, manager, total } = monthlyCost(input, BUILT_IN);
  expect(compute).toBeCloseTo(600 * 0.0416);
  expect(disks).toBeCloseTo(20 * (18 * 0.08 + 5 * 0.05));
  expect(egress).toBeCloseTo(600 * 0.005);
  expect(manager).toBeCloseTo(730 * (0.0208 + 0.005) + 36 * 0.08);
  expect(total).toBeCloseTo(compute! + disks + egress + manager!);
});

test('what has no known price has no sum', () => {
  const [, input] = EXAMPLES[0]!;
  expect(monthlyCost({ ...input, type: 'x9.huge' }, BUILT_IN)).toMatchObject({
    compute: null,
    total: null,
    perUserHour: null,
  });
});
