import { type GroupsOf, HubError, permits, type ScopeSet, type ScopeTarget } from '@atrium/sdk';
import type { FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { isStale, staysSignedIn } from '../login/refresh.service.ts';
import { findSession, userOfSession } from '../sessions/sessions.service.ts';
import { type ApiToken, findToken, scopesOfPrincipal, touchToken } from '../tokens/tokens.service.ts';
import { asUser, type Principal } from '../users/principal.ts';
import { findUser, touchUser, type User } from '../users/users.service.ts';

/** Who asks, and what they may do in this request. */
export interface Requester {
  principal: Principal;
  /** Undefined for a service. */
  user: User | undefined;
  /** Effective: of the owner, and of the token when it came by one. */
  scopes: ScopeSet;
  via: { kind: 'session'; hash: string; sessionId: string } | { kind: 'token'; token: ApiToken };
}

/** A person who asks; on pages it always is one. */
export interface Viewer extends Requester {
  user: User;
}

export function asViewer(requester: Requester | null): Viewer | null {
  return requester?.user ? { ...requester, user: requester.user } : null;
}

const known = new WeakMap<FastifyRequest, Promise<Requester | null>>();

/**
 * Token header first where the contract takes one, then the login cookie (§3.1). Looks once per request; checks no
 * XSRF, which is the guard's and, on public routes, the handler's.
 */
export function requesterOf(ctx: AppContext, request: FastifyRequest): Promise<Requester | null> {
  let requester = known.get(request);
  if (!requester) {
    requester = find(ctx, request);
    known.set(request, requester);
  }
  return requester;
}

async function find(ctx: AppContext, request: FastifyRequest): Promise<Requester | null> {
  const text = takesToken(ctx, request) ? headerToken(request) : undefined;
  const byToken = text === undefined ? undefined : await tokenOf(ctx, text);
  if (byToken) {
    const { principal, token, scopes } = byToken;
    const user = principal.kind === 'user' ? principal.user : undefined;
    noteUse(ctx, request, user, token);
    return { principal, user, scopes, via: { kind: 'token', token } };
  }
  const session = await findSession(ctx, request);
  if (!session) return null;
  const { user, hash, sessionId } = session;
  noteUse(ctx, request, user);
  const principal = asUser(user);
  return {
    principal,
    user,
    scopes: await scopesOfPrincipal(ctx, principal),
    via: { kind: 'session', hash, sessionId },
  };
}

/** Whose token it is; undefined where they have to sign in again and that ends their tokens, too (contract §2.8). */
async function tokenOf(ctx: AppContext, text: string): ReturnType<typeof findToken> {
  const found = await findToken(ctx, text);
  if (found?.principal.kind !== 'user' || !ctx.config.sessions.refreshTokens) return found;
  const { user } = found.principal;
  const stale = isStale(ctx, user);
  if (!(await staysSignedIn(ctx, user))) return undefined;
  // They may be in other groups by now.
  return stale ? findToken(ctx, text) : found;
}

/**
 * What whoever asked may do by now, for an answer that stays open; undefined when they are signed out, or their token is
 * gone.
 */
export async function scopesNow(ctx: AppContext, request: FastifyRequest): Promise<ScopeSet | undefined> {
  const via = request.requester?.via;
  if (via?.kind === 'session') {
    const user = await userOfSession(ctx, via.hash);
    return user && scopesOfPrincipal(ctx, asUser(user));
  }
  const text = headerToken(request);
  return text === undefined ? undefined : (await findToken(ctx, text))?.scopes;
}

/** Only the API, `{hub}metrics`, and `{hub}user/…`, where an open JupyterLab polls; other pages ignore the header (§5.1). */
function takesToken(ctx: AppContext, request: FastifyRequest): boolean {
  const { path, page } = { path: pathOf(request), page: request.routeOptions.config.page };
  return path === `${ctx.urls.hub}metrics` || path.startsWith(`${ctx.urls.hub}user/`) || (!page && isApi(ctx, path));
}

export function pathOf(request: FastifyRequest): string {
  const at = request.url.indexOf('?');
  return at === -1 ? request.url : request.url.slice(0, at);
}

export function isApi(ctx: AppContext, path: string): boolean {
  return path === ctx.urls.api || path.startsWith(`${ctx.urls.api}/`);
}

/** The token of an `Authorization` header; undefined when there is none that could be valid. */
export function headerToken(request: FastifyRequest): string | undefined {
  const text = /^(?:token|bearer) +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return text !== undefined && text.length <= 64 ? text : undefined;
}

const USER_RESOLUTION = 30_000;
const TOKEN_RESOLUTION = 60_000;

/** Rarely writes, and never keeps the request waiting. */
function noteUse(ctx: AppContext, request: FastifyRequest, user: User | undefined, token?: ApiToken): void {
  const now = ctx.clock.now();
  const failed = (err: unknown) => ctx.log.warn({ err }, 'activity not stored');
  if (token && now - (token.lastActivity ?? 0) >= TOKEN_RESOLUTION) touchToken(ctx.db, token.id, now).catch(failed);
  // A server talking to the hub is not its owner being there; nor is a tab polling a server that is gone.
  if (token?.note.startsWith('Server at ') || pathOf(request).startsWith(`${ctx.urls.hub}user/`)) return;
  if (user && now - (user.lastActivity ?? 0) >= USER_RESOLUTION) touchUser(ctx.db, user.id, now).catch(failed);
}

/** The groups of one person, for scopes with a group filter; asks the database only when such a scope is held. */
export async function groupsFor(
  ctx: AppContext,
  requester: Pick<Requester, 'user' | 'scopes'>,
  scopes: Iterable<string>,
  name: string | undefined,
): Promise<GroupsOf> {
  if (name === undefined) return () => [];
  const matters = [...scopes].some((scope) => {
    const reach = requester.scopes.get(scope);
    return reach !== undefined && reach !== 'all' && reach.group !== undefined;
  });
  if (!matters) return () => [];
  const { user } = requester;
  const groups = name === user?.name ? user.groups : ((await findUser(ctx.db, name))?.groups ?? []);
  return (user) => (user === name ? groups : []);
}

/** Whether any of these scopes covers the target. */
export async function mayDo(
  ctx: AppContext,
  requester: Pick<Requester, 'user' | 'scopes'>,
  scopes: readonly string[],
  target: ScopeTarget = {},
): Promise<boolean> {
  const groupsOf = await groupsFor(ctx, requester, scopes, target.user);
  return scopes.some((scope) => permits(requester.scopes, scope, target, groupsOf) === 'yes');
}

/**
 * The authorisation rule of contract §3.1: any one of `scopes` must cover the target.
 * `filtered`: a list without a target, which the handler cuts down to what the scopes cover.
 * @throws HubError `scope_missing` (none is held) or `not_found` (held, but not for this: "not there" and "not yours"
 * read the same).
 */
export async function requireScope(
  ctx: AppContext,
  requester: Requester,
  scopes: readonly string[],
  target: ScopeTarget = {},
  { filtered = false }: { filtered?: boolean } = {},
): Promise<void> {
  const groupsOf = await groupsFor(ctx, requester, scopes, target.user);
  const answers = scopes.map((scope) => permits(requester.scopes, scope, target, groupsOf));
  if (answers.includes('yes') || (filtered && answers.includes('outside'))) return;
  const aboutSomething = Object.values(target).some((value) => value !== undefined);
  if (answers.includes('outside') && aboutSomething) {
    throw new HubError('not_found', 'No access to resources or resources not found');
  }
  throw new HubError(
    'scope_missing',
    `Action is not authorized with current scopes; requires any of [${scopes.join(', ')}]`,
  );
}
