import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { endingOf } from '../activity/ending.ts';
import { keepOn, keepWorking } from '../activity/keep-on.service.ts';
import type { AppContext } from '../context.ts';
import { findServer, logName, type Server } from '../servers/servers.service.ts';
import type { User } from '../users/users.service.ts';
import { ServerParams, strictBody } from './models.ts';
import { userNamed } from './users.service.ts';

const Time = z.string().describe('UTC, ISO 8601.');

const Stay = z
  .object({
    stops_at: Time.nullable().describe('When it stops by itself, if that is near; null otherwise.'),
    stops_because: z.enum(['idle', 'max_age', 'limit']).nullable(),
    kept_on_until: Time.nullable().describe('Not stopped for idleness before this time.'),
  })
  .meta({ title: 'Stay' });

const KeepOn = strictBody({ until: z.iso.datetime({ offset: true }).describe('ISO 8601 with a zone.') });

const PATHS = [
  { url: '/atrium/users/:user/server', server: '' },
  { url: '/atrium/users/:user/servers/:server' },
] as const;

const iso = (at: number) => new Date(at).toISOString();

/** Whether a running server stays on, and asking for it. */
export const stayApiRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  async function serverOf(name: string, serverName = ''): Promise<{ user: User; server: Server }> {
    const user = await userNamed(ctx, name);
    const server = await findServer(ctx.db, user.id, serverName);
    if (!server) throw new HubError('not_found', `There is no server ${logName(user.name, serverName)}.`);
    return { user, server };
  }

  function present(user: User, server: Server): z.output<typeof Stay> {
    const now = ctx.clock.now();
    const ending = endingOf(ctx, server, user.stopAfter, now);
    const kept = server.keepOnUntil !== null && server.keepOnUntil > now ? server.keepOnUntil : null;
    return {
      stops_at: ending ? iso(ending.at) : null,
      stops_because: ending?.why ?? null,
      kept_on_until: kept === null ? null : iso(kept),
    };
  }

  for (const path of PATHS) {
    const { url } = path;
    const about = 'server' in path ? { server: path.server } : {};
    const which = 'server' in path ? 'default server' : 'named server';
    const params = ServerParams;
    const response = { 200: Stay };

    app.get(`${url}/stay`, {
      config: { scopes: ['read:servers'], ...about },
      schema: { summary: `Whether a user's ${which} is about to stop by itself`, params, response },
      async handler({ params: { user: name, server: serverName } }) {
        const { user, server } = await serverOf(name, serverName);
        return present(user, server);
      },
    });

    app.post(`${url}/keep-working`, {
      config: { scopes: ['start:servers'], repeatable: true, ...about },
      schema: { summary: `Say that work goes on in a ${which}: counts as activity now`, params, response },
      async handler({ params: { user: name, server: serverName } }) {
        const { user, server } = await serverOf(name, serverName);
        return present(user, await keepWorking(ctx, server));
      },
    });

    app.put(`${url}/keep-on`, {
      config: { scopes: ['start:servers'], ...about },
      schema: { summary: `Keep a ${which} from an idle stop until a time`, params, body: KeepOn, response },
      async handler({ params: { user: name, server: serverName }, body }) {
        const { user, server } = await serverOf(name, serverName);
        return present(user, await keepOn(ctx, server, Date.parse(body.until)));
      },
    });

    app.delete(`${url}/keep-on`, {
      config: { scopes: ['start:servers'], ...about },
      schema: { summary: `Let a ${which} stop when idle again`, params, response },
      async handler({ params: { user: name, server: serverName } }) {
        const { user, server } = await serverOf(name, serverName);
        return present(user, await keepOn(ctx, server, null));
      },
    });
  }
};
