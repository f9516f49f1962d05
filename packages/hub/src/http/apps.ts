import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync, LogController } from 'fastify';
import { activityRoutes } from '../activity/activity.routes.ts';
import { documentApi } from '../api/openapi/index.ts';
import type { AppContext } from '../context.ts';
import { figuresRoutes } from '../metrics/figures.routes.ts';
import { routeStreamRoutes } from '../routes/routes.routes.ts';
import { buildApp, OWN_COMPILERS } from './app.ts';
import { FEATURES } from './features.ts';
import { sendHealth } from './health.ts';

/** What browsers, servers and API clients reach. Every feature's routes are listed in features.ts. */
export function buildPublicApp(ctx: AppContext): FastifyInstance {
  return buildApp(ctx, (app) => {
    documentApi(app, ctx);
    for (const routes of FEATURES) void app.register(routes, { ctx });
  });
}

/** What only the proxy and the command on this machine reach, by a socket of their own. */
export function buildControlApp(ctx: AppContext, extra?: FastifyPluginAsync<{ ctx: AppContext }>): FastifyInstance {
  const app = fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 16 * 1024 * 1024,
    schemaController: OWN_COMPILERS,
  });
  void app.register(routeStreamRoutes, { ctx });
  void app.register(activityRoutes, { ctx });
  void app.register(figuresRoutes, { ctx });
  // What the proxy asks here when somebody asks for it.
  app.route({
    method: ['GET', 'HEAD'],
    url: `${ctx.urls.hub}health`,
    handler: (_, reply) => sendHealth(reply),
  });
  if (extra) void app.register(extra, { ctx });
  return app as unknown as FastifyInstance;
}
