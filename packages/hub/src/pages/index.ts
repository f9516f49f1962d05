import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { adminRoutes } from './admin.routes.ts';
import { homeRoutes } from './home.routes.ts';
import { publicRoutes } from './public.routes.ts';
import { spawnRoutes } from './spawn.routes.ts';
import { tokenRoutes } from './tokens.routes.ts';
import { userRoutes } from './user.routes.ts';

/** Every page but signing in and consent, which their features serve with our templates. */
export const pageRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  for (const routes of [publicRoutes, homeRoutes, spawnRoutes, tokenRoutes, adminRoutes, userRoutes]) {
    await app.register(routes, { ctx });
  }
};
