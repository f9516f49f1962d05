import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { viewLog } from '../servers/log-view.service.ts';
import { findServer, logName } from '../servers/servers.service.ts';
import { ServerLogModel } from './atrium-models.ts';
import { ServerParams } from './models.ts';
import { userNamed } from './users.service.ts';

const Query = z.object({
  lines: z.coerce.number().int().min(1).max(1_000).default(200).describe('The newest so many.'),
});

const PATHS = [
  { url: '/atrium/users/:user/server/log', server: '' },
  { url: '/atrium/users/:user/servers/:server/log' },
] as const;

/** What a server wrote: as internal as its state, because people's programs may print anything. */
export const serverLogRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  for (const path of PATHS) {
    app.get(path.url, {
      config: { scopes: ['admin:server_state'], ...('server' in path && { server: path.server }) },
      schema: {
        summary: `The newest lines that a ${'server' in path ? 'default server' : 'named server'} wrote`,
        description: 'Tokens and what looks like a password are blanked.',
        params: ServerParams,
        querystring: Query,
        response: { 200: ServerLogModel },
        refuses: [503],
      },
      async handler(request, reply) {
        const { user: name, server: serverName = '' } = request.params;
        const user = await userNamed(ctx, name);
        const server = await findServer(ctx.db, user.id, serverName);
        if (!server) throw new HubError('not_found', `There is no server ${logName(user.name, serverName)}.`);
        const { lines } = request.query;
        reply.header('cache-control', 'no-store');
        return { ...(await viewLog(ctx, server, lines)), lines_asked: lines };
      },
    });
  }
};
