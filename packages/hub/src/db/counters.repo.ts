import { sql } from 'kysely';
import { prepared } from './prepared.ts';
import type { Db } from './types.ts';

const increase = prepared((db, { name, by }: { name: string; by: number }) =>
  db
    .updateTable('counters')
    .set({ value: sql`value + ${by}` })
    .where('name', '=', name)
    .returning('value'),
);

/** Adds one and answers the number before: nobody else ever gets it. Inside a transaction it also orders writers. */
export async function takeNumber(db: Db, name: 'uid' | 'route_version'): Promise<number> {
  return takeNumbers(db, name, 1);
}

/** The same for several, which follow each other: answers the first of them. */
export async function takeNumbers(db: Db, name: 'uid' | 'route_version', count: number): Promise<number> {
  const [row] = (await increase(db, { name, by: count })).rows;
  if (!row) throw new Error(`The database has no counter ${name}.`);
  return Number(row.value) - count;
}
