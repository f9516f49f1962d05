import { sql } from 'kysely';
import { isOneOfNumbers } from '../db/dialect.ts';
import type { Db } from '../db/types.ts';
import { BOUNDS } from './durations.ts';
import type { Step } from './spans.ts';

/**
 * Kinds of sums: `people.hour`, `people.day` (how many were active), `servers.hour`, `servers.day` (most at once), all with
 * key ''; `starts` by the hour: `ready:<le>`, `failed:<code>`, `ended:<code>`.
 */
export interface Rollup {
  kind: string;
  start: number;
  key: string;
  value: number;
}

/** Notes who was active in a stretch; once each, however often it is called, and by however many hubs. */
export async function markActive(db: Db, period: Step, start: number, end: number): Promise<void> {
  await sql`insert into active_marks (period, start, user_id)
    select ${period}, ${sql.lit(start)}, id from users
    where coalesce(last_activity, 0) >= ${start} and coalesce(last_activity, 0) < ${end}
    on conflict (period, start, user_id) do nothing`.execute(db);
}

export async function countMarks(db: Db, period: Step, start: number): Promise<number> {
  const row = await db
    .selectFrom('active_marks')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('period', '=', period)
    .where('start', '=', start)
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** Who was active since then, by what is known now. */
export async function countActiveSince(db: Db, at: number): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where(({ fn, val }) => fn.coalesce('last_activity', val(0)), '>=', at)
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** The greater of what is there and this: sampling twice, or by another hub, changes nothing. */
export async function raise(db: Db, { kind, start, key, value }: Rollup): Promise<void> {
  await db
    .insertInto('rollups')
    .values({ kind, start, key, value })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'start', 'key']).doUpdateSet({
        value: sql`case when rollups.value > excluded.value then rollups.value else excluded.value end`,
      }),
    )
    .execute();
}

export async function add(db: Db, { kind, start, key, value }: Rollup): Promise<void> {
  await db
    .insertInto('rollups')
    .values({ kind, start, key, value })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'start', 'key']).doUpdateSet({ value: sql`rollups.value + excluded.value` }),
    )
    .execute();
}

export async function listRollups(db: Db, kinds: readonly string[], since: number, until: number): Promise<Rollup[]> {
  return db
    .selectFrom('rollups')
    .selectAll()
    .where('kind', 'in', kinds)
    .where('start', '>=', since)
    .where('start', '<', until)
    .execute();
}

/** When the oldest stretch that anything is known of began; null before the first. */
export async function oldestRollup(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('rollups')
    .select(({ fn }) => fn.min('start').as('start'))
    .executeTakeFirst();
  return row?.start ?? null;
}

export async function pruneRollups(db: Db, { marks, sums }: { marks: number; sums: number }): Promise<void> {
  await db.deleteFrom('active_marks').where('start', '<', marks).execute();
  await db.deleteFrom('rollups').where('start', '<', sums).execute();
}

/** How some starts came out in the same quarter of an hour: every zone's hours are made of those. */
export interface OutcomeSum {
  quarter: number;
  kind: 'ready' | 'failed' | 'ended';
  code: string | null;
  /** Seconds, of those that worked; null: more than the last bound. */
  le: number | null;
  count: number;
}

const QUARTER_MS = 900_000;

const leOf = sql<number | null>`case ${sql.join(
  BOUNDS.map((le) => sql`when ms <= ${sql.lit(le * 1000)} then ${sql.lit(le)}`),
  sql` `,
)} else null end`;

/** Of the starts that are still kept one by one. */
export async function sumOutcomes(db: Db, since: number, until: number): Promise<OutcomeSum[]> {
  const { rows } = await sql<OutcomeSum>`
    select at / ${sql.lit(QUARTER_MS)} as quarter, kind, code, ${leOf} as le, count(*) as count from start_outcomes
    where kind in ('ready', 'failed', 'ended') and at >= ${since} and at < ${until} group by 1, 2, 3, 4`.execute(db);
  return rows.map((row) => ({
    ...row,
    quarter: Number(row.quarter) * QUARTER_MS,
    le: row.le === null ? null : Number(row.le),
    count: Number(row.count),
  }));
}

/** What was said with each code lately, and when: the newest of each. */
export async function lastWords(
  db: Db,
  since: number,
  until: number,
): Promise<{ kind: 'failed' | 'ended'; code: string; message: string | null; at: number }[]> {
  const { rows } = await sql<{ kind: 'failed' | 'ended'; code: string; message: string | null; at: number }>`
    select o.kind, o.code, o.message, o.at from start_outcomes o join (
      select max(id) as id from start_outcomes
      where kind in ('failed', 'ended') and at >= ${since} and at < ${until} group by kind, code
    ) newest on newest.id = o.id`.execute(db);
  return rows.map((row) => ({ ...row, at: Number(row.at) }));
}

/**
 * Takes some of the oldest away; whatever one caller gets no other gets. Within a transaction they are gone only when
 * what was made of them is there.
 */
export async function takeOldOutcomes(
  db: Db,
  before: number,
  most: number,
): Promise<{ at: number; kind: 'ready' | 'failed' | 'ended'; code: string | null; ms: number | null }[]> {
  const ids = await db
    .selectFrom('start_outcomes')
    .select('id')
    .where('kind', 'in', ['ready', 'failed', 'ended'])
    .where('at', '<', before)
    .limit(most)
    .execute();
  if (ids.length === 0) return [];
  return db
    .deleteFrom('start_outcomes')
    .where(isOneOfNumbers(db, 'id', JSON.stringify(ids.map(({ id }) => id))))
    .returning(['at', 'kind', 'code', 'ms'])
    .execute();
}
