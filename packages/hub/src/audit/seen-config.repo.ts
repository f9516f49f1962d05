import type { Db } from '../db/types.ts';

const KEY = 'config_seen';

/** Keeps the configuration's text in the place of what was kept before. @returns that; undefined for the first time. */
export async function exchangeSeenConfig(db: Db, value: string): Promise<string | undefined> {
  return db.transaction().execute(async (tx) => {
    const before = await tx.selectFrom('meta').select('value').where('key', '=', KEY).executeTakeFirst();
    await tx
      .insertInto('meta')
      .values({ key: KEY, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute();
    return before?.value;
  });
}
