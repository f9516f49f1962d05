import { sql } from 'kysely';
import type { Db } from './types.ts';

/** Adds one and answers the number before: nobody else ever gets it. Inside a transaction it also orders writers. */
export async function takeNumber(db: Db, name: 'uid' | 'route_version'): Promise<number> {
  const row = await db
    .updateTable('counters')
    .set({ value: sql`value + 1` })
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow();
  return Number(row.value) - 1;
}
