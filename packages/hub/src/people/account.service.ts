import { HubError } from '@atrium/sdk';
import { barPerson, tellProxies } from '../access/bars.service.ts';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { endSessionsIn } from '../sessions/sessions.service.ts';
import { isAdmin, type Principal } from '../users/principal.ts';
import { type User, updateUser } from '../users/users.service.ts';

export interface AccountChange {
  blocked?: boolean | undefined;
  /** False: their sign-up is approved. */
  waiting?: false | undefined;
  /** Seconds; null: the hub's; 0: never. */
  stopAfter?: number | null | undefined;
}

/** Why this may not be done to this person by whoever asks; undefined when it may. */
export function refusalFor(by: Principal, user: User, change: AccountChange): string | undefined {
  if (user.admin && !isAdmin(by)) return 'Only administrators may change an administrator’s account.';
  if (change.blocked && by.kind === 'user' && by.user.id === user.id) return 'You cannot block yourself.';
  return undefined;
}

/** @throws HubError `not_allowed`. */
export async function changeAccount(ctx: AppContext, user: User, change: AccountChange, by: Principal): Promise<User> {
  const refusal = refusalFor(by, user, change);
  if (refusal !== undefined) throw new HubError('not_allowed', refusal);
  const of = { kind: 'user', name: user.name };
  const changed = { ...user };
  await ctx.db.transaction().execute(async (db) => {
    const within = { ...ctx, db };
    if (change.waiting === false && user.pending) {
      Object.assign(changed, { pending: false, allowedBy: 'approval' });
      await updateUser(db, user.id, { pending: false, allowedBy: 'approval' });
      await audit(within, { action: 'user.approve', of });
    }
    if (change.blocked !== undefined && change.blocked !== user.blocked) {
      changed.blocked = change.blocked;
      await updateUser(db, user.id, { blocked: change.blocked });
      if (change.blocked) await endSessionsIn(within, user.id);
      await barPerson(within, user.id, change.blocked);
      await audit(within, { action: change.blocked ? 'user.block' : 'user.unblock', of });
    }
    if (change.stopAfter !== undefined && change.stopAfter !== user.stopAfter) {
      changed.stopAfter = change.stopAfter;
      await updateUser(db, user.id, { stopAfter: change.stopAfter });
      await audit(within, { action: 'user.change', of, detail: { stopAfter: change.stopAfter } });
    }
  });
  // They are asked at every request whether they may stay; this makes services and servers hear of it, too.
  if (changed.blocked !== user.blocked) tellProxies(ctx);
  return changed;
}
