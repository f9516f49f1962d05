import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import {
  CODE_LIFE,
  checkMayGive,
  deleteCodes,
  findCode,
  listCodes,
  makeCode,
  scopesToShare,
  serverToShare,
} from '../shares/shares.service.ts';
import { Empty, NewShareCodeModel, ServerParams, ShareCodeModel, strictBody, UserParams } from './models.ts';
import { alwaysPageOf, PageQuery, readPage, withPosition } from './paging.ts';
import { requesterIn } from './requester-in.ts';
import { SHARE_PATHS, serverAt } from './shares.routes.ts';
import { presentCode, presentNewCode } from './shares.ts';
import { userNamed } from './users.service.ts';

const { least, most, usual } = CODE_LIFE;
const Life = `expires_in must be a whole number of seconds from ${least} to ${most}`;
const Wanted = strictBody({
  scopes: z.array(z.string()).nullish().describe('Without any: access.'),
  expires_in: z.int(Life).min(least, Life).max(most, Life).default(usual).describe('Seconds.'),
});
const Which = z.object({
  code: z.string().optional().describe('The code itself.'),
  id: z.string().optional().describe('Its id, such as `sc_12`.'),
});

/** Codes that whoever has them may make a share of (contract §3.10). */
export const shareCodeRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const list = alwaysPageOf(ShareCodeModel);

  app.get('/share-codes/:user', {
    config: { scopes: ['read:shares'] },
    schema: {
      summary: "List the share codes of a user's servers",
      params: UserParams,
      querystring: PageQuery,
      response: { 200: list },
    },
    async handler(request) {
      const owner = await userNamed(ctx, request.params.user);
      const page = readPage(request, request.query);
      const { total, codes } = await listCodes(ctx, { ownerId: owner.id }, page);
      const models = codes.map((code) => presentCode(ctx, code));
      return withPosition(request, page, total, models);
    },
  });

  for (const each of SHARE_PATHS) {
    const url = `/share-codes${each.path}`;
    const about = 'server' in each ? { server: each.server } : {};
    const which = 'server' in each ? 'default server' : 'named server';
    const params = ServerParams;

    app.get(url, {
      config: { scopes: ['read:shares'], ...about },
      schema: {
        summary: `List the share codes of a user's ${which}`,
        params,
        querystring: PageQuery,
        response: { 200: list },
      },
      async handler(request) {
        const { server } = await serverAt(ctx, request.params);
        const page = readPage(request, request.query);
        const { total, codes } = server ? await listCodes(ctx, { serverId: server.id }, page) : { total: 0, codes: [] };
        const models = codes.map((code) => presentCode(ctx, code));
        return withPosition(request, page, total, models);
      },
    });

    app.post(url, {
      config: { scopes: ['shares'], ...about },
      schema: {
        summary: `Make a share code for a ${which}`,
        description: 'Everybody who has it may accept it, as often as they like, until it ends.',
        params,
        body: Wanted.nullish(),
        response: { 200: NewShareCodeModel },
      },
      async handler(request) {
        const { owner, name } = await serverAt(ctx, request.params);
        const { scopes: written, expires_in: expiresIn = usual } = request.body ?? {};
        const scopes = scopesToShare(ctx, { userName: owner.name, name }, written);
        const server = await serverToShare(ctx, owner, name);
        await checkMayGive(ctx, requesterIn(request), server, scopes);
        const { code, row } = await makeCode(ctx, server, scopes, expiresIn);
        return presentNewCode(ctx, row, code);
      },
    });

    app.delete(url, {
      config: { scopes: ['shares'], ...about },
      schema: {
        summary: `Delete share codes of a ${which}`,
        description: 'One, by the code or its id, or all. What was accepted with them stays shared.',
        params,
        querystring: Which,
        response: { 204: Empty },
      },
      async handler(request, reply) {
        const { server } = await serverAt(ctx, request.params);
        const { code, id } = request.query;
        const gone = server ? await chosen(server.id, code, id) : [];
        if (gone.length === 0 && code) throw new HubError('not_found', 'No matching code found');
        if (gone.length === 0 && id) throw new HubError('not_found', `No code found matching id=${id}`);
        if (server) await deleteCodes(ctx, server, gone);
        return reply.code(204).send();
      },
    });
  }

  async function chosen(serverId: string, code: string | undefined, id: string | undefined) {
    if (code) {
      const found = await findCode(ctx, code);
      return found?.server.id === serverId ? [found] : [];
    }
    if (!id) return (await listCodes(ctx, { serverId })).codes;
    const number = /^sc_(\d{1,15})$/.exec(id)?.[1];
    return number === undefined ? [] : (await listCodes(ctx, { serverId, id: Number(number) })).codes;
  }
};
