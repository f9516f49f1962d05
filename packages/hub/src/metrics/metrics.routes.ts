import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { createExposition } from './exposition.ts';

/** What JupyterHub 5.5 and 6.1 call it; Prometheus reads it like 0.0.4. */
const TYPE = 'text/plain; version=1.0.0; charset=utf-8';

/** `{hub}metrics` and `{api}/metrics`: for holders of read:metrics, or for everybody where the config says so. */
export const metricsRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const exposition = createExposition(ctx);
  const config = ctx.config.metrics.public ? { public: true as const } : { scopes: ['read:metrics'] };
  for (const url of [`${ctx.urls.hub}metrics`, `${ctx.urls.api}/metrics`]) {
    app.get(
      url,
      { config, schema: { summary: 'Measurements of the hub, as text for Prometheus' } },
      async (_request, reply) => {
        const text = await exposition();
        return reply.header('cache-control', 'no-store').type(TYPE).send(text);
      },
    );
  }
};
