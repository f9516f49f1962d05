import { type Accounts, HubError } from '@atrium/sdk';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import type { Db } from '../db/types.ts';
import { hashToken, randomHex } from '../keys.ts';
import { endSessionsOf } from '../sessions/sessions.service.ts';
import { asUser } from '../users/principal.ts';
import { countAdmins, createUser, findUser, findUserById, type User } from '../users/users.service.ts';
import { deleteLinks, findLink, insertLink, type LinkKind, useLink } from './links.repo.ts';
import { nameProblem } from './names.ts';
import { succeeded } from './throttle.service.ts';

export interface OneTimeLink {
  /** From the slash, with the secret in its query: shown to one person, never logged. */
  path: string;
  expiresAt: number;
}

const FIRST_ADMIN_MS = 3_600_000;
const RESET_MS = 24 * 3_600_000;

/** @throws HubError `bad_request` where the authenticator keeps no passwords. */
export function accountsOf(ctx: AppContext): Accounts {
  const { accounts } = ctx.authenticator;
  if (!accounts) throw new HubError('bad_request', 'This hub keeps no passwords of its own.');
  return accounts;
}

async function makeLink(ctx: AppContext, kind: LinkKind, userId: number | null, ms: number): Promise<OneTimeLink> {
  const secret = randomHex(24);
  const now = ctx.clock.now();
  await insertLink(ctx.db, { hash: hashToken(secret), kind, userId, now, expiresAt: now + ms });
  return { path: `${ctx.urls.hub}${kind}?token=${secret}`, expiresAt: now + ms };
}

/** Creates the first administrator's account, once, within an hour. Null when there is one, or no accounts are kept. */
export async function createFirstAdminLink(ctx: AppContext): Promise<OneTimeLink | null> {
  if (!ctx.authenticator.accounts || (await countAdmins(ctx.db)) > 0) return null;
  return makeLink(ctx, 'first-admin', null, FIRST_ADMIN_MS);
}

/** Sets a person's password, once, within a day. An earlier link of theirs ends. */
export async function createResetLink(ctx: AppContext, user: User, by: string): Promise<OneTimeLink> {
  accountsOf(ctx);
  await deleteLinks(ctx.db, 'reset', user.id);
  await audit(ctx, { action: 'password.link', of: { kind: 'user', name: user.name } });
  ctx.log.info({ user: user.name, by }, 'password reset link made');
  return makeLink(ctx, 'reset', user.id, RESET_MS);
}

/**
 * Checks and sets a password, ends the person's sessions (but `keep`) and any lockout.
 * @returns what is wrong with the password, or null when it was set.
 */
export async function setPassword(
  ctx: AppContext,
  user: User,
  password: string,
  { keep }: { keep?: { hash: string } } = {},
): Promise<string | null> {
  const accounts = accountsOf(ctx);
  const problem = accounts.problem(user.name, password);
  if (problem !== null) return problem;
  await accounts.set(user.name, password);
  await endSessionsOf(ctx, user.id, keep);
  await deleteLinks(ctx.db, 'reset', user.id);
  await succeeded(ctx, user.name);
  // By a link they are not signed in, but nobody else has it.
  await audit(ctx, { action: 'password.set', by: asUser(user), of: { kind: 'user', name: user.name } });
  ctx.log.info({ user: user.name }, 'password set');
  return null;
}

/** Whether a first-admin link can be used now. */
export async function isFirstAdminLink(ctx: AppContext, secret: string): Promise<boolean> {
  if (!ctx.authenticator.accounts) return false;
  const link = await findLink(ctx.db, hashToken(secret), 'first-admin', ctx.clock.now());
  return link !== undefined && (await countAdmins(ctx.db)) === 0;
}

export type FirstAdmin = { ok: true; user: User } | { ok: false; reason: 'gone' | 'invalid'; message: string };

/** Uses the link. The account and the link's use are one transaction: there is never a second first administrator. */
export async function createFirstAdmin(
  ctx: AppContext,
  secret: string,
  name: string,
  password: string,
): Promise<FirstAdmin> {
  const gone = { ok: false, reason: 'gone', message: '' } as const;
  if (!(await isFirstAdminLink(ctx, secret))) return gone;
  const accounts = accountsOf(ctx);
  const problem = nameProblem(ctx, name) ?? accounts.problem(name, password);
  if (problem !== null) return { ok: false, reason: 'invalid', message: problem };
  const taken = {
    ok: false,
    reason: 'invalid',
    message: 'There is an account of this name. Use another one.',
  } as const;
  if (await findUser(ctx.db, name)) return taken;
  // Before the account, so that a hub which dies in between leaves no administrator whom nobody can be.
  await accounts.set(name, password);
  const now = ctx.clock.now();
  const refused = new Error('not made');
  let result: FirstAdmin = gone;
  const make = async (tx: Db): Promise<void> => {
    // The account first: its number comes from a counter's row, which makes two links take turns.
    const user = await createUser(tx, { name, admin: true, allowedBy: 'first-admin', now });
    if (!user) {
      result = taken;
      throw refused;
    }
    if ((await countAdmins(tx)) !== 1 || !(await useLink(tx, hashToken(secret), 'first-admin', now))) throw refused;
    await deleteLinks(tx, 'first-admin', null);
    const of = { kind: 'user', name };
    await audit(
      { ...ctx, db: tx },
      { action: 'user.create', by: asUser(user), of, detail: { admin: true, first: true } },
    );
    result = { ok: true, user };
  };
  try {
    await ctx.db.transaction().execute(make);
  } catch (error) {
    if (error !== refused) throw error;
    return result;
  }
  ctx.log.info({ user: name }, 'first administrator created');
  return result;
}

/** Whose password a reset link sets; undefined when it can no longer be used. */
export async function resetLinkUser(ctx: AppContext, secret: string): Promise<User | undefined> {
  if (!ctx.authenticator.accounts) return undefined;
  const link = await findLink(ctx.db, hashToken(secret), 'reset', ctx.clock.now());
  return link?.userId == null ? undefined : findUserById(ctx.db, link.userId);
}

/** @returns what is wrong with the password, `gone` when the link is, or null when the password was set. */
export async function useResetLink(ctx: AppContext, secret: string, password: string): Promise<string | null> {
  const user = await resetLinkUser(ctx, secret);
  if (!user) return 'gone';
  const problem = accountsOf(ctx).problem(user.name, password);
  if (problem !== null) return problem;
  if (!(await useLink(ctx.db, hashToken(secret), 'reset', ctx.clock.now()))) return 'gone';
  return setPassword(ctx, user, password);
}
