import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { OAuthError } from '../http/errors.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { viewerOf } from '../pages/answer.ts';
import { page, sendPage } from '../pages/layout.ts';
import { consentPage } from '../pages/templates/consent.ts';
import { describeScope } from '../tokens/tokens.service.ts';
import { type Authorization, authorize, type RawQuery } from './authorize/steps.ts';
import { exchangeCode, issueCode, type TokenForm } from './oauth.service.ts';

const back = { description: "To the application's address with `code` or `error`, or to the sign-in" };
const Asked = z.object({
  client_id: z.string(),
  response_type: z.string().describe('`code`'),
  redirect_uri: z.string().optional(),
  scope: z.string().optional().describe('Names of scopes or roles, with blanks between; all it may have by default.'),
  state: z.string().optional(),
  code_challenge: z.string().optional(),
  code_challenge_method: z.enum(['S256', 'plain']).optional(),
});
const ASKING = {
  summary: 'Ask for access in the name of whoever is signed in (RFC 6749)',
  description: 'For a browser: what is refused is a page.',
  answers: { 200: { type: 'text/html', description: 'The person is asked' }, 302: back },
  reads: { query: Asked },
};
const AGREEING = {
  summary: "The person's answer to that question",
  answers: { 302: back },
  reads: { query: Asked },
};
const text = z.string().optional();
const EXCHANGE = {
  summary: 'A code against an access token (RFC 6749)',
  answers: { 200: { type: 'application/json', description: '`access_token`, `expires_in`, `token_type`, `scope`' } },
  refuses: [401],
  reads: {
    body: z.object({
      grant_type: z.literal('authorization_code'),
      client_id: text,
      client_secret: text,
      code: text,
      redirect_uri: text,
      code_verifier: text,
    }),
  },
  dialect: 'form',
} as const;

/** `{api}/oauth2/…` (contract §2): how a notebook server learns who its visitor is. */
export const oauthRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const authorizeUrl = `${ctx.urls.api}/oauth2/authorize`;

  app.get<{ Querystring: RawQuery }>(
    authorizeUrl,
    { config: { page: true }, schema: ASKING },
    async (request, reply) => {
      const { flow, refusal } = await begin(ctx, request);
      if (refusal) return sendBack(reply, flow, { error: refusal.error, error_description: refusal.message });
      if (!flow.confirm) return sendBack(reply, flow, { code: await issueCode(flow, flow.scopes) });
      return sendPage(ctx, reply, 200, consent(ctx, request, reply, flow));
    },
  );

  app.post<{ Querystring: RawQuery; Body: { scopes?: string | string[] } | null }>(
    authorizeUrl,
    { config: { page: true, repeatable: true }, schema: AGREEING },
    async (request, reply) => {
      const { flow, refusal } = await begin(ctx, request);
      if (refusal) return sendBack(reply, flow, { error: refusal.error, error_description: refusal.message });
      const agreed = new Set([request.body?.scopes ?? []].flat());
      const scopes = flow.scopes.filter((scope) => agreed.has(scope));
      return sendBack(reply, flow, { code: await issueCode(flow, scopes) });
    },
  );

  void app.register(tokenRoute, { ctx });
};

async function begin(ctx: AppContext, request: FastifyRequest<{ Querystring: RawQuery }>) {
  return authorize(ctx, viewerOf(request), request.query);
}

/** To the client's registered address, with its `state`. */
function sendBack(reply: FastifyReply, flow: Authorization, answer: Record<string, string>): FastifyReply {
  const { redirectUri, query } = flow;
  const parameters = new URLSearchParams(answer);
  if (query.state !== undefined) parameters.set('state', query.state);
  const separator = redirectUri.includes('?') ? '&' : '?';
  reply.header('cache-control', 'no-store');
  return reply.redirect(`${redirectUri}${separator}${parameters}`, 302);
}

function consent(ctx: AppContext, request: FastifyRequest, reply: FastifyReply, flow: Authorization): string {
  const { requester, client } = flow;
  const clientName = client.description || client.identifier;
  const scopes = [...flow.always, ...flow.scopes];
  const body = consentPage({
    ctx,
    xsrf: xsrfToken(ctx, request, reply),
    name: requester.user.name,
    clientName,
    scopesInWords: scopes.map((scope) => describeScope(scope, ctx.roles.customScopes)),
    scopes,
    target: flow.redirectUri,
    action: request.url,
  });
  return page(ctx, { title: clientName, requester }, body);
}

const tokenRoute: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  // Only forms are read here; a body of any other kind counts as an empty one.
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined));

  app.post<{ Querystring: RawQuery; Body: TokenForm | null | undefined }>(
    `${ctx.urls.api}/oauth2/token`,
    // A code is good for one token, whoever asks how often.
    { config: { public: true, repeatable: true }, schema: EXCHANGE },
    async (request, reply) => {
      if (Object.keys(request.query).length > 0) {
        throw new OAuthError('invalid_request', 'Parameters belong in the body, not in the address.');
      }
      const token = await exchangeCode(ctx, request.body ?? {}, request.headers.authorization);
      return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send(token);
    },
  );
};
