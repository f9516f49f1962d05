import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/types.ts';

/** What an import adds. In this order things are taken, and given back the other way round. */
export const KINDS = [
  'user',
  'group',
  'member',
  'service',
  'role',
  'role_member',
  'server',
  'token',
  'share',
  'share_code',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Item {
  kind: Kind;
  theirs: string;
  ours: string;
}

/** Where things of a kind are, and what of a row somebody could change. */
const ROWS: Readonly<Record<Kind, { table: string; key: readonly string[]; says: readonly string[] }>> = {
  user: {
    table: 'users',
    key: ['id'],
    says: ['name', 'admin', 'allowed_by', 'pending', 'blocked', 'auth_groups', 'user_info', 'stop_after'],
  },
  group: { table: 'groups', key: ['id'], says: ['name', 'properties'] },
  member: { table: 'user_groups', key: ['user_id', 'group_id'], says: ['user_id', 'group_id'] },
  service: {
    table: 'services',
    key: ['id'],
    says: ['name', 'admin', 'url', 'command', 'info', 'display', 'from_config', 'allowed_scopes'],
  },
  role: { table: 'roles', key: ['name'], says: ['description', 'scopes', 'source'] },
  role_member: { table: 'role_members', key: ['role_name', 'kind', 'member'], says: ['role_name', 'kind', 'member'] },
  server: {
    table: 'servers',
    key: ['id'],
    says: ['user_id', 'name', 'display_name', 'user_options', 'generation', 'stop_after'],
  },
  token: {
    table: 'api_tokens',
    key: ['id'],
    says: ['user_id', 'service_id', 'client_id', 'expires_at', 'note', 'scopes'],
  },
  share: { table: 'shares', key: ['id'], says: ['server_id', 'user_id', 'group_name', 'scopes'] },
  share_code: { table: 'share_codes', key: ['id'], says: ['server_id', 'scopes', 'expires_at'] },
};

/** Keys of several columns are JSON lists; numbers are written as text. */
export const keyOf = (...parts: readonly (string | number)[]): string =>
  parts.length === 1 ? String(parts[0]) : JSON.stringify(parts.map(String));

function keyParts(kind: Kind, ours: string): string[] {
  return ROWS[kind].key.length === 1 ? [ours] : (JSON.parse(ours) as string[]);
}

function matching(kind: Kind, ours: string): RawBuilder<boolean> {
  const parts = keyParts(kind, ours);
  const conditions = ROWS[kind].key.map((column, at) => {
    const part = parts[at] ?? '';
    // Numbers are numbers to PostgreSQL.
    const isNumber = column.endsWith('id') && kind !== 'server';
    return sql<boolean>`${sql.ref(column)} = ${isNumber ? Number(part) : part}`;
  });
  return sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

/** What a row says now; undefined when it is gone. */
export async function fingerprintOf(db: Db, kind: Kind, ours: string): Promise<string | undefined> {
  const { table, says } = ROWS[kind];
  const columns = sql.join(says.map((column) => sql.ref(column)));
  const { rows } = await sql<Record<string, unknown>>`
    select ${columns} from ${sql.table(table)} where ${matching(kind, ours)}`.execute(db);
  const row = rows[0];
  return row && JSON.stringify(says.map((column) => row[column] ?? null));
}

export async function deleteRow(db: Db, kind: Kind, ours: string): Promise<void> {
  await sql`delete from ${sql.table(ROWS[kind].table)} where ${matching(kind, ours)}`.execute(db);
}

/** Everything that imports added and that was not taken back. */
export async function listItems(db: Db): Promise<Item[]> {
  const rows = await db.selectFrom('import_items').select(['kind', 'theirs', 'ours']).execute();
  return rows.map((row) => ({ ...row, kind: row.kind as Kind }));
}

export async function itemsOf(db: Db, importId: number): Promise<(Item & { fingerprint: string })[]> {
  const rows = await db
    .selectFrom('import_items')
    .select(['kind', 'theirs', 'ours', 'fingerprint'])
    .where('import_id', '=', importId)
    .execute();
  return rows.map((row) => ({ ...row, kind: row.kind as Kind }));
}

/** SQLite takes so many values in one statement with room to spare. */
const TOGETHER = 500;

export async function insertItems(
  db: Db,
  importId: number,
  items: readonly (Item & { fingerprint: string })[],
): Promise<void> {
  for (let at = 0; at < items.length; at += TOGETHER) {
    const some = items.slice(at, at + TOGETHER).map((item) => ({ ...item, import_id: importId }));
    await db.insertInto('import_items').values(some).execute();
  }
}

export async function deleteItems(db: Db, importId: number): Promise<void> {
  await db.deleteFrom('import_items').where('import_id', '=', importId).execute();
}

export interface Import {
  id: number;
  source: string;
  revision: string;
  at: number;
}

export async function insertImport(db: Db, of: { source: string; revision: string; now: number }): Promise<number> {
  const row = await db
    .insertInto('imports')
    .values({
      source: of.source,
      revision: of.revision,
      at: of.now,
      undone_at: null,
      cookie_secret: null,
      logins_until: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return Number(row.id);
}

export async function deleteImport(db: Db, id: number): Promise<void> {
  await db.deleteFrom('imports').where('id', '=', id).execute();
}

export async function setLogins(db: Db, importId: number, sealed: string, until: number): Promise<void> {
  await db
    .updateTable('imports')
    .set({ cookie_secret: sealed, logins_until: until })
    .where('id', '=', importId)
    .execute();
}

/** The newest that was not taken back. */
export async function lastImport(db: Db): Promise<Import | undefined> {
  const row = await db
    .selectFrom('imports')
    .select(['id', 'source', 'revision', 'at'])
    .where('undone_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && { ...row, id: Number(row.id) };
}

/** The hash of a token that an import brought. */
export async function hashesOf(db: Db, ours: string): Promise<string[]> {
  const rows = await db.selectFrom('api_tokens').select('hash').where('id', '=', Number(ours)).execute();
  return rows.map(({ hash }) => hash);
}

/** Who may open less without these: whom a share, a group or a role was for. By number, each once. */
export async function whoLoses(db: Db, items: readonly Item[]): Promise<number[]> {
  const people = new Set<number>();
  const groups = new Set<string>();
  for (const { kind, ours } of items) {
    if (kind === 'member') people.add(Number(keyParts(kind, ours)[0]));
    if (kind === 'share') {
      const share = await db
        .selectFrom('shares')
        .select(['user_id', 'group_name'])
        .where('id', '=', Number(ours))
        .executeTakeFirst();
      if (share?.user_id) people.add(Number(share.user_id));
      if (share?.group_name) groups.add(share.group_name);
    }
    if (kind !== 'role_member') continue;
    const [, of, member = ''] = keyParts(kind, ours);
    if (of === 'group') groups.add(member);
    if (of === 'user') people.add(Number(member));
  }
  for (const group of groups) {
    const members = await db
      .selectFrom('user_groups as m')
      .innerJoin('groups as g', 'g.id', 'm.group_id')
      .select('m.user_id')
      .where('g.name', '=', group)
      .execute();
    for (const { user_id } of members) people.add(user_id);
  }
  return [...people];
}

/** It is over: its items are forgotten, its login cookies do not count any more, nor the sessions made of them. */
export async function closeImport(db: Db, id: number, now: number): Promise<void> {
  await db
    .deleteFrom('sessions')
    .where('hash', 'in', db.selectFrom('used_logins').select('hash').where('import_id', '=', id))
    .execute();
  await db.deleteFrom('used_logins').where('import_id', '=', id).execute();
  await db.deleteFrom('legacy_logins').where('import_id', '=', id).execute();
  await deleteItems(db, id);
  await db.updateTable('imports').set({ undone_at: now, cookie_secret: null }).where('id', '=', id).execute();
}

/** What hangs on an account that no import brought; then the account is somebody's. */
export async function restOf(db: Db, userId: number): Promise<string[]> {
  const found: string[] = [];
  const look = async (table: 'servers' | 'api_tokens' | 'user_groups' | 'storage' | 'sessions', what: string) => {
    const row = await sql`select 1 from ${sql.table(table)} where user_id = ${userId} limit 1`.execute(db);
    if (row.rows.length > 0) found.push(what);
  };
  await look('servers', 'a server');
  await look('api_tokens', 'a token');
  await look('user_groups', 'a group');
  await look('storage', 'storage');
  await look('sessions', 'a signed-in browser');
  return found;
}

/** Members that a group has besides those that the import gave it. */
export async function hasMembers(db: Db, groupId: number): Promise<boolean> {
  const row = await db
    .selectFrom('user_groups')
    .select('user_id')
    .where('group_id', '=', groupId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function serviceHasTokens(db: Db, serviceId: number): Promise<boolean> {
  const row = await db
    .selectFrom('api_tokens')
    .select('id')
    .where('service_id', '=', serviceId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** A server that was started once: there is more of it than its row. */
export async function serverIsOn(db: Db, id: string): Promise<boolean> {
  const row = await db.selectFrom('servers').select('phase').where('id', '=', id).executeTakeFirst();
  return row !== undefined && row.phase !== 'stopped';
}
