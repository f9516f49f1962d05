import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { listEntries, totalOf } from '../money/ledger.service.ts';
import { csvOf, daysOf, linesBy } from '../money/report.ts';
import { answer, viewerOf } from './answer.ts';
import { ownerWithScope } from './servers-of.ts';
import { t } from './strings.ts';
import { costsPage } from './templates/costs.ts';
import { monthView, showsDollars } from './usage.routes.ts';

/** What everybody has used, for administrators. */
export const costsRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}admin/usage`;
  const config = { page: true } as const;
  const allowed = (request: FastifyRequest) =>
    ownerWithScope(ctx, viewerOf(request), ['admin-ui'], { user: undefined, server: '' });

  app.get(url, { config }, async (request, reply) => {
    await allowed(request);
    const now = ctx.clock.now();
    const { period, ...view } = monthView(request.query, now);
    const entries = await listEntries(ctx.db, period);
    const body = costsPage({
      ctx,
      ...view,
      people: linesBy(entries, ({ userName }) => [userName ?? ''], period, now),
      groups: linesBy(entries, ({ groups }) => (groups.length > 0 ? groups : ['']), period, now),
      kinds: linesBy(entries, ({ kind }) => (kind === 'run' ? [] : [kind]), period, now),
      days: daysOf(entries, period, now),
      total: totalOf(entries, period, now),
      dollars: showsDollars(ctx, entries),
    });
    return answer(ctx, request, reply, { title: t.costs.title, current: 'admin', wide: true }, body);
  });

  app.get(`${url}.csv`, { config }, async (request, reply) => {
    await allowed(request);
    const now = ctx.clock.now();
    const { period, monthKey } = monthView(request.query, now);
    return reply
      .headers({
        'cache-control': 'no-store',
        'content-disposition': `attachment; filename="use-${monthKey}.csv"`,
        'x-content-type-options': 'nosniff',
      })
      .type('text/csv; charset=utf-8')
      .send(csvOf(await listEntries(ctx.db, period), period, now));
  });
};
