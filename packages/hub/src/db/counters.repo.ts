import { sql } from 'kysely';
import { prepared } from './prepared.ts';
import type { Db } from './types.ts';

const increase = prepared((db, { name }: { name: string }) =>
  db.updateTable('counters').set({ value: sql`value + 1` }).where('name', '=', name).returning('value'),
);

/** Adds one and answers the number before: nobody else ever gets it. Inside a transaction it also orders writers. */
export async function takeNumber(db: Db, name: 'uid' | 'route_version'): Promise<number> {
  const [row] = (await increase(db, { name })).rows;
  if (!row) throw new Error(`The database has no counter ${name}.`);
  return Number(row.value) - 1;
}
