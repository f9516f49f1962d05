import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { findGroup } from '../groups/groups.service.ts';
import { findServer } from '../servers/servers.service.ts';
import { listShares, type Receiver, revokeShare, type Share, shareOf } from '../shares/shares.service.ts';
import { findUser } from '../users/users.service.ts';
import { Empty, ShareModel, UserParams } from './models.ts';
import { alwaysPageOf, PageQuery, readPage, withPosition } from './paging.ts';
import { presentShare } from './shares.ts';
import { userNamed } from './users.service.ts';

const GroupParams = z.object({ group: z.string() });
/** Not `server`, which would be a server of the person whose shares these are. */
const Where = { owner: z.string(), name: z.string().optional() };
/** A named server, and the default one, whose name is empty. */
const PATHS = [
  { path: '/shared/:owner/', which: 'default server' },
  { path: '/shared/:owner/:name', which: 'named server' },
] as const;

/** What is shared with somebody, and leaving it (contract §3.10). */
export const receivedShareRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const list = alwaysPageOf(ShareModel);

  app.get('/users/:user/shared', {
    config: { scopes: ['read:users:shares'] },
    schema: {
      summary: 'List what is shared with a user, or with a group they are in',
      params: UserParams,
      querystring: PageQuery,
      response: { 200: list },
    },
    async handler(request) {
      const user = await userNamed(ctx, request.params.user);
      const page = readPage(request, request.query);
      const reaching = { userId: user.id, groups: user.groups };
      const { total, shares } = await listShares(ctx, { reaching }, page);
      const models = shares.map((share) => presentShare(ctx, share));
      return withPosition(request, page, total, models);
    },
  });

  app.get('/groups/:group/shared', {
    config: { scopes: ['read:groups:shares'] },
    schema: {
      summary: 'List what is shared with a group',
      params: GroupParams,
      querystring: PageQuery,
      response: { 200: list },
    },
    async handler(request) {
      const { group: name } = request.params;
      await needGroup(ctx, name);
      const page = readPage(request, request.query);
      const { total, shares } = await listShares(ctx, { receiver: { kind: 'group', name } }, page);
      const models = shares.map((share) => presentShare(ctx, share));
      return withPosition(request, page, total, models);
    },
  });

  for (const { path, which } of PATHS) {
    const userParams = UserParams.extend(Where);
    const groupParams = GroupParams.extend(Where);

    app.get(`/users/:user${path}`, {
      config: { scopes: ['read:users:shares'] },
      schema: {
        summary: `Get a user's share of somebody's ${which}`,
        params: userParams,
        response: { 200: ShareModel },
      },
      handler: async ({ params }) => presentShare(ctx, await shareOfUser(ctx, params)),
    });

    app.delete(`/users/:user${path}`, {
      config: { scopes: ['users:shares'] },
      schema: { summary: `Leave somebody's ${which}`, params: userParams, response: { 204: Empty } },
      async handler({ params }, reply) {
        await revokeShare(ctx, await shareOfUser(ctx, params));
        return reply.code(204).send();
      },
    });

    app.get(`/groups/:group${path}`, {
      config: { scopes: ['read:groups:shares'] },
      schema: {
        summary: `Get a group's share of somebody's ${which}`,
        params: groupParams,
        response: { 200: ShareModel },
      },
      handler: async ({ params }) => presentShare(ctx, await shareOfGroup(ctx, params)),
    });

    app.delete(`/groups/:group${path}`, {
      config: { scopes: ['groups:shares'] },
      schema: { summary: `Take a group off somebody's ${which}`, params: groupParams, response: { 204: Empty } },
      async handler({ params }, reply) {
        await revokeShare(ctx, await shareOfGroup(ctx, params));
        return reply.code(204).send();
      },
    });
  }
};

async function needGroup(ctx: AppContext, name: string): Promise<void> {
  if (!(await findGroup(ctx, name))) throw new HubError('not_found', `No such group: ${name}`);
}

interface Place {
  owner: string;
  name?: string | undefined;
}

async function shareOfUser(ctx: AppContext, { user, ...place }: Place & { user: string }): Promise<Share> {
  const found = await findUser(ctx.db, user);
  return shareAt(ctx, place, found && { kind: 'user', id: found.id, name: found.name }, `user ${user}`);
}

async function shareOfGroup(ctx: AppContext, { group, ...place }: Place & { group: string }): Promise<Share> {
  await needGroup(ctx, group);
  return shareAt(ctx, place, { kind: 'group', name: group }, `group ${group}`);
}

async function shareAt(
  ctx: AppContext,
  { owner: ownerName, name = '' }: Place,
  receiver: Receiver | undefined,
  whose: string,
): Promise<Share> {
  const owner = receiver && (await findUser(ctx.db, ownerName));
  const server = owner && (await findServer(ctx.db, owner.id, name));
  const share = server && receiver && (await shareOf(ctx, server.id, receiver));
  if (!share) throw new HubError('not_found', `No such share for ${whose} on ${ownerName}/${name}`);
  return share;
}
