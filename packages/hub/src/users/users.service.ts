import { setImmediate } from 'node:timers/promises';
import { barPerson, tellProxies } from '../access/bars.service.ts';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import type { Db } from '../db/types.ts';
import { stopForDeletion } from '../servers/servers.service.ts';
import { deleteStorageOf } from '../storage/storage.service.ts';
import { checkAddresses } from './addresses.service.ts';
import * as repo from './users.repo.ts';
import { deleteUserRow, insertUser, type NewUser, type User, type UserChange } from './users.repo.ts';

export { keepHostsApart } from './addresses.service.ts';
export { configGroupsOf, settleGroups } from './memberships.repo.ts';
export { listUsers, type UserFilter } from './user-list.repo.ts';
export {
  countAdmins,
  findUser,
  findUserById,
  findUsersByName,
  toUser,
  touchUser,
  USER_COLUMNS,
  type User,
  type UserChange,
  type UserRow,
} from './users.repo.ts';

/** Contract §10.1: not empty, no slash, not only dots (even percent-encoded), no blank at either end. */
export function validUserName(name: string): boolean {
  if (name === '' || name.length > 255 || name !== name.trim() || name.includes('/')) return false;
  if (/\p{Cc}/u.test(name)) return false;
  let decoded = name;
  try {
    decoded = decodeURIComponent(name);
  } catch {
    // A lone percent sign is no escape.
  }
  return !/^\.+$/.test(decoded) && !decoded.includes('/');
}

/** Also the installation's own rule, for names that are new here. */
export function acceptsUserName({ config }: Pick<AppContext, 'config'>, name: string): boolean {
  const { usernamePattern } = config;
  if (!validUserName(name)) return false;
  return usernamePattern === undefined || new RegExp(`^(?:${usernamePattern})$`, 'u').test(name);
}

/** What sign-in, list creation and rename do to a name (contract §10.1). */
export function normaliseUserName(name: string): string {
  return name.trim().toLowerCase();
}

/** Undefined when the name is taken. @throws HubError `name_taken` when its address is another account's. */
export async function createUser(db: Db, user: NewUser): Promise<User | undefined> {
  return (await createEach(db, [user]))[0];
}

/** One after the other; those whose name is taken are left out. @throws HubError `name_taken` as `createUser`; then none is made. */
export async function createEach(db: Db, users: readonly NewUser[]): Promise<User[]> {
  // One transaction, so that a number is used up only together with its account.
  if (!db.isTransaction) return db.transaction().execute((tx) => createEach(tx, users));
  const made: User[] = [];
  for (const [at, wanted] of users.entries()) {
    // SQLite answers without waiting: let other requests through between whiles.
    if (at % 50 === 49) await setImmediate();
    const user = await insertUser(db, wanted);
    if (user) made.push(user);
  }
  await checkAddresses(db, made);
  return made;
}

/** Many at once, in a transaction; as `createEach`, but `groups` are for `settleGroups` to say. */
export async function insertUsers(db: Db, users: readonly NewUser[]): Promise<User[]> {
  const made = await repo.insertUsers(db, users);
  await checkAddresses(db, made);
  return made;
}

/** @throws HubError `name_taken` when the address of a new name is another account's. */
export async function updateUser(db: Db, id: number, change: UserChange): Promise<void> {
  if (change.name !== undefined) await checkAddresses(db, [{ id, name: change.name }]);
  await repo.updateUser(db, id, change);
}

/** Stops what runs, removes the account and everything that hangs on it; the home folder by `onUserDelete`. */
export async function deleteUser(ctx: AppContext, user: User, { by }: { by: string }): Promise<void> {
  await stopForDeletion(ctx, user, by);
  if (ctx.config.onUserDelete === 'delete-home') await deleteStorageOf(ctx, user);
  await ctx.authenticator.accounts?.remove(user.name);
  await ctx.db.transaction().execute(async (db) => {
    await barPerson({ ...ctx, db }, user.id);
    await deleteUserRow(db, user.id);
  });
  tellProxies(ctx);
  await audit(ctx, {
    action: 'user.delete',
    of: { kind: 'user', name: user.name },
    detail: { home: ctx.config.onUserDelete },
  });
  ctx.log.info({ user: user.name, by, home: ctx.config.onUserDelete }, 'user deleted');
}
