import type { Json } from '@atrium/sdk';
import type { Selectable } from 'kysely';
import { fromJson } from '../db/json.ts';
import type { Db, ServicesTable } from '../db/types.ts';

/** Something beside people's servers that has a token, a page, or both (contract §7). */
export interface Service {
  id: number;
  name: string;
  admin: boolean;
  /** Where it listens; null when it serves nothing. */
  url: string | null;
  /** Empty unless the hub runs it. */
  command: readonly string[];
  info: { [key: string]: Json };
  /** In the menu of pages, for those who may open it. */
  display: boolean;
  oauthClientId: string | null;
  oauthNoConfirm: boolean;
  allowedScopes: readonly string[];
  fromConfig: boolean;
  created: number;
  pid: number | null;
  /** Why it does not run or answer, as last seen. */
  problem: string | null;
}

export type ServiceRow = Service;

/** What decides about a service; the rest is seen of it. */
export type ServiceValues = Omit<Service, 'id' | 'name' | 'created' | 'pid' | 'problem'>;

export function toService(row: Selectable<ServicesTable>): Service {
  return {
    id: Number(row.id),
    name: row.name,
    admin: row.admin === 1,
    url: row.url,
    command: fromJson<string[]>(row.command) ?? [],
    info: fromJson<Service['info']>(row.info) ?? {},
    display: row.display === 1,
    oauthClientId: row.oauth_client_id,
    oauthNoConfirm: row.oauth_no_confirm === 1,
    allowedScopes: fromJson<string[]>(row.allowed_scopes) ?? [],
    fromConfig: row.from_config === 1,
    created: row.created,
    pid: row.pid,
    problem: row.problem,
  };
}

const toRow = (values: ServiceValues) => ({
  admin: values.admin ? 1 : 0,
  url: values.url,
  command: JSON.stringify(values.command),
  info: JSON.stringify(values.info),
  display: values.display ? 1 : 0,
  oauth_client_id: values.oauthClientId,
  oauth_no_confirm: values.oauthNoConfirm ? 1 : 0,
  allowed_scopes: JSON.stringify(values.allowedScopes),
  from_config: values.fromConfig ? 1 : 0,
});

/** All of them, by name. */
export async function listServices(db: Db): Promise<Service[]> {
  return (await db.selectFrom('services').selectAll().orderBy('name').execute()).map(toService);
}

export async function findService(db: Db, name: string): Promise<Service | undefined> {
  const row = await db.selectFrom('services').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toService(row);
}

export async function findServiceById(db: Db, id: number): Promise<Service | undefined> {
  const row = await db.selectFrom('services').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toService(row);
}

/** Undefined when the name is taken. The unique index decides; reading first would be a race. */
export async function insertService(
  db: Db,
  name: string,
  values: ServiceValues,
  now: number,
): Promise<Service | undefined> {
  const row = await db
    .insertInto('services')
    .values({ name, ...toRow(values), created: now, pid: null, problem: null })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst();
  return row && toService(row);
}

export async function updateService(db: Db, id: number, values: ServiceValues): Promise<void> {
  await db.updateTable('services').set(toRow(values)).where('id', '=', id).execute();
}

/** What was seen of it. */
export async function noteService(
  db: Db,
  name: string,
  seen: { pid?: number | null; problem?: string | null },
): Promise<void> {
  await db.updateTable('services').set(seen).where('name', '=', name).execute();
}

export async function deleteServiceRow(db: Db, id: number): Promise<void> {
  await db.deleteFrom('services').where('id', '=', id).execute();
}
