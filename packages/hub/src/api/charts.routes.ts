import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { MOST_STEPS, readCharts } from '../rollups/charts.service.ts';
import { ChartsModel } from './atrium-models.ts';
import { isoTime, isoTimeOrNull } from './times.ts';

const Moment = z.iso.datetime({ offset: true }).or(z.iso.date());
const Query = z.object({
  since: Moment.optional().describe('`2026-11-21` or a time; without it, seven days before `until`.'),
  until: Moment.optional().describe('Without it, now.'),
  step: z.enum(['hour', 'day']).optional().describe('By the hour or by the day; without it, by how long it is.'),
});

const DAY_MS = 86_400_000;
const LENGTH = { hour: DAY_MS / 24, day: DAY_MS };
/** By the hour up to so long. */
const HOURS_UP_TO = 3 * DAY_MS;

/** What the charts of the administration page are drawn from: kept in the database, so that nothing else is needed. */
export const chartRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/atrium/charts', {
    config: { scopes: ['read:metrics'] },
    schema: { summary: 'Activity, starts and failures over time', querystring: Query, response: { 200: ChartsModel } },
    async handler({ query }) {
      const now = ctx.clock.now();
      const until = query.until === undefined ? now : Date.parse(query.until);
      const since = query.since === undefined ? until - 7 * DAY_MS : Date.parse(query.since);
      if (since >= until) throw new HubError('bad_request', '`since` must be before `until`.');
      const step = query.step ?? (until - since <= HOURS_UP_TO ? 'hour' : 'day');
      if ((until - since) / LENGTH[step] > MOST_STEPS) {
        throw new HubError('bad_request', `That is more than ${MOST_STEPS} ${step}s. Ask for less, or by the day.`);
      }
      const charts = await readCharts(ctx, since, until, step);
      const { histogram, perStep, ready, failed, p50, p90, p99 } = charts.starts;
      return {
        since: isoTime(since),
        until: isoTime(until),
        step,
        zone: charts.zone,
        activity: charts.activity.map((point) => ({ ...point, start: isoTime(point.start) })),
        starts: {
          ready,
          failed,
          seconds: { p50, p90, p99 },
          histogram,
          per_step: perStep.map((point) => ({ ...point, start: isoTime(point.start) })),
        },
        failures: charts.failures.map(({ lastAt, ...rest }) => ({ ...rest, last_at: isoTime(lastAt) })),
        complete_since: isoTimeOrNull(charts.completeSince),
      };
    },
  });
};
