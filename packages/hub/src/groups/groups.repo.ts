import type { Db } from '../db/types.ts';

export interface GroupRow {
  id: number;
  name: string;
  /** JSON object. */
  properties: string;
}

/** SQLite takes so many values in one statement with room to spare. */
const TOGETHER = 500;

export async function listGroupRows(db: Db): Promise<GroupRow[]> {
  return db.selectFrom('groups').select(['id', 'name', 'properties']).orderBy('name').execute();
}

export async function findGroupRow(db: Db, name: string): Promise<GroupRow | undefined> {
  return db.selectFrom('groups').select(['id', 'name', 'properties']).where('name', '=', name).executeTakeFirst();
}

/** False when the name is taken. The unique index decides; reading first would be a race. */
export async function insertGroup(db: Db, name: string, now: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('groups')
    .values({ name, properties: '{}', created: now })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

export async function deleteGroupRow(db: Db, id: number): Promise<void> {
  await db.deleteFrom('groups').where('id', '=', id).execute();
}

export async function updateProperties(db: Db, id: number, properties: string): Promise<void> {
  await db.updateTable('groups').set({ properties }).where('id', '=', id).execute();
}

export async function insertMembers(db: Db, groupId: number, userIds: readonly number[]): Promise<void> {
  for (let at = 0; at < userIds.length; at += TOGETHER) {
    const some = userIds.slice(at, at + TOGETHER);
    await db
      .insertInto('user_groups')
      .values(some.map((user_id) => ({ user_id, group_id: groupId })))
      .onConflict((conflict) => conflict.columns(['user_id', 'group_id']).doNothing())
      .execute();
  }
}

export async function deleteMembers(db: Db, groupId: number, userIds: readonly number[]): Promise<void> {
  if (userIds.length === 0) return;
  await db.deleteFrom('user_groups').where('group_id', '=', groupId).where('user_id', 'in', userIds).execute();
}

/** Memberships that an administrator gave, of one group or of all. */
export async function listMembers(db: Db, group?: string): Promise<{ group: string; userId: number; user: string }[]> {
  let query = db
    .selectFrom('user_groups as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['g.name as group', 'u.id as userId', 'u.name as user']);
  if (group !== undefined) query = query.where('g.name', '=', group);
  return query.execute();
}

/** Names of the groups that an administrator put somebody into. */
export async function groupsGivenTo(db: Db, userId: number): Promise<string[]> {
  const rows = await db
    .selectFrom('user_groups as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .select('g.name')
    .where('m.user_id', '=', userId)
    .execute();
  return rows.map((row) => row.name);
}

export interface ConfigMember {
  group: string;
  user: string;
}

export async function listConfigMembers(db: Db): Promise<ConfigMember[]> {
  return db.selectFrom('config_members').select(['group_name as group', 'user_name as user']).execute();
}

/** Puts these in the place of all there were. */
export async function replaceConfigMembers(db: Db, members: readonly ConfigMember[]): Promise<void> {
  await db.deleteFrom('config_members').execute();
  for (const { group, user } of members) {
    await db
      .insertInto('config_members')
      .values({ group_name: group, user_name: user })
      .onConflict((conflict) => conflict.columns(['group_name', 'user_name']).doNothing())
      .execute();
  }
}
