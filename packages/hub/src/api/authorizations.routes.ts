import { HubError } from '@atrium/sdk';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { COOKIES } from '../http/cookies.ts';
import type { Requester } from '../http/requester.ts';
import { findUserOfCookie } from '../sessions/sessions.service.ts';
import { findToken } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { presentIdentity } from './identity.ts';
import { ServiceModel, UserModel } from './models.ts';
import { requesterIn } from './requester-in.ts';

const Owner = z.discriminatedUnion('kind', [UserModel, ServiceModel]);
const config = { scopes: [], secretPath: true } as const;
const description = 'Deprecated: ask `/user` with the token itself. Only for who has a token, not for a browser.';

/** Whose a token or a cookie is, as services asked before JupyterHub 2 (contract §3.4). */
export const authorizationRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/authorizations/token/:token', {
    config,
    schema: {
      summary: 'Whose a token is',
      description,
      params: z.object({ token: z.string() }),
      response: { 200: Owner },
    },
    async handler(request) {
      const requester = tokenHolder(request);
      const found = await findToken(ctx, request.params.token);
      if (!found) throw notFound();
      return presentIdentity(ctx, requester, found.principal);
    },
  });

  app.get('/authorizations/cookie/:name/:value', {
    config,
    schema: {
      summary: 'Whose a login cookie is',
      description,
      params: z.object({ name: z.string(), value: z.string() }),
      response: { 200: Owner },
    },
    async handler(request) {
      const requester = tokenHolder(request);
      const { name, value } = request.params;
      const user = name === COOKIES.login ? await findUserOfCookie(ctx, value) : undefined;
      if (!user) throw notFound();
      return presentIdentity(ctx, requester, asUser(user));
    },
  });

  // Without a value it would stand in the body of a GET, which nobody sends any more.
  app.get(
    '/authorizations/cookie/:name',
    {
      config,
      schema: { summary: 'Whose a login cookie is: not without its value', params: z.object({ name: z.string() }) },
    },
    async (request) => {
      tokenHolder(request);
      throw notFound();
    },
  );

  // Tokens are made at `/users/<name>/tokens` since JupyterHub 2; whoever still asks here is told so by a 404.
  const gone = { summary: 'Was: make a token', description: 'Use `/users/{user}/tokens`.', refuses: [404] };
  for (const [url, params] of [
    ['/authorizations/token', z.object({})],
    ['/authorizations/token/:token', z.object({ token: z.string() })],
  ] as const) {
    app.post(url, { config: { public: true, secretPath: true }, schema: { ...gone, params } }, async () => {
      throw notFound();
    });
  }
};

function tokenHolder(request: FastifyRequest): Requester {
  const requester = requesterIn(request);
  if (requester.via.kind === 'token') return requester;
  throw new HubError('not_authenticated', 'Missing or invalid credentials.');
}

const notFound = () => new HubError('not_found', 'Not Found');
