import { tellProxies } from '../../access/bars.service.ts';
import { settleEverywhere } from '../../access/settle.service.ts';
import { audit } from '../../audit/audit.service.ts';
import type { AppContext } from '../../context.ts';
import { addToGroup, membershipsOf, removeFromGroup } from '../../groups/groups.service.ts';
import { isConfiguredAdmin } from '../../login/allow.ts';
import { isActive, listServers } from '../../servers/servers.service.ts';
import { actorName, isAdmin, type Principal } from '../../users/principal.ts';
import { deleteUser, type User, updateUser } from '../../users/users.service.ts';
import { type AccountChange, changeAccount, refusalFor } from '../account.service.ts';
import { type Act, type BulkAction, nothing, refused, type Verdict, will } from './types.ts';

const isSelf = (by: Principal, user: User) => by.kind === 'user' && by.user.id === user.id;
const ONLY_ADMINS = refused('not_allowed', 'Only administrators may do this to an administrator.');

export const remove: BulkAction = {
  about: 'people',
  scope: 'delete:users',
  async plan(ctx, { user }, { by }) {
    if (isSelf(by, user)) return refused('bad_request', 'You cannot delete yourself.');
    if (user.admin && !isAdmin(by)) return ONLY_ADMINS;
    const servers = (await listServers(ctx.db, [user.id])).get(user.id) ?? [];
    const running = servers.filter(isActive).length;
    const stops =
      running === 0
        ? ''
        : running === 1
          ? ' A server that runs is stopped.'
          : ` ${running} servers that run are stopped.`;
    const home = ctx.config.onUserDelete === 'delete-home' ? 'is deleted, too' : 'is kept';
    return will(`The account is deleted.${stops} The home folder ${home}.`);
  },
  async run(ctx, { user }, { by }) {
    await deleteUser(ctx, user, { by: actorName(by) });
    return 'The account was deleted.';
  },
};

function adminAction(admin: boolean): BulkAction {
  return {
    about: 'people',
    scope: 'admin:users',
    plan(ctx, { user }, { by }) {
      if (!isAdmin(by)) return refused('not_allowed', 'Only administrators make administrators.');
      if (user.admin === admin) return nothing(admin ? 'Is an administrator already.' : 'Is no administrator.');
      if (admin) return will('Becomes an administrator.');
      if (isSelf(by, user)) return refused('bad_request', 'You cannot take this from yourself.');
      if (isConfiguredAdmin(ctx, user.name)) {
        return refused('bad_request', 'The configuration makes this name an administrator. Change it there.');
      }
      return will('Is no administrator any more.');
    },
    async run(ctx, { user }) {
      await ctx.db.transaction().execute(async (db) => {
        await updateUser(db, user.id, { admin });
        await settleEverywhere({ ...ctx, db }, [user.id]);
        await audit(
          { ...ctx, db },
          { action: 'user.change', of: { kind: 'user', name: user.name }, detail: { admin } },
        );
      });
      tellProxies(ctx);
      return admin ? 'Is an administrator now.' : 'Is no administrator any more.';
    },
  };
}

export const makeAdmin = adminAction(true);
export const removeAdmin = adminAction(false);

export const joinGroup: BulkAction = {
  about: 'people',
  scope: 'groups',
  needsGroup: true,
  plan: (_, { user }, { group = '' }) =>
    user.groups.includes(group) ? nothing(`Is in ${group} already.`) : will(`Joins ${group}.`),
  run: (ctx, target, act) => joinAll(ctx, [target], act),
  runAll: (ctx, targets, act) => joinAll(ctx, targets, act),
};

async function joinAll(ctx: AppContext, targets: readonly { user: User }[], { group = '' }: Act): Promise<string> {
  await addToGroup(
    ctx,
    group,
    targets.map(({ user }) => user.name),
  );
  return `Is in ${group} now.`;
}

export const leaveGroup: BulkAction = {
  about: 'people',
  scope: 'groups',
  needsGroup: true,
  async plan(ctx, { user }, { group = '' }) {
    if (!user.groups.includes(group)) return nothing(`Is not in ${group}.`);
    const sources = (await membershipsOf(ctx, user)).find(({ name }) => name === group)?.sources ?? [];
    if (sources.includes('configuration')) return refused('bad_request', `The configuration puts them into ${group}.`);
    if (sources.includes('sign-in')) return refused('bad_request', `Their sign-in says that they are in ${group}.`);
    return will(`Leaves ${group}.`);
  },
  run: (ctx, target, act) => leaveAll(ctx, [target], act),
  runAll: (ctx, targets, act) => leaveAll(ctx, targets, act),
};

async function leaveAll(ctx: AppContext, targets: readonly { user: User }[], { group = '' }: Act): Promise<string> {
  await removeFromGroup(
    ctx,
    group,
    targets.map(({ user }) => user.name),
  );
  return `Is not in ${group} any more.`;
}

function accountAction(
  change: AccountChange,
  words: { already: string; will: string; done: string },
  isSo: (user: User) => boolean,
): BulkAction {
  return {
    about: 'people',
    scope: 'admin:users',
    plan(_, { user }, { by }): Verdict {
      const refusal = refusalFor(by, user, change);
      if (refusal !== undefined) return refused('not_allowed', refusal);
      return isSo(user) ? nothing(words.already) : will(words.will);
    },
    async run(ctx, { user }, { by }) {
      await changeAccount(ctx, user, change, by);
      return words.done;
    },
  };
}

export const block = accountAction(
  { blocked: true },
  {
    already: 'Is blocked already.',
    will: 'Is signed out and cannot sign in. A server that runs goes on.',
    done: 'Is blocked now.',
  },
  (user) => user.blocked,
);
export const unblock = accountAction(
  { blocked: false },
  { already: 'Is not blocked.', will: 'Can sign in again.', done: 'Can sign in again.' },
  (user) => !user.blocked,
);
export const approve = accountAction(
  { waiting: false },
  { already: 'Waits for no approval.', will: 'Can sign in from now on.', done: 'Can sign in now.' },
  (user) => !user.pending,
);
