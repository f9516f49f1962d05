import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { findGroup } from '../groups/groups.service.ts';
import { mayDo, type Requester } from '../http/requester.ts';
import { findServer, type Server } from '../servers/servers.service.ts';
import {
  checkMayGive,
  grantShare,
  listShares,
  type Receiver,
  revokeAllShares,
  revokeShare,
  scopesToShare,
  serverToShare,
  shareOf,
} from '../shares/shares.service.ts';
import { findUser, type User } from '../users/users.service.ts';
import { Empty, ServerParams, ShareModel, strictBody, UserParams } from './models.ts';
import { alwaysPageOf, PageQuery, readPage, withPosition } from './paging.ts';
import { requesterIn } from './requester-in.ts';
import { presentShare } from './shares.ts';
import { userNamed } from './users.service.ts';

const Name = z.string().refine((name) => !name.includes('\0'), 'A name must not have the character U+0000');
const Wanted = strictBody({
  user: Name.nullish(),
  group: Name.nullish(),
  scopes: z.array(z.string()).nullish().describe('Without any: access. In a revocation: all of them.'),
}).superRefine(({ user, group }, check) => {
  if (user && group) check.addIssue('Expected exactly one of `user` or `group`, not both.');
  else if (!user && !group) check.addIssue('Specify exactly one of `user` or `group`');
});

/** A named server, and the default one, whose name is empty. */
export const SHARE_PATHS = [{ path: '/:user/', server: '' }, { path: '/:user/:server' }] as const;

/** Who may use a server beside its owner (contract §3.10). */
export const shareRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/shares/:user', {
    config: { scopes: ['read:shares'] },
    schema: {
      summary: "List the shares of a user's servers",
      params: UserParams,
      querystring: PageQuery,
      response: { 200: alwaysPageOf(ShareModel) },
    },
    async handler(request) {
      const owner = await userNamed(ctx, request.params.user);
      const page = readPage(request, request.query);
      const { total, shares } = await listShares(ctx, { ownerId: owner.id }, page);
      const models = shares.map((share) => presentShare(ctx, share));
      return withPosition(request, page, total, models);
    },
  });

  for (const each of SHARE_PATHS) {
    const url = `/shares${each.path}`;
    const about = 'server' in each ? { server: each.server } : {};
    const which = 'server' in each ? 'default server' : 'named server';
    const params = ServerParams;

    app.get(url, {
      config: { scopes: ['read:shares'], ...about },
      schema: {
        summary: `List the shares of a user's ${which}`,
        params,
        querystring: PageQuery,
        response: { 200: alwaysPageOf(ShareModel) },
      },
      async handler(request) {
        const { server } = await serverAt(ctx, request.params);
        const page = readPage(request, request.query);
        const { total, shares } = server
          ? await listShares(ctx, { serverId: server.id }, page)
          : { total: 0, shares: [] };
        const models = shares.map((share) => presentShare(ctx, share));
        return withPosition(request, page, total, models);
      },
    });

    app.post(url, {
      config: { scopes: ['shares'], repeatable: true, ...about },
      schema: {
        summary: `Share a ${which} with a user or a group`,
        description: 'More scopes for the same user or group join those that are there.',
        params,
        body: Wanted,
        response: { 200: ShareModel },
      },
      async handler(request) {
        const requester = requesterIn(request);
        const { owner, name } = await serverAt(ctx, request.params);
        const scopes = scopesToShare(ctx, { userName: owner.name, name }, request.body.scopes);
        const server = await serverToShare(ctx, owner, name);
        await checkMayGive(ctx, requester, server, scopes);
        const receiver = await receiverFor(ctx, requester, request.body);
        return presentShare(ctx, await grantShare(ctx, server, receiver, scopes));
      },
    });

    app.patch(url, {
      config: { scopes: ['shares'], ...about },
      schema: {
        summary: `Take a share of a ${which} back, or some scopes of it`,
        description: 'Answers with what is left, or with an empty object. It holds at once, for open connections too.',
        params,
        body: Wanted,
        response: { 200: z.union([ShareModel, z.strictObject({})]) },
      },
      async handler(request) {
        const { owner, name, server } = await serverAt(ctx, request.params);
        const { user, group, scopes: written } = request.body;
        const scopes = written?.length ? scopesToShare(ctx, { userName: owner.name, name }, written) : undefined;
        const person = user ? await findUser(ctx.db, user) : undefined;
        const receiver: Receiver | undefined = group
          ? { kind: 'group', name: group }
          : person && { kind: 'user', id: person.id, name: person.name };
        const share = server && receiver && (await shareOf(ctx, server.id, receiver));
        const left = share && (await revokeShare(ctx, share, scopes));
        return left ? presentShare(ctx, left) : {};
      },
    });

    app.delete(url, {
      config: { scopes: ['shares'], ...about },
      schema: { summary: `Take all shares of a ${which} back`, params, response: { 204: Empty } },
      async handler(request, reply) {
        const { server } = await serverAt(ctx, request.params);
        if (server) await revokeAllShares(ctx, server);
        return reply.code(204).send();
      },
    });
  }
};

/**
 * What an address names; a default server without a record yet is there all the same.
 * @throws HubError `not_found`
 */
export async function serverAt(
  ctx: AppContext,
  { user, server: name = '' }: { user: string; server?: string | undefined },
): Promise<{ owner: User; name: string; server: Server | undefined }> {
  const owner = await userNamed(ctx, user);
  const server = await findServer(ctx.db, owner.id, name);
  if (!server && name !== '') throw new HubError('not_found', `No such server: ${owner.name}/${name}`);
  return { owner, name, server };
}

/** Whoever shares must be allowed to know that there is such a person or group. */
async function receiverFor(
  ctx: AppContext,
  requester: Requester,
  { user, group }: z.output<typeof Wanted>,
): Promise<Receiver> {
  if (user) {
    if (!(await mayDo(ctx, requester, ['read:users:name'], { user }))) {
      throw new HubError('not_allowed', "Need scope 'read:users:name' to share with users by name");
    }
    const found = await findUser(ctx.db, user);
    if (!found) throw new HubError('bad_request', `No such user: ${user}`);
    return { kind: 'user', id: found.id, name: found.name };
  }
  const name = group ?? '';
  if (!(await mayDo(ctx, requester, ['read:groups:name'], { group: name }))) {
    throw new HubError('not_allowed', "Need scope 'read:groups:name' to share with groups by name");
  }
  if (!(await findGroup(ctx, name))) throw new HubError('bad_request', `No such group: ${name}`);
  return { kind: 'group', name };
}
