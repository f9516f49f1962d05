import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import { takeNumber, takeNumbers } from '../db/counters.repo.ts';
import { fromJson } from '../db/json.ts';
import { prepared } from '../db/prepared.ts';
import type { Db, UsersTable } from '../db/types.ts';
import { configGroupsOf, settleGroups } from './memberships.repo.ts';

export interface User {
  id: number;
  name: string;
  admin: boolean;
  /** Their own number from the reserved range. */
  uid: number;
  /** `first-admin`, `administrator`, `approval`, or null when only the access rules decide. */
  allowedBy: string | null;
  pending: boolean;
  blocked: boolean;
  created: number;
  lastActivity: number | null;
  userInfo: Record<string, unknown> | null;
  /** What the authenticator said at the last sign-in. */
  authGroups: string[];
  /** All groups they are in, sorted: the sign-in's, the configuration's, and those an administrator gave. */
  groups: string[];
  /** Seconds; null = the config's; 0 = never. */
  stopAfter: number | null;
}

/** All that `User` is made of, without what may be long and is seldom asked for (`auth_state`). */
export const USER_COLUMNS = [
  'id',
  'name',
  'admin',
  'uid',
  'allowed_by',
  'pending',
  'blocked',
  'created',
  'last_activity',
  'user_info',
  'auth_groups',
  'groups',
  'stop_after',
] as const satisfies (keyof UsersTable)[];

export type UserRow = Pick<Selectable<UsersTable>, (typeof USER_COLUMNS)[number]>;

export function toUser(row: UserRow): User {
  return {
    id: row.id,
    name: row.name,
    admin: row.admin === 1,
    uid: row.uid,
    allowedBy: row.allowed_by,
    pending: row.pending === 1,
    blocked: row.blocked === 1,
    created: row.created,
    lastActivity: row.last_activity,
    userInfo: fromJson(row.user_info),
    authGroups: fromJson<string[]>(row.auth_groups) ?? [],
    groups: fromJson<string[]>(row.groups) ?? [],
    stopAfter: row.stop_after,
  };
}

const selectByName = prepared((db, { name }: { name: string }) =>
  db.selectFrom('users').select(USER_COLUMNS).where('name', '=', name),
);

export async function findUser(db: Db, name: string): Promise<User | undefined> {
  const [row] = (await selectByName(db, { name })).rows;
  return row && toUser(row);
}

const selectById = prepared((db, { id }: { id: number }) =>
  db.selectFrom('users').select(USER_COLUMNS).where('id', '=', id),
);

export async function findUserById(db: Db, id: number): Promise<User | undefined> {
  const [row] = (await selectById(db, { id })).rows;
  return row && toUser(row);
}

export async function findUsersByName(db: Db, names: readonly string[]): Promise<User[]> {
  if (names.length === 0) return [];
  return (await db.selectFrom('users').select(USER_COLUMNS).where('name', 'in', names).execute()).map(toUser);
}

export interface NewUser {
  name: string;
  admin?: boolean;
  allowedBy?: string | null;
  pending?: boolean;
  now: number;
}

interface InsertedUser {
  name: string;
  admin: number;
  uid: number;
  allowedBy: string | null;
  pending: number;
  groups: string;
  now: number;
}

const valuesOf = (user: InsertedUser) => ({
  name: user.name,
  admin: user.admin,
  uid: user.uid,
  allowed_by: user.allowedBy,
  pending: user.pending,
  blocked: 0,
  created: user.now,
  last_activity: null,
  user_info: null,
  auth_groups: '[]',
  groups: user.groups,
  stop_after: null,
});

const insertRow = prepared((db, user: InsertedUser) =>
  db
    .insertInto('users')
    .values(valuesOf(user))
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll(),
);

/** Undefined when the name is taken. The unique index decides; reading first would be a race. */
export async function insertUser(db: Db, user: NewUser): Promise<User | undefined> {
  const { rows } = await insertRow(db, {
    name: user.name,
    admin: user.admin ? 1 : 0,
    uid: await takeNumber(db, 'uid'),
    allowedBy: user.allowedBy ?? null,
    pending: user.pending ? 1 : 0,
    groups: JSON.stringify((await configGroupsOf(db, user.name)).sort()),
    now: user.now,
  });
  return rows[0] && toUser(rows[0]);
}

/** Accounts in one statement: as many as one takes with room to spare. */
const TOGETHER = 200;

/** Many at once, in a transaction; those whose name is taken are left out. `groups` are for `settleGroups` to say. */
export async function insertUsers(db: Db, users: readonly NewUser[]): Promise<User[]> {
  const made: User[] = [];
  for (let at = 0; at < users.length; at += TOGETHER) {
    const some = users.slice(at, at + TOGETHER);
    const first = await takeNumbers(db, 'uid', some.length);
    const values = some.map(({ name, admin, allowedBy, pending, now }, index) =>
      valuesOf({
        name,
        admin: admin ? 1 : 0,
        uid: first + index,
        allowedBy: allowedBy ?? null,
        pending: pending ? 1 : 0,
        groups: '[]',
        now,
      }),
    );
    const rows = await db
      .insertInto('users')
      .values(values)
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .execute();
    made.push(...rows.map(toUser));
  }
  return made;
}

export type UserChange = Partial<
  Pick<User, 'name' | 'admin' | 'allowedBy' | 'pending' | 'blocked' | 'userInfo' | 'authGroups' | 'stopAfter'>
>;

export async function updateUser(db: Db, id: number, change: UserChange): Promise<void> {
  const values = {
    ...(change.name !== undefined && { name: change.name }),
    ...(change.admin !== undefined && { admin: change.admin ? 1 : 0 }),
    ...(change.allowedBy !== undefined && { allowed_by: change.allowedBy }),
    ...(change.pending !== undefined && { pending: change.pending ? 1 : 0 }),
    ...(change.blocked !== undefined && { blocked: change.blocked ? 1 : 0 }),
    ...(change.userInfo !== undefined && { user_info: change.userInfo && JSON.stringify(change.userInfo) }),
    ...(change.authGroups !== undefined && { auth_groups: JSON.stringify(change.authGroups) }),
    ...(change.stopAfter !== undefined && { stop_after: change.stopAfter }),
  };
  if (Object.keys(values).length > 0) await db.updateTable('users').set(values).where('id', '=', id).execute();
  // The configuration goes by names.
  if (change.name !== undefined || change.authGroups !== undefined) await settleGroups(db, [id]);
}

export async function findAuthState(db: Db, id: number): Promise<string | null> {
  const row = await db.selectFrom('users').select('auth_state').where('id', '=', id).executeTakeFirst();
  return row?.auth_state ?? null;
}

export async function updateAuthState(db: Db, id: number, sealed: string | null): Promise<void> {
  await db.updateTable('users').set({ auth_state: sealed }).where('id', '=', id).execute();
}

const updateActivity = prepared((db, { id, at, resolution }: { id: number; at: number; resolution: number }) =>
  db
    .updateTable('users')
    .set({ last_activity: at })
    .where('id', '=', id)
    .where(sql<boolean>`coalesce(last_activity, 0) + ${resolution} <= ${at}`),
);

/** Moves forward only, and only when at least `resolution` ms newer: most calls write nothing. */
export async function touchUser(db: Db, id: number, at: number, resolution = 30_000): Promise<void> {
  await updateActivity(db, { id, at, resolution });
}

export async function deleteUserRow(db: Db, id: number): Promise<void> {
  await db.deleteFrom('users').where('id', '=', id).execute();
}

export async function countAdmins(db: Db): Promise<number> {
  const { n } = await db
    .selectFrom('users')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('admin', '=', 1)
    .executeTakeFirstOrThrow();
  return Number(n);
}
