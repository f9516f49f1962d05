import { PostgresAdapter } from 'kysely';
import type { Db } from './types.ts';

/** For the few queries that the two databases need told differently. */
export function isPostgres(db: Db): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}
