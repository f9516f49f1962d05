import { HubError, type Identity } from '@atrium/sdk';
import { tellProxies } from '../access/bars.service.ts';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { settleMembers } from '../groups/groups.service.ts';
import { keepAuthState } from '../users/auth-state.service.ts';
import { asUser } from '../users/principal.ts';
import {
  acceptsUserName,
  createUser,
  findUser,
  findUserById,
  normaliseUserName,
  type User,
  type UserChange,
  updateUser,
  validUserName,
} from '../users/users.service.ts';
import { isConfiguredAdmin, judge, type RuleOutcome, reasonOf } from './allow.ts';
import { beginAttempt, failed, succeeded, undecided } from './throttle.service.ts';

export type SignIn =
  | { ok: true; user: User }
  | {
      ok: false;
      /** `refused`: name or password. `locked`: too many of those. `not_allowed`, `pending`: proved, but not let in. */
      reason: 'refused' | 'locked' | 'not_allowed' | 'pending';
      /** As they typed it, lower case. */
      name: string;
      /** For the person; never says which of name and password was wrong. */
      message: string;
      /** Ms since the epoch: when another attempt is looked at. */
      retryAt?: number;
      /** Every access rule and its outcome, once they proved who they are. */
      rules?: RuleOutcome[];
    };

const WRONG = 'Name or password is wrong.';
const TOO_MANY = 'There were too many tries.';

/**
 * Checks the sign-in form's fields and, when the access rules agree, answers with the account, made at the first time.
 * @throws HubError `plugin_failed` when the authenticator could not find out.
 */
export async function signIn(ctx: AppContext, fields: unknown, ip: string): Promise<SignIn> {
  const began = performance.now();
  let status: 'success' | 'failure' = 'failure';
  try {
    const result = await trySignIn(ctx, fields, ip);
    if (result.ok) status = 'success';
    return result;
  } finally {
    ctx.metrics.logins.observe({ status }, (performance.now() - began) / 1000);
  }
}

async function trySignIn(ctx: AppContext, fields: unknown, ip: string): Promise<SignIn> {
  const typed = typedName(fields);
  const form = ctx.authenticator.form.safeParse({ ...(fields as object), ...(typed !== '' && { username: typed }) });
  const retryAt = await beginAttempt(ctx, typed, ip);
  if (retryAt !== null) return { ok: false, reason: 'locked', name: typed, message: TOO_MANY, retryAt };

  const identity = form.success ? await ask(ctx, typed, form.data, ip) : null;
  const name = identity ? accountNameOf(ctx, identity) : typed;
  // A room's password is no proof of being its administrator.
  const person = identity ? await findUser(ctx.db, name) : undefined;
  const isAdmin = isConfiguredAdmin(ctx, name) || person?.admin === true;
  const mayBeCalled = person ? validUserName(name) : acceptsUserName(ctx, name);
  const proved = identity && mayBeCalled && !(identity.shared && isAdmin);
  if (!proved) return refuse(ctx, typed, ip);

  const access = judge(ctx, name, person, identity);
  if (!access.allowed) {
    await succeeded(ctx, typed);
    const pending = access.rules.some(({ rule, outcome }) => rule === 'approval' && outcome === 'denies');
    const of = { kind: 'user', name };
    await audit(ctx, { action: 'session.refuse', of, detail: { reason: pending ? 'pending' : 'not_allowed' } });
    ctx.log.info({ user: name, ip }, 'sign-in not allowed');
    return {
      ok: false,
      reason: pending ? 'pending' : 'not_allowed',
      name,
      message: reasonOf(access),
      rules: access.rules,
    };
  }
  const user = await ctx.db.transaction().execute(async (db) => {
    const within = { ...ctx, db };
    await succeeded(within, typed);
    const user = await enter(within, name, identity, person);
    const act = { by: asUser(user), of: { kind: 'user', name } };
    if (!person) await audit(within, { ...act, action: 'user.create', detail: { admin: user.admin, by: 'sign-in' } });
    return user;
  });
  if (person && person.authGroups.join('\0') !== user.authGroups.join('\0')) tellProxies(ctx);
  ctx.log.info({ user: name, ip }, 'signed in');
  return { ok: true, user };
}

function typedName(fields: unknown): string {
  const name = (fields as { username?: unknown } | null | undefined)?.username;
  return typeof name === 'string' ? normaliseUserName(name).slice(0, 255) : '';
}

/** The account of who was proved: the configuration may call them something else here (contract §5.5). */
export function accountNameOf({ config: { usernameMap } }: AppContext, identity: Identity): string {
  const name = normaliseUserName(identity.name);
  return Object.hasOwn(usernameMap, name) ? usernameMap[name]! : name;
}

async function ask(ctx: AppContext, name: string, fields: unknown, ip: string): Promise<Identity | null> {
  try {
    return await ctx.authenticator.authenticate(fields, { ip });
  } catch (cause) {
    await undecided(ctx, name);
    if (cause instanceof HubError) throw cause;
    throw new HubError('plugin_failed', 'Your password could not be checked right now. Try again in a moment.', {
      cause,
    });
  }
}

async function refuse(ctx: AppContext, name: string, ip: string): Promise<SignIn> {
  const retryAt = await failed(ctx, name, ip);
  // Only names that exist are logged: others may be passwords in the wrong field.
  const user = await findUser(ctx.db, name);
  if (user) {
    const of = { kind: 'user', name: user.name };
    await audit(ctx, { action: 'session.refuse', of, detail: { reason: 'name or password' } });
  }
  ctx.log.info({ user: user?.name, ip }, 'sign-in refused');
  return { ok: false, reason: 'refused', name, message: WRONG, ...(retryAt !== null && { retryAt }) };
}

/** The account as it is from now on: made if there is none, with what the authenticator said about it. */
export async function enter(ctx: AppContext, name: string, identity: Identity, found: User | undefined): Promise<User> {
  const now = ctx.clock.now();
  const admin = identity.admin === true || isConfiguredAdmin(ctx, name);
  const user = found ?? (await createUser(ctx.db, { name, admin, now })) ?? (await findUser(ctx.db, name));
  if (!user) throw new HubError('not_found', 'The account was deleted just now. Sign in again.');
  const change: UserChange = {};
  // Rules only grant: taking the role away is an administrator's act.
  if (admin && !user.admin) change.admin = true;
  if (identity.userInfo && JSON.stringify(identity.userInfo) !== JSON.stringify(user.userInfo)) {
    change.userInfo = identity.userInfo;
  }
  if (identity.groups && identity.groups.join('\0') !== user.authGroups.join('\0')) {
    change.authGroups = [...identity.groups];
  }
  await updateUser(ctx.db, user.id, change);
  if (change.authGroups) {
    // Gone and new ones: what is shared with those does not reach them any more, or does from now on.
    const groups = new Set(change.authGroups).symmetricDifference(new Set(user.authGroups));
    for (const group of groups) await settleMembers(ctx, group, [user.id]);
  }
  if (ctx.config.keepAuthState && identity.authState !== undefined) {
    await keepAuthState(ctx, user.id, identity.authState);
  }
  return (await findUserById(ctx.db, user.id)) ?? user;
}
