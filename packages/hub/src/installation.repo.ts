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
