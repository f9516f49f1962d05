import type { Db } from '../db/types.ts';

export type LinkKind = 'first-admin' | 'reset';

export interface Link {
  hash: string;
  kind: LinkKind;
  userId: number | null;
  now: number;
  expiresAt: number;
}

export async function insertLink(db: Db, { hash, kind, userId, now, expiresAt }: Link): Promise<void> {
  await db
    .insertInto('one_time_links')
    .values({ hash, kind, user_id: userId, created: now, expires_at: expiresAt, used_at: null })
    .execute();
}

/** A link that can still be used; whose it is, or null for nobody in particular. */
export async function findLink(
  db: Db,
  hash: string,
  kind: LinkKind,
  now: number,
): Promise<{ userId: number | null } | undefined> {
  const row = await db
    .selectFrom('one_time_links')
    .select('user_id')
    .where('hash', '=', hash)
    .where('kind', '=', kind)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && { userId: row.user_id };
}

/** False when somebody else used it meanwhile, or it expired: of two at the same moment exactly one gets true. */
export async function useLink(db: Db, hash: string, kind: LinkKind, now: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('one_time_links')
    .set({ used_at: now })
    .where('hash', '=', hash)
    .where('kind', '=', kind)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function deleteLinks(db: Db, kind: LinkKind, userId: number | null): Promise<void> {
  await db
    .deleteFrom('one_time_links')
    .where('kind', '=', kind)
    .where('user_id', userId === null ? 'is' : '=', userId)
    .execute();
}

export async function deleteExpiredLinks(db: Db, now: number): Promise<void> {
  await db.deleteFrom('one_time_links').where('expires_at', '<=', now).execute();
}
