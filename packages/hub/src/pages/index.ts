import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { acceptShareRoutes } from './accept-share.routes.ts';
import { adminRoutes } from './admin.routes.ts';
import { auditRoutes } from './audit.routes.ts';
import { calendarRoutes } from './calendar.routes.ts';
import { changeRoutes } from './change.routes.ts';
import { costsRoutes } from './costs.routes.ts';
import { groupsRoutes } from './groups.routes.ts';
import { homeRoutes } from './home.routes.ts';
import { publicRoutes } from './public.routes.ts';
import { shareRoutes } from './share.routes.ts';
import { spawnRoutes } from './spawn.routes.ts';
import { stayRoutes } from './stay.routes.ts';
import { storageRoutes } from './storage.routes.ts';
import { tokenRoutes } from './tokens.routes.ts';
import { usageRoutes } from './usage.routes.ts';
import { userRoutes } from './user.routes.ts';

const PAGES = [
  publicRoutes,
  homeRoutes,
  stayRoutes,
  spawnRoutes,
  changeRoutes,
  tokenRoutes,
  shareRoutes,
  acceptShareRoutes,
  usageRoutes,
  storageRoutes,
  adminRoutes,
  costsRoutes,
  auditRoutes,
  calendarRoutes,
  groupsRoutes,
  userRoutes,
] as const;

/** Every page but signing in and consent, which their features serve with our templates. */
export const pageRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  for (const routes of PAGES) {
    await app.register(routes, { ctx });
  }
};
