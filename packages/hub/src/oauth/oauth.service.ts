import { createHash } from 'node:crypto';
import { HubError, sameSecret } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { OAuthError } from '../http/errors.ts';
import { hashToken, randomId } from '../keys.ts';
import { issueToken, pruneExpiredTokens } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { findUserById } from '../users/users.service.ts';
import type { Authorization } from './authorize/steps.ts';
import { findClient, type OAuthClient } from './oauth-clients.service.ts';
import { deleteExpiredCodes, findCode, insertCode, type OAuthCode, takeCode } from './oauth-codes.repo.ts';

/** How long a code lives, ms. */
const CODE_LIFE = 300_000;
const SECRET_LENGTH = 30;

/** Stores what was agreed and answers the code that stands for it. `scopes` are those beside identify and access. */
export async function issueCode(flow: Authorization, scopes: readonly string[]): Promise<string> {
  const { ctx, requester } = flow;
  const code = randomId(SECRET_LENGTH);
  await insertCode(ctx.db, {
    hash: hashToken(code),
    clientId: flow.client.identifier,
    userId: requester.user.id,
    sessionId: requester.via.kind === 'session' ? requester.via.sessionId : requester.via.token.sessionId,
    redirectUri: flow.redirectUri,
    scopes: [...new Set([...scopes, ...flow.always])],
    challenge: flow.challenge,
    expiresAt: ctx.clock.now() + CODE_LIFE,
  });
  return code;
}

export type TokenForm = Readonly<Record<string, string | string[] | undefined>>;

export interface AccessToken {
  access_token: string;
  /** Seconds. */
  expires_in: number;
  token_type: 'Bearer';
  /** Space separated, as stored. */
  scope: string;
}

/**
 * The token endpoint: a code and the client's secret against an access token (contract §2.2, §2.4).
 * @throws OAuthError for everything that is refused.
 */
export async function exchangeCode(ctx: AppContext, form: TokenForm, basic: string | undefined): Promise<AccessToken> {
  const fields = singleFields(form);
  if (fields.grant_type !== 'authorization_code') {
    throw new OAuthError('unsupported_grant_type', 'Only grant_type=authorization_code is supported.');
  }
  const client = await authenticateClient(ctx, fields, basic);
  const code = fields.code ? await findCode(ctx.db, hashToken(fields.code), ctx.clock.now()) : undefined;
  if (!code || code.clientId !== client.identifier) throw badCode();
  if (fields.redirect_uri !== undefined && fields.redirect_uri !== code.redirectUri) {
    throw new OAuthError('invalid_request', 'Mismatching redirect URI.');
  }
  checkVerifier(code, fields.code_verifier);
  const user = await findUserById(ctx.db, code.userId);
  if (!user || user.blocked || user.pending || !(await takeCode(ctx.db, code.hash))) throw badCode();

  const { maxExpiresIn } = ctx.config.tokens;
  const { maxAge } = ctx.config.sessions;
  const expiresIn = Math.floor(maxExpiresIn > 0 ? Math.min(maxAge, maxExpiresIn) : maxAge);
  const { token } = await issueToken(ctx, {
    owner: asUser(user),
    scopes: code.scopes,
    note: '',
    expiresIn,
    sessionId: code.sessionId,
    clientId: client.identifier,
    text: randomId(SECRET_LENGTH),
  }).catch((error: unknown) => {
    // What the person lost between agreeing and now.
    if (error instanceof HubError && error.code === 'bad_request') throw badCode();
    throw error;
  });
  return { access_token: token, expires_in: expiresIn, token_type: 'Bearer', scope: code.scopes.join(' ') };
}

const badCode = () => new OAuthError('invalid_grant', 'The code is not valid, or was used, or has expired.');

function singleFields(form: TokenForm): Record<string, string | undefined> {
  for (const [name, value] of Object.entries(form)) {
    if (Array.isArray(value)) throw new OAuthError('invalid_request', `Duplicate ${name} parameter.`);
  }
  return form as Record<string, string | undefined>;
}

/**
 * By the form's fields, or by HTTP Basic (RFC 6749 §2.3.1). `jupyterhub-singleuser` sends the form and its API token as
 * `Authorization: token …` besides: any other scheme says nothing here.
 */
async function authenticateClient(
  ctx: AppContext,
  fields: Record<string, string | undefined>,
  basic: string | undefined,
): Promise<OAuthClient> {
  const [id, secret] = /^basic /i.test(basic ?? '') ? readBasic(basic ?? '') : [fields.client_id, fields.client_secret];
  const client = id ? await findClient(ctx.db, id) : undefined;
  if (!client || !secret || !sameSecret(hashToken(secret), client.secretHash)) {
    throw new OAuthError('invalid_client', 'The application is not known, or its secret is wrong.', 401);
  }
  return client;
}

function readBasic(header: string): [string | undefined, string | undefined] {
  const encoded = /^basic +(\S+)$/i.exec(header)?.[1];
  if (encoded === undefined) return [undefined, undefined];
  const text = Buffer.from(encoded, 'base64').toString();
  const at = text.indexOf(':');
  const plain = (part: string) => {
    try {
      return decodeURIComponent(part.replace(/\+/g, ' '));
    } catch {
      return undefined;
    }
  };
  return at < 0 ? [undefined, undefined] : [plain(text.slice(0, at)), plain(text.slice(at + 1))];
}

/** PKCE (RFC 7636 §4.6). A verifier without a challenge is accepted, as the contract says. */
function checkVerifier({ challenge }: OAuthCode, verifier: string | undefined): void {
  if (!challenge) return;
  if (!verifier) throw new OAuthError('invalid_request', 'Code verifier required.');
  const made = challenge.method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier;
  if (!sameSecret(made, challenge.text)) throw badCode();
}

/** Deletes codes and tokens that have expired; nothing depends on when. */
export async function pruneTokens(ctx: AppContext): Promise<void> {
  const now = ctx.clock.now();
  await deleteExpiredCodes(ctx.db, now);
  await pruneExpiredTokens(ctx);
}
