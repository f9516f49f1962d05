import { sql } from 'kysely';
import type { Db } from '../db/types.ts';

export interface IdleRules {
  now: number;
  /** Seconds; 0 = never. For servers whose owner and own setting say nothing. */
  stopAfter: number;
  /** Seconds; 0 = never. */
  maxAge: number;
  /** Seconds; how long before its stop an idle server is looked at, so that its owner can be warned. */
  warnBefore: number;
}

/** A running server that is too old, idle, or soon will be. */
export interface IdleCandidate {
  id: string;
  tooOld: boolean;
  /** When it has been idle for as long as it may, by what is known. */
  idleAt: number;
  /** How long before that its owner is warned, ms: never more than half of the time it may be idle. */
  warnMs: number;
}

/** Servers that are too old, or whose newest known work is older than their idle setting allows, or almost. */
export async function listIdle(db: Db, { now, stopAfter, maxAge, warnBefore }: IdleRules): Promise<IdleCandidate[]> {
  // Milliseconds, and told to be long: three weeks of them are more than PostgreSQL's integer holds.
  const ms = (seconds: number) => sql<number>`cast(${Math.round(seconds * 1000)} as bigint)`;
  // As `stopAfterOf` and `maxAgeOf` say.
  const own = sql<number>`cast(coalesce(s.stop_after, u.stop_after) as bigint) * 1000`;
  const kind = sql<number>`cast(s.kind_stop_after as bigint) * 1000`;
  const limit = sql<number>`case when ${own} is null then coalesce(${kind}, ${ms(stopAfter)})
    when ${own} > ${kind} and ${kind} > 0 then ${kind} else ${own} end`;
  const age = sql<number>`coalesce(cast(s.kind_max_age as bigint) * 1000, ${ms(maxAge)})`;
  const warn = sql<number>`case when ${limit} / 2 < ${ms(warnBefore)} then ${limit} / 2 else ${ms(warnBefore)} end`;
  const idleAt = sql<number>`coalesce(s.last_work, s.started_at) + ${limit}`;
  const tooOld = sql<number>`case when ${age} > 0 and s.started_at + ${age} <= ${now} then 1 else 0 end`;
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
          sql<boolean>`coalesce(s.keep_on_until, 0) <= ${now}`,
          sql<boolean>`${idleAt} - ${warn} <= ${now}`,
        ]),
      ]),
    )
    .select(['s.id', tooOld.as('too_old'), idleAt.as('idle_at'), warn.as('warn_ms')])
    .execute();
  return rows.map((row) => ({
    id: row.id,
    tooOld: Number(row.too_old) === 1,
    idleAt: Number(row.idle_at),
    warnMs: Number(row.warn_ms),
  }));
}
