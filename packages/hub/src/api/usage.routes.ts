import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type Entry, listEntries, type Total, totalOf } from '../money/ledger.service.ts';
import { limitState, warningOf } from '../money/limits.service.ts';
import { MONTH, monthName, monthOf, type Period, parseMonth } from '../money/period.ts';
import { csvOf, linesBy } from '../money/report.ts';
import { UserParams } from './models.ts';
import { userNamed } from './users.service.ts';

const Query = z.object({
  month: z.string().meta({ pattern: MONTH.source }).optional().describe('`2026-11`, UTC; without it, this month.'),
});

const Figures = z.object({
  dollars: z.number().describe('Without what has no known price.'),
  hours: z.number().describe('Hours that servers ran.'),
  unknown: z
    .object({ count: z.number(), hours: z.number() })
    .describe('Things without a known price: never counted as 0 dollars.'),
});
const Named = Figures.extend({ name: z.string() });
const Limit = z.number().nullable().describe('null for no limit.');

const UserUsage = z
  .object({
    user: z.string(),
    month: z.string(),
    total: Figures,
    servers: z.array(Named).describe("By server; '' for the default one, `*` for what belongs to none."),
    limits: z.object({
      dollarsPerMonth: Limit,
      hoursPerWeek: Limit,
      concurrentServers: Limit,
      maxPerHour: Limit,
    }),
    this_week: z.object({ hours: z.number(), renews: z.string() }),
    this_month: z.object({ dollars: z.number(), renews: z.string() }),
    warning: z.string().nullable().describe('From 80 % of a limit on.'),
  })
  .meta({ title: 'UserUsage' });

const AllUsage = z
  .object({
    month: z.string(),
    total: Figures,
    users: z.array(Named).describe("'' for what is everybody's."),
    groups: z.array(Named).describe("Somebody in two groups counts in both; '' for nobody's group."),
    kinds: z.array(Named),
  })
  .meta({ title: 'Usage' });

const iso = (at: number) => new Date(at).toISOString();
const figures = ({ dollars, hours, unknown }: Total): Total => ({ dollars, hours, unknown });

function periodOf(month: string | undefined, now: number): Period {
  if (month === undefined) return monthOf(now);
  const period = parseMonth(month);
  if (!period) throw new HubError('bad_request', `Not a month: ${month}. Write one as 2026-11.`);
  return period;
}

/** What people have used: the figures of the pages. */
export const usageApiRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/atrium/users/:user/usage', {
    config: { scopes: ['read:users'] },
    schema: {
      summary: 'What a person has used, and may use',
      params: UserParams,
      querystring: Query,
      response: { 200: UserUsage },
    },
    async handler(request) {
      const now = ctx.clock.now();
      const period = periodOf(request.query.month, now);
      const user = await userNamed(ctx, request.params.user);
      const entries = await listEntries(ctx.db, period, user.name);
      const state = await limitState(ctx, user);
      return {
        user: user.name,
        month: monthName(period),
        total: figures(totalOf(entries, period, now)),
        servers: linesBy(entries, ({ serverName }) => [serverName ?? '*'], period, now),
        limits: state.limits,
        this_week: { hours: state.hours, renews: iso(state.week.to) },
        this_month: { dollars: state.dollars, renews: iso(state.month.to) },
        warning: warningOf(state) ?? null,
      };
    },
  });

  async function all(month: string | undefined): Promise<{ entries: Entry[]; period: Period; now: number }> {
    const now = ctx.clock.now();
    const period = periodOf(month, now);
    return { entries: await listEntries(ctx.db, period), period, now };
  }

  app.get('/atrium/usage', {
    config: { scopes: ['admin:users'] },
    schema: { summary: 'What everybody has used', querystring: Query, response: { 200: AllUsage } },
    async handler(request) {
      const { entries, period, now } = await all(request.query.month);
      return {
        month: monthName(period),
        total: figures(totalOf(entries, period, now)),
        users: linesBy(entries, ({ userName }) => [userName ?? ''], period, now),
        groups: linesBy(entries, ({ groups }) => (groups.length > 0 ? groups : ['']), period, now),
        kinds: linesBy(entries, ({ kind }) => (kind === 'run' ? [] : [kind]), period, now),
      };
    },
  });

  app.get('/atrium/usage.csv', {
    config: { scopes: ['admin:users'] },
    schema: {
      summary: 'What everybody has used, one row per thing and stretch, as text/csv',
      querystring: Query,
      answers: { 200: { type: 'text/csv', description: 'A table with a line of headings' } },
    },
    async handler(request, reply) {
      const { entries, period, now } = await all(request.query.month);
      return reply.type('text/csv; charset=utf-8').send(csvOf(entries, period, now));
    },
  });
};
