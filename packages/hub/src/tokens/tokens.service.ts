import { HubError, type ScopeSet } from '@atrium/sdk';
import { barEverywhere, tellProxies } from '../access/bars.service.ts';
import { type AuditEntry, audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { hashToken, randomHex } from '../keys.ts';
import { takeLegacyToken } from '../legacy/legacy-tokens.service.ts';
import { mayStay } from '../login/allow.ts';
import { actorName, type Principal, principalName } from '../users/principal.ts';
import { checkAssignable, scopesOfToken } from './token-scopes.ts';
import {
  type ApiToken,
  countTokens,
  deleteExpiredTokens,
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
  scopesOfPrincipal,
  scopesOfToken,
} from './token-scopes.ts';
export {
  type ApiToken,
  deleteServerTokens,
  deleteServiceToken,
  deleteTokensOfService,
  HUB_CLIENT,
  putServerToken,
  putServiceToken,
  type ServerToken,
  type TokenClient,
  touchToken,
} from './tokens.repo.ts';

export interface TokenRequest {
  owner: Principal;
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
  const { owner, clientId, note } = request;
  const scopes = [...new Set(request.scopes)];
  if (JSON.stringify(scopes).length > MOST_SCOPE_TEXT)
    throw new HubError('bad_request', 'A token cannot have so many scopes.');
  if (note.length > MOST_NOTE) throw new HubError('bad_request', `A note has at most ${MOST_NOTE} characters.`);
  await checkAssignable(ctx, owner, scopes);
  if (clientId === undefined && (await countTokens(ctx.db, owner, HUB_CLIENT)) >= MOST_TOKENS) {
    throw new HubError(
      'limit_reached',
      `${principalName(owner)} already has ${MOST_TOKENS} tokens. Revoke some first.`,
    );
  }
  const token = request.text ?? randomHex(16);
  const now = ctx.clock.now();
  const row = await insertToken(ctx.db, {
    owner,
    hash: hashToken(token),
    clientId: clientId ?? HUB_CLIENT,
    sessionId: request.sessionId ?? null,
    now,
    expiresAt: expiry(ctx, now, request.expiresIn ?? null),
    note,
    scopes,
  });
  if (clientId !== undefined) await endTokens(ctx, (db) => deleteOldTokens(db, owner, clientId, MOST_OF_CLIENT));
  const detail = { scopes, note, client: row.clientId, expiresAt: row.expiresAt };
  await audit(ctx, { action: 'token.create', by: owner, ...aboutToken(owner, row), detail });
  ctx.log.info({ user: actorName(owner), token: `a${row.id}`, client: row.clientId }, 'token issued');
  return { id: row.id, token, row };
}

function aboutToken(owner: Principal, { id }: ApiToken): Pick<AuditEntry, 'of'> {
  return { of: { kind: 'token', name: `a${id}`, owner: principalName(owner) } };
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

/** Whose a token is and what it may do; undefined when it is unknown, expired, or its owner may not be here any more. */
export async function findToken(
  ctx: AppContext,
  text: string,
): Promise<{ principal: Principal; token: ApiToken; scopes: ScopeSet } | undefined> {
  const look = () => findTokenByHash(ctx.db, hashToken(text), ctx.clock.now());
  const found = (await look()) ?? ((await takeLegacyToken(ctx, text)) ? await look() : undefined);
  if (!found) return undefined;
  const { token, owner, client } = found;
  if (owner.kind === 'user' && !mayStay(ctx, owner.user)) return undefined;
  return { principal: owner, token, scopes: await scopesOfToken(ctx, owner, token.scopes, client) };
}

/** Newest use first; expired ones are not there. */
export function listTokens(ctx: AppContext, owner: Principal): Promise<ApiToken[]> {
  return tokensOf(ctx.db, owner, ctx.clock.now());
}

/** @param id As clients know it: `a12`. */
export async function findTokenOf(ctx: AppContext, owner: Principal, id: string): Promise<ApiToken | undefined> {
  const number = /^a(\d{1,15})$/.exec(id)?.[1];
  return number === undefined ? undefined : tokenOf(ctx.db, owner, Number(number), ctx.clock.now());
}

/**
 * A token that an application got by sign-in goes together with all that application has of this person. It holds at once,
 * for what was opened with them, too.
 */
export async function revokeToken(ctx: AppContext, owner: Principal, token: ApiToken): Promise<void> {
  await endTokens(ctx, async (db) => {
    await audit({ ...ctx, db }, { action: 'token.revoke', by: owner, ...aboutToken(owner, token) });
    return token.clientId === HUB_CLIENT ? deleteToken(db, token.id) : deleteTokensOfClient(db, owner, token.clientId);
  });
  ctx.log.info({ user: actorName(owner), token: `a${token.id}`, client: token.clientId }, 'token revoked');
}

/** Deletes tokens that have expired; nothing depends on when. */
export function pruneExpiredTokens(ctx: AppContext): Promise<void> {
  return endTokens(ctx, (db) => deleteExpiredTokens(db, ctx.clock.now()));
}

/** Deletes tokens, and closes what was opened with them: without their rows nobody could any more. */
async function endTokens(ctx: AppContext, remove: (db: AppContext['db']) => Promise<string[]>): Promise<void> {
  const count = await ctx.db.transaction().execute(async (db) => {
    const gone = await remove(db);
    await barEverywhere({ ...ctx, db }, gone);
    return gone.length;
  });
  if (count > 0) tellProxies(ctx);
}
