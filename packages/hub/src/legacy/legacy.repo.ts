import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

const selectByPrefix = prepared((db, { prefix }: { prefix: string }) =>
  db.selectFrom('legacy_tokens').select(['token_id as tokenId', 'hashed']).where('prefix', '=', prefix),
);

/** Several tokens may begin alike. */
export async function legacyTokens(db: Db, prefix: string): Promise<{ tokenId: number; hashed: string }[]> {
  return (await selectByPrefix(db, { prefix })).rows;
}

/** From now on it is found by `hash`, as every token is. Done already by another request: no change. */
export async function settleLegacyToken(db: Db, tokenId: number, hash: string): Promise<void> {
  const run = async (tx: Db) => {
    const { numDeletedRows } = await tx.deleteFrom('legacy_tokens').where('token_id', '=', tokenId).executeTakeFirst();
    if (numDeletedRows !== 1n) return;
    const twin = await tx.selectFrom('api_tokens').select('id').where('hash', '=', hash).executeTakeFirst();
    // The same text was stored twice there; one is enough.
    if (twin) await tx.deleteFrom('api_tokens').where('id', '=', tokenId).execute();
    else await tx.updateTable('api_tokens').set({ hash }).where('id', '=', tokenId).execute();
  };
  await (db.isTransaction ? run(db) : db.transaction().execute(run));
}

export async function insertLegacyToken(
  db: Db,
  token: { tokenId: number; prefix: string; hashed: string },
): Promise<void> {
  await db
    .insertInto('legacy_tokens')
    .values({ token_id: token.tokenId, prefix: token.prefix, hashed: token.hashed })
    .execute();
}

/** Imports whose login cookies are still taken. */
export async function loginSecrets(db: Db, now: number): Promise<{ importId: number; sealed: string }[]> {
  const rows = await db
    .selectFrom('imports')
    .select(['id', 'cookie_secret'])
    .where('cookie_secret', 'is not', null)
    .where('undone_at', 'is', null)
    .where('logins_until', '>', now)
    .orderBy('id', 'desc')
    .execute();
  return rows.flatMap(({ id, cookie_secret }) =>
    cookie_secret === null ? [] : [{ importId: id, sealed: cookie_secret }],
  );
}

export async function insertLegacyLogin(
  db: Db,
  login: { hash: string; userId: number; importId: number },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('legacy_logins')
    .values({ hash: login.hash, user_id: login.userId, import_id: login.importId })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

export async function findLegacyLogin(db: Db, hash: string, importId: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('legacy_logins')
    .select('user_id')
    .where('hash', '=', hash)
    .where('import_id', '=', importId)
    .executeTakeFirst();
  return row?.user_id;
}

/** False when a session was made of this cookie before. */
export async function useLogin(db: Db, hash: string, importId: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('used_logins')
    .values({ hash, import_id: importId })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** What no cookie can need any more: secrets, ids and uses of imports whose time is over. */
export async function forgetLogins(db: Db, now: number): Promise<void> {
  const over = await db
    .updateTable('imports')
    .set({ cookie_secret: null })
    .where('cookie_secret', 'is not', null)
    .where('logins_until', '<=', now)
    .returning('id')
    .execute();
  for (const { id } of over) {
    await db.deleteFrom('legacy_logins').where('import_id', '=', id).execute();
    await db.deleteFrom('used_logins').where('import_id', '=', id).execute();
  }
}
