import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { notReady } from './ready.service.ts';

/** `{hub}health/ready`: 200, or 503 with reasons. `{hub}health` beside it only says that the process lives. */
export const readyRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.route({
    method: ['GET', 'HEAD'],
    url: `${ctx.urls.hub}health/ready`,
    config: { public: true },
    async handler(_request, reply) {
      const reasons = await notReady(ctx);
      return reply
        .code(reasons.length === 0 ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ ready: reasons.length === 0, reasons });
    },
  });
};
