import { HubError, type ScopeSet } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { hashToken, randomHex } from '../keys.ts';
import { mayStay } from '../login/allow.ts';
import type { User } from '../users/users.service.ts';
import { checkAssignable, scopesOfToken } from './token-scopes.ts';
import {
  type ApiToken,
  countTokens,
  deleteOldTokens,
  deleteToken,
  deleteTokensOfClient,
  findTokenByHash,
  HUB_CLIENT,
  insertToken,
  tokenOf,
  tokensOf,
} from './tokens.repo.ts';

export {
  describeScope,
  ROLES,
  rolesOf,
  scopesOfRoles,
  scopesOfToken,
  scopesOfUser,
} from './token-scopes.ts';
export {
  type ApiToken,
  deleteExpiredTokens,
  deleteServerTokens,
  HUB_CLIENT,
  putServerToken,
  type ServerToken,
  touchToken,
} from './tokens.repo.ts';

export interface TokenRequest {
  user: User;
  /** Checked against what the owner holds. Empty: the token says who its owner is and no more. */
  scopes: readonly string[];
  note: string;
  /** Seconds; null or absent for as long as the config allows. */
  expiresIn?: number | null | undefined;
  /** The browser session it ends with. */
  sessionId?: string | null | undefined;
  clientId?: string | undefined;
  /** The token itself, when it has a form of its own; otherwise 32 hex characters. */
  text?: string | undefined;
}

/** `token` is shown once and stored only as a hash. */
export interface IssuedToken {
  id: number;
  token: string;
  row: ApiToken;
}

/** Of one person; more is a script that forgot to revoke. */
const MOST_TOKENS = 1_000;
/** Of one person for one application: one per browser and sign-in, the oldest give way. */
const MOST_OF_CLIENT = 100;
/** Characters of all scopes of a token together: they are read with every request, and remembered. */
const MOST_SCOPE_TEXT = 8_192;
const MOST_NOTE = 1_000;

/**
 * @throws HubError `bad_request` for scopes the owner does not hold, or a life longer than the config allows;
 * `limit_reached`.
 */
export async function issueToken(ctx: AppContext, request: TokenRequest): Promise<IssuedToken> {
  const { user, clientId, note } = request;
  const scopes = [...new Set(request.scopes)];
  if (JSON.stringify(scopes).length > MOST_SCOPE_TEXT)
    throw new HubError('bad_request', 'A token cannot have so many scopes.');
  if (note.length > MOST_NOTE) throw new HubError('bad_request', `A note has at most ${MOST_NOTE} characters.`);
  await checkAssignable(ctx, user, scopes);
  if (clientId === undefined && (await countTokens(ctx.db, user.id, HUB_CLIENT)) >= MOST_TOKENS) {
    throw new HubError('limit_reached', `${user.name} already has ${MOST_TOKENS} tokens. Revoke some first.`);
  }
  const token = request.text ?? randomHex(16);
  const now = ctx.clock.now();
  const row = await insertToken(ctx.db, {
    userId: user.id,
    hash: hashToken(token),
    clientId: clientId ?? HUB_CLIENT,
    sessionId: request.sessionId ?? null,
    now,
    expiresAt: expiry(ctx, now, request.expiresIn ?? null),
    note,
    scopes,
  });
  if (clientId !== undefined) await deleteOldTokens(ctx.db, user.id, clientId, MOST_OF_CLIENT);
  ctx.log.info({ user: user.name, token: `a${row.id}`, client: row.clientId }, 'token issued');
  return { id: row.id, token, row };
}

function expiry(ctx: AppContext, now: number, seconds: number | null): number | null {
  const max = ctx.config.tokens.maxExpiresIn;
  if (seconds === null) return max > 0 ? now + max * 1000 : null;
  if (!Number.isSafeInteger(seconds) || seconds < 1) {
    throw new HubError('bad_request', 'expires_in must be a whole number of seconds, 1 or more');
  }
  if (max > 0 && seconds > max) throw new HubError('bad_request', `expires_in must not exceed ${max} seconds`);
  return now + seconds * 1000;
}

/** The owner of a token and what it may do; undefined when it is unknown, expired, or its owner may not be here any more. */
export async function findToken(
  ctx: AppContext,
  text: string,
): Promise<{ user: User; token: ApiToken; scopes: ScopeSet } | undefined> {
  const found = await findTokenByHash(ctx.db, hashToken(text), ctx.clock.now());
  if (!found || !mayStay(ctx, found.user)) return undefined;
  const { token, user, clientServer } = found;
  return { user, token, scopes: await scopesOfToken(ctx, user, token.scopes, clientServer) };
}

/** Newest use first; expired ones are not there. */
export function listTokens(ctx: AppContext, user: User): Promise<ApiToken[]> {
  return tokensOf(ctx.db, user.id, ctx.clock.now());
}

/** @param id As clients know it: `a12`. */
export async function findTokenOf(ctx: AppContext, user: User, id: string): Promise<ApiToken | undefined> {
  const number = /^a(\d{1,15})$/.exec(id)?.[1];
  return number === undefined ? undefined : tokenOf(ctx.db, user.id, Number(number), ctx.clock.now());
}

/** A token that an application got by sign-in goes together with all that application has of this person. */
export async function revokeToken(ctx: AppContext, user: User, token: ApiToken): Promise<void> {
  if (token.clientId === HUB_CLIENT) await deleteToken(ctx.db, token.id);
  else await deleteTokensOfClient(ctx.db, user.id, token.clientId);
  ctx.log.info({ user: user.name, token: `a${token.id}`, client: token.clientId }, 'token revoked');
}
