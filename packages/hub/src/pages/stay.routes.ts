import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { keepOn, keepWorking } from '../activity/keep-on.service.ts';
import type { AppContext } from '../context.ts';
import { findServer, type Server } from '../servers/servers.service.ts';
import { fieldOf, viewerOf } from './answer.ts';
import { notFound, ownerWithScope } from './servers-of.ts';
import { t } from './strings.ts';

/** The forms of a running server that goes on: "keep working", "keep it on until". */
export const stayRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { hub } = ctx.urls;
  const config = { page: true, repeatable: true } as const;

  async function serverOf(request: FastifyRequest): Promise<Server> {
    const name = fieldOf(request.body, 'server') ?? '';
    const user = fieldOf(request.body, 'user');
    const owner = await ownerWithScope(ctx, viewerOf(request), ['start:servers'], { user, server: name });
    const server = await findServer(ctx.db, owner.id, name);
    if (!server) throw notFound();
    return server;
  }

  app.post(`${hub}home/keep`, { config }, async (request, reply) => {
    await keepWorking(ctx, await serverOf(request));
    return reply.redirect(`${hub}home?done=kept`, 303);
  });

  app.post(`${hub}home/keep-on`, { config }, async (request, reply) => {
    const server = await serverOf(request);
    const seconds = Number(fieldOf(request.body, 'for') ?? Number.NaN);
    if (!Number.isInteger(seconds) || seconds < 0) throw new HubError('bad_request', t.ending.badTime);
    await keepOn(ctx, server, seconds === 0 ? null : ctx.clock.now() + seconds * 1000);
    return reply.redirect(`${hub}home?done=${seconds === 0 ? 'let-stop' : 'kept'}`, 303);
  });
};
