import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import type { AppContext } from '../context.ts';
import type { RouteAccess } from '../http/guard.ts';
import { expositionOf } from './exposition.ts';

/** What JupyterHub 5.5 and 6.1 call it; Prometheus reads it like 0.0.4. */
const TYPE = 'text/plain; version=1.0.0; charset=utf-8';

function accessOf({ config }: AppContext): RouteAccess {
  return config.metrics.public ? { public: true } : { scopes: ['read:metrics'] };
}

async function sendMetrics(ctx: AppContext, reply: FastifyReply): Promise<FastifyReply> {
  const text = await expositionOf(ctx)();
  return reply.header('cache-control', 'no-store').type(TYPE).send(text);
}

/** `{hub}metrics`: for holders of read:metrics, or for everybody where the config says so. */
export const metricsRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get(`${ctx.urls.hub}metrics`, { config: accessOf(ctx) }, async (_request, reply) => sendMetrics(ctx, reply));
};

/** The same below `{api}`. */
export const apiMetricsRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const schema = {
    summary: 'Measurements of the hub, as text for Prometheus',
    answers: { 200: { type: 'text/plain', description: 'The exposition format' } },
  };
  app.get('/metrics', { config: accessOf(ctx), schema }, async (_request, reply) => sendMetrics(ctx, reply));
};
