import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { xsrfToken } from '../http/xsrf.ts';
import {
  type ApiToken,
  describeScope,
  findTokenOf,
  HUB_CLIENT,
  issueToken,
  listTokens,
  revokeToken,
} from '../tokens/tokens.service.ts';
import { answer, fieldOf, viewerOf } from './answer.ts';
import { t } from './strings.ts';
import { type ApplicationView, type TokenPower, type TokensModel, tokensPage } from './templates/tokens.ts';

const DAY = 86_400;
const LIFETIMES = [DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY, null];

/** What may be chosen: nothing longer than the hub allows. */
export function lifetimes(maxSeconds: number): (number | null)[] {
  if (maxSeconds === 0) return LIFETIMES;
  const short = LIFETIMES.filter((seconds) => seconds !== null && seconds < maxSeconds);
  return [...short, maxSeconds];
}

const POWERS: Record<TokenPower, (scopes: string) => string[]> = {
  everything: () => ['inherit'],
  servers: () => ['servers!user', 'access:servers!user'],
  nothing: () => [],
  listed: (scopes) => scopes.split(/[\s,]+/).filter(Boolean),
};

export const tokenRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}token`;
  const config = { page: true } as const;

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    extra: Partial<Pick<TokensModel, 'fresh' | 'error' | 'given' | 'done'>> & { status?: number } = {},
  ) {
    const { principal } = viewerOf(request);
    // A server's own token is the hub's business: it goes when the server stops.
    const all = (await listTokens(ctx, principal)).filter(({ serverId }) => serverId === null);
    const { status = 200, ...rest } = extra;
    const body = tokensPage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      now: ctx.clock.now(),
      tokens: all
        .filter(({ clientId }) => clientId === HUB_CLIENT)
        .map((token) => ({
          id: `a${token.id}`,
          note: token.note,
          words: token.scopes.map((scope) => describeScope(scope, ctx.roles.customScopes)),
          created: token.created,
          lastUsed: token.lastActivity,
          expiresAt: token.expiresAt,
        })),
      applications: applicationsOf(
        ctx,
        all.filter(({ clientId }) => clientId !== HUB_CLIENT),
      ),
      lifetimes: lifetimes(ctx.config.tokens.maxExpiresIn),
      ...rest,
    });
    return answer(ctx, request, reply, { title: t.tokens.title, current: 'token', status }, body);
  }

  app.get(url, { config }, (request, reply) =>
    show(request, reply, fieldOf(request.query, 'done') === 'revoked' ? { done: t.tokens.revoked } : {}),
  );

  app.post(url, { config }, async (request, reply) => {
    const { principal } = viewerOf(request);
    const note = (fieldOf(request.body, 'note') ?? '').trim();
    const lifetime = fieldOf(request.body, 'expires_in') ?? '';
    const scopes = fieldOf(request.body, 'scopes') ?? '';
    const wanted = fieldOf(request.body, 'power') ?? '';
    if (!Object.hasOwn(POWERS, wanted)) throw new HubError('bad_request', t.tokens.badPower);
    const power = wanted as TokenPower;
    try {
      const { token } = await issueToken(ctx, {
        owner: principal,
        note,
        scopes: POWERS[power](scopes),
        expiresIn: lifetime === '' ? null : Number(lifetime),
      });
      return show(request, reply, { fresh: { text: token, note } });
    } catch (error) {
      if (!(error instanceof HubError) || error.status >= 500) throw error;
      return show(request, reply, { error: error.message, given: { note, power, scopes }, status: error.status });
    }
  });

  app.post(`${url}/revoke`, { config }, async (request, reply) => {
    const { principal } = viewerOf(request);
    const token = await findTokenOf(ctx, principal, fieldOf(request.body, 'id') ?? '');
    if (token && token.serverId === null) await revokeToken(ctx, principal, token);
    return reply.redirect(`${url}?done=revoked`, 303);
  });
};

/** One entry per application, of all the tokens it has. */
function applicationsOf({ roles }: AppContext, tokens: readonly ApiToken[]): ApplicationView[] {
  return [...Map.groupBy(tokens, ({ clientId }) => clientId)].map(([clientId, theirs]) => ({
    id: `a${theirs[0]?.id ?? 0}`,
    name: applicationName(clientId),
    words: [...new Set(theirs.flatMap(({ scopes }) => scopes))].map((scope) =>
      describeScope(scope, roles.customScopes),
    ),
    lastUsed: theirs.reduce<number | null>(
      (newest, { lastActivity }) => Math.max(newest ?? 0, lastActivity ?? 0) || null,
      null,
    ),
  }));
}

/** Client ids are the contract's (§1.1): a user's server, or a service. */
function applicationName(clientId: string): string {
  const server = /^jupyterhub-user-(.+)$/.exec(clientId)?.[1];
  if (server !== undefined) return t.tokens.serverOf(decodeURIComponent(server));
  return clientId.replace(/^service-/, '');
}
