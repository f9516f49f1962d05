import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../context.ts';

const count = z.int().nonnegative();

const Figures = z.object({
  requests: count,
  refused: count,
  problems: z.record(z.string().regex(/^\d{3}$/), count),
  connections: count,
  upgraded: count,
  routes: count,
  routeVersion: z.int().nullable(),
});

/** What the proxy counts, on the control socket only. */
export const figuresRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post('/figures', async (request, reply) => {
    const figures = Figures.safeParse(request.body);
    if (!figures.success) return reply.code(400).send({ status: 400, message: z.prettifyError(figures.error) });
    ctx.vitals.recordFigures(figures.data);
    return reply.code(204).send();
  });
};
