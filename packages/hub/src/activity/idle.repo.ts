import { sql } from 'kysely';
import type { Db } from '../db/types.ts';

export interface IdleRules {
  now: number;
  /** Seconds; 0 = never. For servers whose owner and own setting say nothing. */
  stopAfter: number;
  /** Seconds; 0 = never. */
  maxAge: number;
}

/** Ids of running servers that are too old, or whose newest known work is older than their idle setting. */
export async function listIdle(
  db: Db,
  { now, stopAfter, maxAge }: IdleRules,
): Promise<{ id: string; tooOld: boolean }[]> {
  const limit = sql<number>`coalesce(s.stop_after, u.stop_after, ${stopAfter})`;
  const tooOld = sql<number>`case when ${maxAge} > 0 and s.started_at + ${maxAge} * 1000 <= ${now} then 1 else 0 end`;
  const rows = await db
    .selectFrom('servers as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .where('s.phase', '=', 'ready')
    .where('s.desired', '=', 'running')
    .where(({ or, and }) =>
      or([
        sql<boolean>`${tooOld} = 1`,
        and([
          sql<boolean>`${limit} > 0`,
          sql<boolean>`coalesce(s.last_work, s.started_at) + ${limit} * 1000 <= ${now}`,
        ]),
      ]),
    )
    .select(['s.id', tooOld.as('too_old')])
    .execute();
  return rows.map((row) => ({ id: row.id, tooOld: Number(row.too_old) === 1 }));
}
