import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { announcementRoutes } from './announcements.routes.ts';
import { bulkRoutes } from './bulk.routes.ts';
import { chartRoutes } from './charts.routes.ts';
import { liveServerRoutes } from './live-servers.routes.ts';
import { overviewRoutes } from './overview.routes.ts';
import { peopleRoutes } from './people.routes.ts';
import { peopleImportRoutes } from './people-import.routes.ts';
import { serverLogRoutes } from './server-log.routes.ts';

const ROUTES = [
  announcementRoutes,
  liveServerRoutes,
  peopleRoutes,
  bulkRoutes,
  peopleImportRoutes,
  chartRoutes,
  overviewRoutes,
  serverLogRoutes,
] as const;

/** What the administration page needs beside JupyterHub's endpoints. */
export const administrationRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  for (const routes of ROUTES) void app.register(routes, { ctx });
};
