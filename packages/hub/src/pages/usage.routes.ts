import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { type Entry, listEntries, totalOf } from '../money/ledger.service.ts';
import { limitState } from '../money/limits.service.ts';
import { monthName, monthOf, type Period, parseMonth } from '../money/period.ts';
import { linesBy } from '../money/report.ts';
import { once } from '../once.ts';
import { answer, fieldOf, viewerOf } from './answer.ts';
import { t } from './strings.ts';
import { usagePage } from './templates/usage.ts';

const longMonth = once(() => new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }));

/** The month of a page, and those around it: none after the one that goes on now. */
export function monthView(query: unknown, now: number) {
  const current = monthOf(now);
  const asked = parseMonth(fieldOf(query, 'month'));
  const period: Period = asked && asked.from <= current.from ? asked : current;
  return {
    period,
    month: longMonth().format(period.from),
    monthKey: monthName(period),
    months: {
      previous: monthName(monthOf(period.from, -1)),
      next: period.from < current.from ? monthName(monthOf(period.from, 1)) : undefined,
    },
  };
}

/** Whether dollars are shown: the spawner has prices, or had some when these rows were written. */
export function showsDollars({ spawner }: AppContext, entries: readonly Entry[]): boolean {
  return spawner.price !== undefined || spawner.meters !== undefined || entries.some(({ kind }) => kind !== 'run');
}

/** What a person has used. */
export const usageRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get(`${ctx.urls.hub}usage`, { config: { page: true } }, async (request, reply) => {
    const { user } = viewerOf(request);
    const now = ctx.clock.now();
    const { period, ...view } = monthView(request.query, now);
    const entries = await listEntries(ctx.db, period, user.name);
    const nameOf = ({ serverName }: Entry) =>
      serverName === null ? t.usage.noServer : serverName === '' ? t.usage.main : serverName;
    const body = usagePage({
      ctx,
      ...view,
      state: await limitState(ctx, { name: user.name, groups: user.groups }),
      lines: linesBy(entries, (entry) => [nameOf(entry)], period, now),
      total: totalOf(entries, period, now),
      dollars: showsDollars(ctx, entries),
    });
    return answer(ctx, request, reply, { title: t.usage.title }, body);
  });
};
