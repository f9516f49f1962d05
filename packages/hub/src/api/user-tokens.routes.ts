import { HubError } from '@atrium/sdk';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { isForeignForm } from '../http/guard.ts';
import { mayDo, type Requester, requesterOf } from '../http/requester.ts';
import { checkXsrf } from '../http/xsrf.ts';
import { signIn } from '../login/login.service.ts';
import { scopesOfRoles } from '../roles/roles.service.ts';
import {
  type ApiToken,
  findTokenOf,
  issueToken,
  listTokens,
  revokeToken,
  scopesOfPrincipal,
} from '../tokens/tokens.service.ts';
import { asUser, type Principal, principalName, samePrincipal } from '../users/principal.ts';
import { findUser } from '../users/users.service.ts';
import { Empty, NewTokenModel, strictBody, TokenModel, UserParams } from './models.ts';
import { presentToken } from './present.ts';
import { userNamed } from './users.service.ts';

const TokenParams = UserParams.extend({ id: z.string() });
const NewToken = strictBody({
  note: z
    .string()
    .max(1_000)
    .refine((note) => !note.includes('\0'), 'A note must not have the character U+0000')
    .nullish(),
  expires_in: z
    .int('expires_in must be a whole number of seconds')
    .min(1, 'expires_in must be 1 or more')
    .nullish()
    .describe('Seconds; without it, for ever or as long as this hub allows.'),
  scopes: z.array(z.string()).nullish().describe('Default: `inherit`, everything the owner may do.'),
  roles: z.array(z.string()).nullish().describe('Deprecated: use scopes.'),
  auth: z.record(z.string(), z.unknown()).nullish().describe('Name and password, in place of a token or a session.'),
});

/** Somebody by session, token, or the password in the body (contract §3.7). */
async function whoAsks(ctx: AppContext, request: FastifyRequest, auth: object | null | undefined): Promise<Asker> {
  const requester = await requesterOf(ctx, request);
  request.requester = requester;
  const denied = new HubError('not_authenticated', 'Missing or invalid credentials.');
  if (requester) {
    if (requester.via.kind === 'session') {
      if (isForeignForm(request)) throw denied;
      checkXsrf(ctx, request);
    }
    return requester;
  }
  const result = auth ? await signIn(ctx, auth, request.ip) : undefined;
  if (!result?.ok) throw denied;
  const principal = asUser(result.user);
  return { principal, user: result.user, scopes: await scopesOfPrincipal(ctx, principal) };
}

type Asker = Pick<Requester, 'principal' | 'user' | 'scopes'>;

async function ownerFor(ctx: AppContext, asker: Asker, name: string): Promise<Principal> {
  const owner = (await mayDo(ctx, asker, ['tokens'], { user: name })) && (await findUser(ctx.db, name));
  if (owner) return asUser(owner);
  const kind = asker.user ? 'User' : 'Service';
  throw new HubError('not_allowed', `${kind} ${name} not found or no permissions to generate tokens`);
}

export const userTokenRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/users/:user/tokens', {
    config: { scopes: ['read:tokens'] },
    schema: {
      summary: "List a user's tokens",
      params: UserParams,
      response: { 200: z.object({ api_tokens: z.array(TokenModel) }) },
    },
    async handler(request) {
      const owner = asUser(await userNamed(ctx, request.params.user));
      const tokens = (await listTokens(ctx, owner)).sort((a, b) => usedAt(a) - usedAt(b));
      return { api_tokens: await Promise.all(tokens.map((token) => presentToken(ctx, owner, token))) };
    },
  });

  app.post('/users/:user/tokens', {
    // Public to the guard because the credentials may be in the body; checked first thing below.
    config: { public: true },
    schema: {
      summary: 'Create a token',
      params: UserParams,
      body: NewToken.nullish(),
      response: { 201: NewTokenModel },
      refuses: [403, 429],
    },
    async handler(request, reply) {
      const body = request.body ?? {};
      const asker = await whoAsks(ctx, request, body.auth);
      const owner = await ownerFor(ctx, asker, request.params.user);
      if (body.roles && body.scopes) throw new HubError('bad_request', 'Specify scopes or roles, not both');
      const scopes = body.scopes ?? scopesOfRoles(ctx.roles, body.roles ?? ['token']);
      const byOther = samePrincipal(asker.principal, owner)
        ? ''
        : ` by ${asker.principal.kind} ${principalName(asker.principal)}`;
      const note = body.note || `Requested via api${byOther}`;
      const { row, token } = await issueToken(ctx, { owner, scopes, note, expiresIn: body.expires_in });
      return reply.code(201).send({ ...(await presentToken(ctx, owner, row)), token });
    },
  });

  app.get('/users/:user/tokens/:id', {
    config: { scopes: ['read:tokens'] },
    schema: { summary: 'Get a token', params: TokenParams, response: { 200: TokenModel } },
    async handler(request) {
      const owner = asUser(await userNamed(ctx, request.params.user));
      return presentToken(ctx, owner, await tokenIn(ctx, owner, request.params.id));
    },
  });

  app.delete('/users/:user/tokens/:id', {
    config: { scopes: ['tokens'] },
    schema: { summary: 'Revoke a token', params: TokenParams, response: { 204: Empty } },
    async handler(request, reply) {
      const owner = asUser(await userNamed(ctx, request.params.user));
      await revokeToken(ctx, owner, await tokenIn(ctx, owner, request.params.id));
      return reply.code(204).send();
    },
  });
};

/** JupyterHub lists tokens by this, the oldest first; one that was never used by when it was made. */
const usedAt = ({ lastActivity, created }: ApiToken) => lastActivity ?? created;

async function tokenIn(ctx: AppContext, owner: Principal, id: string) {
  const token = await findTokenOf(ctx, owner, id);
  if (!token) throw new HubError('not_found', `No such token ${id}`);
  return token;
}
