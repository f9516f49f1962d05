import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { readJsonBodies } from '../http/body.ts';
import { apiMetricsRoutes } from '../metrics/metrics.routes.ts';
import { activityReportRoutes } from './activity.routes.ts';
import { administrationRoutes } from './administration.routes.ts';
import { auditApiRoutes } from './audit.routes.ts';
import { authorizationRoutes } from './authorizations.routes.ts';
import { groupRoutes } from './groups.routes.ts';
import { hubControlRoutes } from './hub-control.routes.ts';
import { progressRoutes } from './progress.routes.ts';
import { proxyRoutes } from './proxy.routes.ts';
import { rootRoutes } from './root.routes.ts';
import { serverRoutes } from './servers.routes.ts';
import { serviceRoutes } from './services.routes.ts';
import { shareCodeRoutes } from './share-codes.routes.ts';
import { receivedShareRoutes } from './shared.routes.ts';
import { shareRoutes } from './shares.routes.ts';
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
  shareRoutes,
  receivedShareRoutes,
  shareCodeRoutes,
  proxyRoutes,
  hubControlRoutes,
  apiMetricsRoutes,
  auditApiRoutes,
  administrationRoutes,
] as const;

/** The REST API below `{api}` (contract §3). */
export const apiRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  readJsonBodies(app);
  for (const routes of ROUTES) void app.register(routes, { ctx, prefix: ctx.urls.api });
};
