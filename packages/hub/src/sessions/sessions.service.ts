import type { FastifyReply, FastifyRequest } from 'fastify';
import { barEverywhere, tellProxies } from '../access/bars.service.ts';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { COOKIES, clearCookie, loginCookie, readCookies, setCookie } from '../http/cookies.ts';
import { hashToken, randomHex } from '../keys.ts';
import { findLegacyLoginOf, useLogin } from '../legacy/legacy-logins.service.ts';
import { mayStay } from '../login/allow.ts';
import { isStale, noteSignIn, staysSignedIn } from '../login/refresh.service.ts';
import { asUser } from '../users/principal.ts';
import type { User } from '../users/users.service.ts';
import { countSessions, deleteSessions, findSessionRow, insertSession, touchSession } from './sessions.repo.ts';

export { deleteExpiredSessions } from './sessions.repo.ts';

/** A signed-in browser. */
export interface Session {
  user: User;
  /** SHA-256 hex of the login cookie. */
  hash: string;
  /** `jupyterhub-session-id`, which services key their caches on. */
  sessionId: string;
}

/** `last_seen` is for people to read; a write per request would cost more than it tells. */
const SEEN_RESOLUTION_MS = 60_000;
/** Browsers keep the cookie longer than the row is valid, as JupyterHub's do (contract §2.5). */
const COOKIE_SECONDS = 30 * 86_400;

interface Known {
  pending: Promise<Session | null>;
  /** Set once looked up, for what cannot wait (xsrf.ts). */
  session?: Session | null;
}
const known = new WeakMap<FastifyRequest, Known>();
const replies = new WeakMap<FastifyRequest, FastifyReply>();

/** Called as each request arrives, so that looking up a session can give back the cookie that the browser lost. */
export function rememberReply(request: FastifyRequest, reply: FastifyReply): void {
  replies.set(request, reply);
}

/** Services on hosts of their own read it there, too: their caches are keyed on it. */
const sessionPlace = ({ urls }: Pick<AppContext, 'urls'>) => ({ path: urls.base, everyHost: true });

function keep(request: FastifyRequest, session: Session | null): void {
  known.set(request, { pending: Promise.resolve(session), session });
}

/** A new session in place of the one the browser may have had. Its ids are new: nobody can have planted them. */
export async function createSession(
  ctx: AppContext,
  user: User,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Session> {
  await forget(ctx, request);
  noteSignIn(ctx, user);
  const value = randomHex(32);
  const session = { user, hash: hashToken(value), sessionId: randomHex(16) };
  const now = ctx.clock.now();
  const maxAge = ctx.config.sessions.maxAge;
  await insertSession(ctx.db, {
    hash: session.hash,
    session_id: session.sessionId,
    user_id: user.id,
    created: now,
    last_seen: now,
    expires_at: now + maxAge * 1000,
  });
  await audit(ctx, { action: 'session.begin', by: asUser(user), of: { kind: 'user', name: user.name } });
  setCookie(ctx, request, reply, COOKIES.sessionId, session.sessionId, sessionPlace(ctx));
  const { name, path } = loginCookie(ctx);
  setCookie(ctx, request, reply, name, value, { path, maxAge: Math.max(COOKIE_SECONDS, maxAge) });
  keep(request, session);
  return session;
}

/** Who is signed in with this request's cookie; null for nobody, and for whoever may no longer be here. Looks once. */
export function findSession(ctx: AppContext, request: FastifyRequest): Promise<Session | null> {
  const found = known.get(request);
  if (found) return found.pending;
  const entry: Known = {
    pending: look(ctx, request).then((session) => {
      entry.session = session;
      return session;
    }),
  };
  known.set(request, entry);
  return entry.pending;
}

/** Whose login cookie this is; undefined when it is not one, or they may no longer be here. */
export async function findUserOfCookie(ctx: AppContext, value: string): Promise<User | undefined> {
  return userOfSession(ctx, hashToken(value));
}

/** Whose session this is now; undefined when it has ended, or they may no longer be here. */
export async function userOfSession(ctx: AppContext, hash: string): Promise<User | undefined> {
  const row = await findSessionRow(ctx.db, hash, ctx.clock.now());
  return row && mayStay(ctx, row.user) ? row.user : undefined;
}

async function look(ctx: AppContext, request: FastifyRequest): Promise<Session | null> {
  const now = ctx.clock.now();
  for (const value of readCookies(request, loginCookie(ctx).name)) {
    const hash = hashToken(value);
    let row = (await findSessionRow(ctx.db, hash, now)) ?? (await takeOver(ctx, value, hash));
    if (!row || !mayStay(ctx, row.user)) continue;
    if (ctx.authenticator.refresh) {
      const stale = isStale(ctx, row.user);
      if (!(await staysSignedIn(ctx, row.user))) continue;
      if (stale) row = await findSessionRow(ctx.db, hash, now);
      if (!row || !mayStay(ctx, row.user)) continue;
    }
    if (now - row.lastSeen >= SEEN_RESOLUTION_MS) {
      // Who reads goes on reading when the disk is full.
      await touchSession(ctx.db, hash, now).catch((err) => ctx.log.warn({ err }, 'session not touched'));
    }
    const reply = replies.get(request);
    if (reply && !readCookies(request, COOKIES.sessionId).includes(row.sessionId)) {
      setCookie(ctx, request, reply, COOKIES.sessionId, row.sessionId, sessionPlace(ctx));
    }
    return { user: row.user, hash, sessionId: row.sessionId };
  }
  return null;
}

/**
 * Makes a session of ours of a login cookie of the JupyterHub that was here before, once; the browser keeps its cookie,
 * which is from now on known by its hash, as ours are. So nobody is sent to sign in, however many requests come at once.
 */
async function takeOver(ctx: AppContext, cookie: string, hash: string): ReturnType<typeof findSessionRow> {
  const login = await findLegacyLoginOf(ctx, cookie);
  if (!login) return undefined;
  const now = ctx.clock.now();
  const taken = await ctx.db.transaction().execute(async (db) => {
    if (!(await useLogin(db, hash, login.importId))) return false;
    await insertSession(db, {
      hash,
      session_id: randomHex(16),
      user_id: login.userId,
      created: now,
      last_seen: now,
      expires_at: Math.min(login.until, now + ctx.config.sessions.maxAge * 1000),
    });
    return true;
  });
  const row = await findSessionRow(ctx.db, hash, now);
  if (taken && row) {
    const { user } = row;
    const of = { kind: 'user', name: user.name };
    await audit(ctx, { action: 'session.begin', by: asUser(user), of, detail: { takenOver: 'JupyterHub' } });
    ctx.log.info({ user: user.name }, 'sign-in of JupyterHub taken over');
  }
  return row;
}

/** The session of a request that `findSession` has looked at, without waiting. */
export function knownSession(request: FastifyRequest): Session | null {
  const entry = known.get(request);
  if (entry?.session === undefined) throw new Error('findSession has to come first.');
  return entry.session;
}

/** Signs the browser out: its cookies, its row, and the tokens that were made in it (contract §2.7). */
export async function endSession(ctx: AppContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const session = await findSession(ctx, request);
  await forget(ctx, request);
  if (session) {
    const { user } = session;
    await audit(ctx, { action: 'session.end', by: asUser(user), of: { kind: 'user', name: user.name } });
  }
  const { base, hub } = ctx.urls;
  const { name, path } = loginCookie(ctx);
  clearCookie(ctx, request, reply, COOKIES.sessionId, sessionPlace(ctx));
  clearCookie(ctx, request, reply, name, { path });
  clearCookie(ctx, request, reply, COOKIES.services, { path: `${base}services` });
  clearCookie(ctx, request, reply, COOKIES.xsrf, { path: hub });
}

/** Browsers have one, or one per path that it was set for; each costs a transaction. */
const MOST_COOKIES = 4;

async function forget(ctx: AppContext, request: FastifyRequest): Promise<void> {
  const values = readCookies(request, loginCookie(ctx).name);
  for (const value of values.slice(0, MOST_COOKIES)) await end(ctx, { hash: hashToken(value) });
  keep(request, null);
}

/** Servers that still remember the tokens do not get to see them again, and what they opened is closed. */
async function end(ctx: AppContext, which: Parameters<typeof deleteSessions>[1]): Promise<void> {
  const tokens = await ctx.db.transaction().execute((db) => endIn({ ...ctx, db }, which));
  if (tokens > 0) tellProxies(ctx);
}

/** Within a transaction. @returns how many tokens went with the sessions */
async function endIn(ctx: AppContext, which: Parameters<typeof deleteSessions>[1]): Promise<number> {
  const tokens = await deleteSessions(ctx.db, which);
  await barEverywhere(ctx, tokens);
  return tokens.length;
}

/** Signs a person out everywhere, within a transaction; `tellProxies` comes after it. */
export async function endSessionsIn(ctx: AppContext, userId: number): Promise<void> {
  await endIn(ctx, { userId });
}

/** Signs a person out everywhere, or everywhere but in one browser. */
export async function endSessionsOf(ctx: AppContext, userId: number, except?: { hash: string }): Promise<void> {
  await end(ctx, { userId, ...(except && { except: except.hash }) });
}

/** How many browsers somebody is signed in with. */
export function countSessionsOf(ctx: AppContext, userId: number): Promise<number> {
  return countSessions(ctx.db, userId, ctx.clock.now());
}
