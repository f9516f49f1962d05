import type { Db } from './db/types.ts';
import { randomId } from './keys.ts';

/** The installation's id, made the first time. Two hubs that start together agree: the first insert wins. */
export async function hubIdOf(db: Db): Promise<string> {
  await db
    .insertInto('meta')
    .values({ key: 'hub_id', value: randomId() })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const row = await db.selectFrom('meta').select('value').where('key', '=', 'hub_id').executeTakeFirstOrThrow();
  return row.value;
}

/** Keeps a fact of the installation. @returns what was kept before; undefined for the first time. */
export async function exchangeFact(db: Db, key: string, value: string): Promise<string | undefined> {
  return db.transaction().execute(async (tx) => {
    const before = await tx.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst();
    await tx
      .insertInto('meta')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute();
    return before?.value;
  });
}
