import { HubError } from '@atrium/sdk';
import { tellProxies } from '../access/bars.service.ts';
import type { AppContext } from '../context.ts';
import { readAuthState } from '../users/auth-state.service.ts';
import { findUser, normaliseUserName, type User } from '../users/users.service.ts';
import { mayStay } from './allow.ts';
import { accountNameOf, enter } from './login.service.ts';

/** What the authenticator said of somebody last, and when it was asked, ms. */
interface Known {
  at: number;
  stays: Promise<boolean>;
}
/** Of each hub by account. In memory: after a restart everybody is asked about once more. */
const known = new WeakMap<AppContext['authenticator'], Map<number, Known>>();

function of(ctx: AppContext): Map<number, Known> {
  const people = known.get(ctx.authenticator) ?? new Map<number, Known>();
  known.set(ctx.authenticator, people);
  return people;
}

/** They have just proved who they are. */
export function noteSignIn(ctx: AppContext, user: Pick<User, 'id'>): void {
  if (ctx.authenticator.refresh) of(ctx).set(user.id, { at: ctx.clock.now(), stays: Promise.resolve(true) });
}

/** Whether the authenticator is to be asked about them. */
export function isStale(ctx: AppContext, user: Pick<User, 'id'>): boolean {
  const { refreshAge } = ctx.config.sessions;
  if (!ctx.authenticator.refresh || refreshAge === 0) return false;
  const last = of(ctx).get(user.id);
  return !last || ctx.clock.now() - last.at >= refreshAge * 1000;
}

/**
 * Whether somebody who signed in stays signed in (contract §2.8): asks the authenticator when that is due, once for all
 * requests that come meanwhile, and takes over what it says of them.
 */
export function staysSignedIn(ctx: AppContext, user: User): Promise<boolean> {
  if (isStale(ctx, user)) of(ctx).set(user.id, { at: ctx.clock.now(), stays: ask(ctx, user) });
  return of(ctx).get(user.id)?.stays ?? Promise.resolve(true);
}

/**
 * Before a start, where that is set: who has to sign in again, or may not come in any more, is not started by their own
 * browser; nor by a token or somebody else where `refreshTokens` is set, too.
 * @returns them as they are now: their groups decide what they may start
 * @throws HubError `not_allowed`
 */
export async function checkBeforeStart(ctx: AppContext, user: User, { own }: { own: boolean }): Promise<User> {
  const { refreshBeforeStart, refreshTokens } = ctx.config.sessions;
  if (!refreshBeforeStart || !ctx.authenticator.refresh || !(own || refreshTokens)) return user;
  const answer = { at: ctx.clock.now(), stays: ask(ctx, user) };
  of(ctx).set(user.id, answer);
  const now = (await answer.stays) ? await findUser(ctx.db, user.name) : undefined;
  if (now && mayStay(ctx, now)) return now;
  throw new HubError('not_allowed', `The sign-in of ${user.name} has ended. Sign in again, then start the server.`);
}

async function ask(ctx: AppContext, user: User): Promise<boolean> {
  try {
    const identity = await ctx.authenticator.refresh?.({
      name: user.name,
      authState: await readAuthState(ctx, user.id),
    });
    // Whoever is called otherwise now is somebody else here.
    const names = identity ? [normaliseUserName(identity.name), accountNameOf(ctx, identity)] : [];
    if (!identity || !names.includes(user.name)) {
      ctx.log.info({ user: user.name }, 'has to sign in again');
      return false;
    }
    const after = await ctx.db.transaction().execute((db) => enter({ ...ctx, db }, user.name, identity, user));
    if (after.authGroups.join('\0') !== user.authGroups.join('\0')) tellProxies(ctx);
    return true;
  } catch (err) {
    ctx.log.warn({ err, user: user.name }, 'the sign-in could not be refreshed');
    return true;
  }
}
