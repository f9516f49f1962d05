import { type Insertable, type Selectable, sql } from 'kysely';
import { prepared } from '../db/prepared.ts';
import type { AuditTable, Db } from '../db/types.ts';

export type AuditRow = Selectable<AuditTable>;

/** Rows in one statement: SQLite takes 32,766 values at most. */
const CHUNK = 500;

const insertOne = prepared((db, row: Insertable<AuditTable>) =>
  db.insertInto('audit').values({
    at: row.at,
    action: row.action,
    by_kind: row.by_kind,
    by_name: row.by_name,
    via: row.via,
    token: row.token,
    ip: row.ip,
    of_kind: row.of_kind,
    of_name: row.of_name,
    of_owner: row.of_owner,
    request_id: row.request_id,
    detail: row.detail,
  }),
);

export async function insertAudit(db: Db, rows: readonly Insertable<AuditTable>[]): Promise<void> {
  const [row] = rows;
  if (row && rows.length === 1) {
    await insertOne(db, row);
    return;
  }
  for (let at = 0; at < rows.length; at += CHUNK) {
    await db
      .insertInto('audit')
      .values(rows.slice(at, at + CHUNK))
      .execute();
  }
}

/** What is looked for; every part that is given must fit. */
export interface AuditFilter {
  /** The whole action, or its first part: `server`. */
  action?: string | undefined;
  /** Who did it. */
  by?: string | undefined;
  /** What it was done to: its name, or the person it belongs to. */
  of?: string | undefined;
  /** Either of the two. */
  user?: string | undefined;
  /** Somewhere in a name, the action, the address or the detail, whatever the case. */
  q?: string | undefined;
  /** From this time on, ms. */
  since?: number | undefined;
  /** Before this time, ms. */
  until?: number | undefined;
  /** Older than the entry with this id. */
  before?: number | undefined;
}

/** Newest first. */
export async function readAudit(db: Db, filter: AuditFilter, limit: number): Promise<AuditRow[]> {
  const { action, by, of, user, q, since, until, before } = filter;
  let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit);
  if (before !== undefined) query = query.where('id', '<', before);
  if (since !== undefined) query = query.where('at', '>=', since);
  if (until !== undefined) query = query.where('at', '<', until);
  if (by !== undefined) query = query.where('by_name', '=', by);
  if (of !== undefined) {
    query = query.where(({ or, eb }) => or([eb('of_name', '=', of), eb('of_owner', '=', of)]));
  }
  if (user !== undefined) {
    query = query.where(({ or, eb }) =>
      or([eb('by_name', '=', user), eb('of_name', '=', user), eb('of_owner', '=', user)]),
    );
  }
  if (action !== undefined) {
    // A range instead of a pattern, so that the index serves it: `/` comes right after `.`.
    query = action.includes('.')
      ? query.where('action', '=', action)
      : query.where('action', '>=', `${action}.`).where('action', '<', `${action}/`);
  }
  if (q !== undefined) {
    const pattern = `%${q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
    const text = sql`action || ' ' || by_name || ' ' || coalesce(of_name, '') || ' ' || coalesce(of_owner, '') || ' ' ||
      coalesce(ip, '') || ' ' || coalesce(token, '') || ' ' || coalesce(request_id, '') || ' ' || detail`;
    query = query.where(sql<boolean>`lower(${text}) like ${pattern} escape '\\'`);
  }
  return query.execute();
}

/** @returns how many there were */
export async function deleteAuditBefore(db: Db, at: number): Promise<number> {
  const { numDeletedRows } = await db.deleteFrom('audit').where('at', '<', at).executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
