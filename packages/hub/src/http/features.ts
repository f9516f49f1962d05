import type { FastifyPluginAsync } from 'fastify';
import { adminPageRoutes } from '../admin-page/admin-page.routes.ts';
import { apiRoutes } from '../api/index.ts';
import type { AppContext } from '../context.ts';
import { loginRoutes } from '../login/login.routes.ts';
import { metricsRoutes } from '../metrics/metrics.routes.ts';
import { oauthRoutes } from '../oauth/oauth.routes.ts';
import { pageRoutes } from '../pages/index.ts';
import { workerRoutes } from '../servers/workers/workers.routes.ts';
import { cspReportRoutes } from './csp-report.routes.ts';
import { readyRoutes } from './ready.routes.ts';

/** Every feature's routes; paths are absolute (`ctx.urls`). Add a line per feature. */
export const FEATURES: readonly FastifyPluginAsync<{ ctx: AppContext }>[] = [
  apiRoutes,
  oauthRoutes,
  loginRoutes,
  pageRoutes,
  adminPageRoutes,
  workerRoutes,
  readyRoutes,
  cspReportRoutes,
  metricsRoutes,
];
