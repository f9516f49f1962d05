import { fromJson } from '../db/json.ts';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

/** SQLite takes so many values in one statement with room to spare. */
const TOGETHER = 500;

const selectOfConfig = prepared((db, { name }: { name: string }) =>
  db.selectFrom('config_members').select('group_name').where('user_name', '=', name),
);

/** The groups that the configuration gives to a name, whether there is such an account or not. */
export async function configGroupsOf(db: Db, name: string): Promise<string[]> {
  return (await selectOfConfig(db, { name })).rows.map((row) => row.group_name);
}

/**
 * Writes anew what groups these people are in: those of their last sign-in, the configuration's and the ones an
 * administrator gave. Everybody's without `ids`.
 */
export async function settleGroups(db: Db, ids?: readonly number[]): Promise<void> {
  if (ids === undefined) return settle(db, undefined);
  for (let at = 0; at < ids.length; at += TOGETHER) await settle(db, ids.slice(at, at + TOGETHER));
}

async function settle(db: Db, ids: readonly number[] | undefined): Promise<void> {
  let people = db.selectFrom('users').select(['id', 'auth_groups', 'groups']);
  let given = db
    .selectFrom('user_groups as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .select(['m.user_id as id', 'g.name as name']);
  let configured = db
    .selectFrom('config_members as c')
    .innerJoin('users as u', 'u.name', 'c.user_name')
    .select(['u.id as id', 'c.group_name as name']);
  if (ids) {
    people = people.where('id', 'in', ids);
    given = given.where('m.user_id', 'in', ids);
    configured = configured.where('u.id', 'in', ids);
  }
  const groups = new Map<number, Set<string>>();
  for (const { id, name } of [...(await given.execute()), ...(await configured.execute())]) {
    groups.set(id, (groups.get(id) ?? new Set()).add(name));
  }
  for (const person of await people.execute()) {
    const all = new Set([...(fromJson<string[]>(person.auth_groups) ?? []), ...(groups.get(person.id) ?? [])]);
    const text = JSON.stringify([...all].sort());
    if (text === person.groups) continue;
    await db.updateTable('users').set({ groups: text }).where('id', '=', person.id).execute();
  }
}
