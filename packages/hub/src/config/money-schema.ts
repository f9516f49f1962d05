import { z } from 'zod';
import { Duration } from './duration.ts';

const amount = (what: string) => z.number().nonnegative().nullable().optional().describe(`${what} null for no limit.`);

/** What one person may use. A key that is not written says nothing; the next rule decides. */
const Limit = z.strictObject({
  dollarsPerMonth: amount('Dollars in a calendar month, UTC.'),
  hoursPerWeek: amount('Hours that servers run in a week, Monday to Sunday, UTC.'),
  concurrentServers: amount('How many servers may be on at the same time.'),
  maxPerHour: amount('Most dollars an hour that one server may cost.'),
});

/** What one person may use, as the operator wrote it. */
export type LimitRule = z.output<typeof Limit>;

const OnExceeded = z.union([
  z.literal('refuse'),
  z.strictObject({ stopAfter: Duration.describe('How long a server goes on after the limit is used up.') }),
]);

/** `limits`: money, hours and servers per person. */
export const Limits = z.strictObject({
  default: Limit.prefault({}).describe('For everybody.'),
  groups: z
    .record(z.string(), Limit)
    .default({})
    .describe('By group; of several groups of a person the most generous holds, key by key.'),
  users: z.record(z.string(), Limit).default({}).describe('By person; wins over groups, key by key.'),
  onExceeded: OnExceeded.default('refuse').describe(
    "'refuse': no new starts, what runs goes on. { stopAfter: '30m' }: what runs is stopped after that time, with a warning.",
  ),
});
