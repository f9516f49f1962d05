import type { Db } from '../db/types.ts';

/** Everybody's. */
export function readNames(db: Db): Promise<{ id: number; name: string }[]> {
  return db.selectFrom('users').select(['id', 'name']).execute();
}
