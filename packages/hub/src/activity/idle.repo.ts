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
  // Milliseconds, and told to be long: three weeks of them are more than PostgreSQL's integer holds.
  const ms = (seconds: number) => sql<number>`cast(${Math.round(seconds * 1000)} as bigint)`;
  const own = sql<number>`cast(coalesce(s.stop_after, u.stop_after) as bigint) * 1000`;
  const limit = sql<number>`coalesce(${own}, ${ms(stopAfter)})`;
  const tooOld = sql<number>`case when ${ms(maxAge)} > 0 and s.started_at + ${ms(maxAge)} <= ${now} then 1 else 0 end`;
  const rows = await db
    .selectFrom('servers as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .where('s.phase', '=', 'ready')
    .where('s.desired', '=', 'running')
    .where(({ or, and }) =>
      or([
        sql<boolean>`${tooOld} = 1`,
        and([sql<boolean>`${limit} > 0`, sql<boolean>`coalesce(s.last_work, s.started_at) + ${limit} <= ${now}`]),
      ]),
    )
    .select(['s.id', tooOld.as('too_old')])
    .execute();
  return rows.map((row) => ({ id: row.id, tooOld: Number(row.too_old) === 1 }));
}
