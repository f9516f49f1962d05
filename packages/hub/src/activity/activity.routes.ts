import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { recordReport } from './activity.service.ts';

const Report = z.object({
  servers: z.record(
    z.string(),
    z.object({ lastActivity: z.number().nonnegative(), lastWork: z.number().nonnegative() }),
  ),
});

/** The proxy's reports, on the control socket only. */
export const activityRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post('/activity', async (request, reply) => {
    const report = Report.safeParse(request.body);
    if (!report.success) return reply.code(400).send({ status: 400, message: z.prettifyError(report.error) });
    await recordReport(ctx, report.data);
    return reply.code(204).send();
  });
};
