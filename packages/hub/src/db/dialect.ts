import { PostgresAdapter, type RawBuilder, sql } from 'kysely';
import type { Db } from './types.ts';

/** For the few queries that the two databases need told differently. */
export function isPostgres(db: Db): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/**
 * Whether a column is one of many values, which are given as a JSON list: one parameter however many there are, so that
 * such a query can be prepared.
 */
export function isOneOf(db: Db, column: string, list: string): RawBuilder<boolean> {
  const values = isPostgres(db)
    ? sql`select json_array_elements_text(${list}::json)`
    : sql`select value from json_each(${list})`;
  return sql<boolean>`${sql.ref(column)} in (${values})`;
}

/** The same for whole numbers, which PostgreSQL tells from text. */
export function isOneOfNumbers(db: Db, column: string, list: string): RawBuilder<boolean> {
  if (!isPostgres(db)) return isOneOf(db, column, list);
  return sql<boolean>`${sql.ref(column)} = any(translate(${list}, '[]', '{}')::bigint[])`;
}
