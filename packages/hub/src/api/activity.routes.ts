import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { recordServerActivity } from '../activity/activity.service.ts';
import type { AppContext } from '../context.ts';
import { listServers, type Server } from '../servers/servers.service.ts';
import { touchUser } from '../users/users.service.ts';
import { UserParams } from './models.ts';
import { parseTime } from './times.ts';
import { userNamed } from './users.service.ts';

/** How far a server's clock may be ahead, ms: JupyterHub's tolerance (contract §3.7). */
const MAX_AHEAD = 59 * 60_000;

const Body = z
  .object({
    last_activity: z.string().nullish(),
    servers: z.record(z.string(), z.object({ last_activity: z.string() })).nullish(),
  })
  .refine(
    (body) => body.last_activity || body.servers,
    'body must contain at least one of `last_activity` or `servers`',
  );

export const activityReportRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post('/users/:user/activity', {
    config: { scopes: ['users:activity'], repeatable: true },
    schema: {
      summary: 'Report activity of a user and their servers',
      params: UserParams,
      body: Body,
      answers: { 200: { description: 'Done; no body' } },
    },
    async handler(request, reply) {
      const user = await userNamed(ctx, request.params.user);
      const { body } = request;
      const latest = ctx.clock.now() + MAX_AHEAD;
      const read = (text: string) => {
        const at = parseTime(text);
        if (at > latest) throw new HubError('bad_request', `last_activity '${text}' is in the future`);
        return at;
      };

      // Everything is checked before anything is stored.
      const known = body.servers ? ((await listServers(ctx.db, [user.id])).get(user.id) ?? []) : [];
      const reported: [Server, number][] = Object.entries(body.servers ?? {}).map(([name, { last_activity }]) => {
        const server = known.find((one) => one.name === name);
        if (!server) throw new HubError('bad_request', `No such server '${name}' for user ${user.name}`);
        return [server, read(last_activity)];
      });
      const own = body.last_activity ? read(body.last_activity) : undefined;
      for (const [server, at] of reported) await recordServerActivity(ctx, server, at);
      if (own !== undefined) await touchUser(ctx.db, user.id, own, 1);
      return reply.code(200).type('application/json').send('');
    },
  });
};
