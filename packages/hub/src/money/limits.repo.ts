import type { Db } from '../db/types.ts';

/** Holds a person's row until the transaction ends. */
export async function lockUser(db: Db, userId: number): Promise<void> {
  await db.selectFrom('users').select('id').where('id', '=', userId).forUpdate().execute();
}
