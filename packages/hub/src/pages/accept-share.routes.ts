import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { exchangeCode, findCode, type ShareCode, scopesOfShare } from '../shares/shares.service.ts';
import { describeScope } from '../tokens/tokens.service.ts';
import { answer, fieldOf, nextOf, viewerOf } from './answer.ts';
import { t } from './strings.ts';
import { acceptPage } from './templates/accept-share.ts';

/** Where the receiver of a share code comes (contract §5.1). */
export const acceptShareRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}accept-share`;
  const config = { page: true } as const;

  /** From the address, or the form. */
  async function codeIn(request: FastifyRequest): Promise<{ text: string; code: ShareCode | undefined }> {
    const text = fieldOf(request.query, 'code') ?? fieldOf(request.body, 'code') ?? '';
    if (text === '') throw new HubError('bad_request', t.accept.noCode);
    return { text, code: await findCode(ctx, text) };
  }

  app.get(url, { config }, async (request, reply) => {
    const { user } = viewerOf(request);
    const { text, code } = await codeIn(request);
    if (!code) throw new HubError('not_found', t.accept.unknown);
    if (code.server.ownerId === user.id) throw new HubError('not_allowed', t.accept.own);
    const { server } = code;
    const body = acceptPage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      name: user.name,
      owner: server.owner,
      label: server.displayName || server.name,
      words: scopesOfShare(code).map((scope) => describeScope(scope, ctx.roles.customScopes)),
      running: server.phase === 'ready' && server.desired === 'running',
      action: `${url}?code=${encodeURIComponent(text)}`,
      next: nextOf(ctx, request),
    });
    return answer(ctx, request, reply, { title: t.accept.title }, body);
  });

  // Accepting twice comes to the same.
  app.post(url, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const { user } = viewerOf(request);
    const { code } = await codeIn(request);
    if (!code) throw new HubError('bad_request', t.accept.bad);
    if (code.server.ownerId === user.id) throw new HubError('bad_request', t.accept.own);
    const { server } = await exchangeCode(ctx, code, user);
    return reply.redirect(nextOf(ctx, request) ?? ctx.urls.serverUrl(server.owner, server.name), 302);
  });
};
