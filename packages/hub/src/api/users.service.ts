import { HubError, type ScopeSet } from '@atrium/sdk';
import { tellProxies } from '../access/bars.service.ts';
import { settleEverywhere } from '../access/settle.service.ts';
import { audit, auditAll } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { isActive, listServers } from '../servers/servers.service.ts';
import { isAdmin, type Principal } from '../users/principal.ts';
import {
  acceptsUserName,
  createEach,
  createUser,
  findUser,
  normaliseUserName,
  type User,
  type UserChange,
  updateUser,
} from '../users/users.service.ts';

/** @throws HubError `not_found` in the words of contract §3.1, the same as for a user one may not see. */
export async function userNamed(ctx: AppContext, name: string): Promise<User> {
  const user = await findUser(ctx.db, name);
  if (!user) throw new HubError('not_found', 'No access to resources or resources not found');
  return user;
}

/** Administrators are made by administrators, whatever else somebody may do with accounts. */
export function checkMayGrantAdmin(requester: Principal): void {
  if (!isAdmin(requester)) throw new HubError('not_allowed', 'Only admins can grant admin permissions');
}

/**
 * Creates those of the names that are free.
 * @throws HubError `invalid_name` when any is not valid (then none is created); `name_taken` when all exist.
 */
export async function createUsers(ctx: AppContext, names: readonly string[], admin: boolean): Promise<User[]> {
  const wanted = [...new Set(names.map(normaliseUserName))];
  const invalid = wanted.filter((name) => !acceptsUserName(ctx, name));
  if (invalid.length > 0) {
    throw new HubError('invalid_name', `Invalid username${invalid.length === 1 ? '' : 's'}: ${invalid.join(', ')}`);
  }
  const now = ctx.clock.now();
  const created = await ctx.db.transaction().execute(async (db) => {
    const users = await createEach(
      db,
      wanted.map((name) => ({ name, admin, allowedBy: 'administrator', now })),
    );
    const made = users.map((user) => ({
      action: 'user.create' as const,
      of: { kind: 'user', name: user.name },
      detail: { admin },
    }));
    await auditAll({ ...ctx, db }, made);
    return users;
  });
  if (created.length === 0) throw new HubError('name_taken', `All ${wanted.length} users already exist`);
  return created;
}

/** One user by exactly this name (contract §3.5: the single POST does not normalise). */
export async function createOneUser(ctx: AppContext, name: string, admin: boolean): Promise<User> {
  if (!acceptsUserName(ctx, name)) throw new HubError('invalid_name', `Failed to create user: ${name}`);
  const user = await createUser(ctx.db, { name, admin, allowedBy: 'administrator', now: ctx.clock.now() });
  if (!user) throw new HubError('name_taken', `User ${name} already exists`);
  await audit(ctx, { action: 'user.create', of: { kind: 'user', name }, detail: { admin } });
  return user;
}

/** @throws HubError for an invalid or taken name, or a rename while a server runs under the old one. */
export async function changeUser(
  ctx: AppContext,
  user: User,
  change: { name?: string | undefined; admin?: boolean | undefined },
): Promise<User> {
  const name = change.name === undefined ? user.name : normaliseUserName(change.name);
  const values: UserChange = { ...(change.admin !== undefined && { admin: change.admin }) };
  if (name !== user.name) {
    if (!acceptsUserName(ctx, name)) throw new HubError('invalid_name', `Invalid username: '${name}'`);
    if (await findUser(ctx.db, name)) {
      // JupyterHub's answer to a rename, and not the 409 of making somebody (contract §3.5).
      throw new HubError('invalid_name', `User ${name} already exists, username must be unique`);
    }
    // What runs answers under the old name's path and knows itself by it.
    const servers = (await listServers(ctx.db, [user.id])).get(user.id) ?? [];
    if (servers.some(isActive)) throw new HubError('bad_request', `Stop the servers of ${user.name} before renaming`);
    values.name = name;
  }
  await ctx.db.transaction().execute(async (db) => {
    await updateUser(db, user.id, values).catch((error: unknown) => {
      // Its address is another account's: answered as a name that is.
      if (error instanceof HubError && error.code === 'name_taken') throw new HubError('invalid_name', error.message);
      throw error;
    });
    if (values.admin !== undefined && values.admin !== user.admin) await settleEverywhere({ ...ctx, db }, [user.id]);
  });
  tellProxies(ctx);
  if (name !== user.name) {
    const { accounts } = ctx.authenticator;
    // A password that stayed behind would open the account of whoever gets the old name next.
    if (accounts?.rename) await accounts.rename(user.name, name);
    else await accounts?.remove(user.name);
    ctx.log.info({ user: user.name, name }, 'user renamed');
  }
  const was = name === user.name ? {} : { was: user.name };
  await audit(ctx, { action: 'user.change', of: { kind: 'user', name }, detail: { ...was, ...values } });
  return { ...user, ...values };
}

/** Which users a filtered scope covers; undefined when it covers everybody. @throws HubError `scope_missing` */
export function listFilter(scopes: ScopeSet, scope = 'list:users'): { names: string[]; groups: string[] } | undefined {
  const reach = scopes.get(scope);
  if (reach === 'all') return undefined;
  if (!reach?.user && !reach?.group) {
    throw new HubError('scope_missing', `Action is not authorized with current scopes; requires any of [${scope}]`);
  }
  return { names: [...(reach.user ?? [])], groups: [...(reach.group ?? [])] };
}
