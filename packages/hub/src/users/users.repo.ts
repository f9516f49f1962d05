import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import { takeNumber } from '../db/counters.repo.ts';
import { isPostgres } from '../db/dialect.ts';
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

export interface UserFilter {
  state?: 'ready' | 'active' | 'inactive' | undefined;
  /** Case-insensitive substring. */
  nameFilter?: string | undefined;
  /** Only these names (a filtered scope). */
  names?: readonly string[] | undefined;
  /** Members of these groups too, beside `names`. */
  groups?: readonly string[] | undefined;
  /** Only people who are in any group. */
  inGroups?: true | undefined;
  /** Only people waiting for approval. */
  pending?: boolean | undefined;
  sort?: UserSort | undefined;
  offset?: number | undefined;
  limit?: number | undefined;
  /** False: nobody asks how many there are, so they are not counted, and `total` is 0. */
  total?: boolean | undefined;
}

export type UserSort = 'id' | 'name' | 'last_activity' | '-id' | '-name' | '-last_activity';

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

/** Whether a name has this in it, in any case; by an index where the text is long enough for one. */
function hasInName(db: Db, text: string) {
  // No name has any, and neither database takes every one of them.
  if (/\p{Cc}/u.test(text)) return sql<boolean>`1 = 0`;
  const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  if (isPostgres(db)) return sql<boolean>`lower(u.name) like ${pattern}`;
  if ([...text].length >= 3) {
    const phrase = `"${text.replaceAll('"', '""')}"`;
    return sql<boolean>`u.id in (select rowid from user_names where user_names match ${phrase})`;
  }
  return sql<boolean>`lower(u.name) like ${pattern} escape '\\'`;
}

/** One page and the total, both of what the filter covers. */
export async function listUsers(db: Db, filter: UserFilter): Promise<{ users: User[]; total: number }> {
  const { names = [], groups = [] } = filter;
  const only = filter.names !== undefined || filter.groups !== undefined;
  if (only && names.length === 0 && groups.length === 0) return { users: [], total: 0 };
  let query = db.selectFrom('users as u');
  if (filter.nameFilter) query = query.where(hasInName(db, filter.nameFilter));
  if (only) {
    query = query.where(({ eb, or }) =>
      or([
        ...(names.length > 0 ? [eb('u.name', 'in', names)] : []),
        // A name inside a JSON list, quotes and all, cannot be part of another. `like` would ignore case on SQLite.
        ...groups.map((group) => sql<boolean>`replace(u.groups, ${JSON.stringify(group)}, '') <> u.groups`),
      ]),
    );
  }
  if (filter.inGroups) query = query.where('u.groups', '<>', '[]');
  if (filter.pending !== undefined) query = query.where('u.pending', '=', filter.pending ? 1 : 0);
  if (filter.state) {
    const phases =
      filter.state === 'ready' ? (['ready'] as const) : (['queued', 'starting', 'ready', 'stopping'] as const);
    const owners = db.selectFrom('servers').select('user_id').where('phase', 'in', phases);
    query = query.where('u.id', filter.state === 'inactive' ? 'not in' : 'in', owners);
  }
  const { total } =
    filter.total === false
      ? { total: 0 }
      : await query.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const key = (filter.sort ?? 'id').replace('-', '') as 'id' | 'name' | 'last_activity';
  const direction = filter.sort?.startsWith('-') ? 'desc' : 'asc';
  // Never active comes first ascending, on both databases (contract §3.5).
  if (key === 'last_activity') query = query.orderBy(sql`coalesce(u.last_activity, 0)`, direction);
  else query = query.orderBy(`u.${key}`, direction);
  const rows = await query
    .orderBy('u.id', direction)
    .selectAll('u')
    .limit(filter.limit ?? 1_000_000)
    .offset(filter.offset ?? 0)
    .execute();
  return { users: rows.map(toUser), total: Number(total) };
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

const insertRow = prepared((db, user: InsertedUser) =>
  db
    .insertInto('users')
    .values({
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
    })
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
