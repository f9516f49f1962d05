import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { readJsonBodies } from '../http/body.ts';
import { apiMetricsRoutes } from '../metrics/metrics.routes.ts';
import { activityReportRoutes } from './activity.routes.ts';
import { announcementRoutes } from './announcements.routes.ts';
import { auditApiRoutes } from './audit.routes.ts';
import { authorizationRoutes } from './authorizations.routes.ts';
import { groupRoutes } from './groups.routes.ts';
import { hubControlRoutes } from './hub-control.routes.ts';
import { describeRoutes } from './openapi.ts';
import { progressRoutes } from './progress.routes.ts';
import { proxyRoutes } from './proxy.routes.ts';
import { rootRoutes } from './root.routes.ts';
import { serverRoutes } from './servers.routes.ts';
import { serviceRoutes } from './services.routes.ts';
import { stayApiRoutes } from './stay.routes.ts';
import { usageApiRoutes } from './usage.routes.ts';
import { userTokenRoutes } from './user-tokens.routes.ts';
import { userRoutes } from './users.routes.ts';

const ROUTES = [
  rootRoutes,
  authorizationRoutes,
  userRoutes,
  userTokenRoutes,
  groupRoutes,
  activityReportRoutes,
  serverRoutes,
  progressRoutes,
  stayApiRoutes,
  usageApiRoutes,
  serviceRoutes,
  proxyRoutes,
  hubControlRoutes,
  apiMetricsRoutes,
  auditApiRoutes,
  announcementRoutes,
] as const;

/** The REST API below `{api}` (contract §3). */
export const apiRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  readJsonBodies(app);
  const describe = describeRoutes(app, ctx);
  app.get(`${ctx.urls.api}/openapi.json`, { config: { public: true } }, async () => describe());
  for (const routes of ROUTES) void app.register(routes, { ctx, prefix: ctx.urls.api });
};
