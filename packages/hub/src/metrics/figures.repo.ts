import { sql } from 'kysely';
import type { Db } from '../db/types.ts';

/** How many servers are in each phase that any is in. */
export async function countByPhase(db: Db): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('servers')
    .select(({ fn }) => ['phase', fn.countAll<number>().as('n')])
    .where('phase', '<>', 'stopped')
    .groupBy('phase')
    .execute();
  return new Map(rows.map((row) => [row.phase, Number(row.n)]));
}

/** When the oldest start that still waits was asked for, ms since the epoch; null when nobody waits. */
export async function oldestQueued(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('servers')
    .select(({ fn }) => fn.min('queued_at').as('at'))
    .where('phase', '=', sql.lit('queued'))
    .executeTakeFirst();
  return row?.at ?? null;
}

export async function countUsers(db: Db): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** How many were active since each of these times, in one reading. */
export async function countActiveSince(db: Db, times: readonly number[]): Promise<number[]> {
  const columns = times.map((at, index) =>
    sql<number>`coalesce(sum(case when last_activity >= ${at} then 1 else 0 end), 0)`.as(`n${index}`),
  );
  const row = (await db.selectFrom('users').select(columns).executeTakeFirstOrThrow()) as Record<string, number>;
  return times.map((_, index) => Number(row[`n${index}`] ?? 0));
}
