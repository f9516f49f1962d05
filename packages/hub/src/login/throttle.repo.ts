import { sql } from 'kysely';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

/** How failures turn into waiting. Times in ms. */
export interface ThrottlePolicy {
  /** Failures in one window that cost nothing. */
  free: number;
  /** After a window half the failures count on; after two, none. */
  windowMs: number;
  /** The first wait; each further failure doubles it. */
  firstMs: number;
  longestMs: number;
}

interface Attempt {
  key: string;
  now: number;
  /** Failures from before count half; from before `forgotten`, not at all. */
  half: number;
  forgotten: number;
  free: number;
  first: number;
  /** After so many doublings the wait is the longest: until `latest`. */
  doublings: number;
  latest: number;
}

const upsertAttempt = prepared((db, { key, now, half, forgotten, free, first, doublings, latest }: Attempt) => {
  const failures = sql<number>`case
    when login_throttle.updated <= ${forgotten} then 1
    when login_throttle.updated <= ${half} then login_throttle.failures / 2 + 1
    else login_throttle.failures + 1 end`;
  const over = sql<number>`(${failures} - cast(${free} as integer) - 1)`;
  const until = sql<number>`case when ${over} < 0 then 0
    when ${over} >= cast(${doublings} as integer) then cast(${latest} as bigint)
    else cast(${now} as bigint) + (cast(${first} as bigint) << ${over}) end`;
  return db
    .insertInto('login_throttle')
    .values({ key, failures: 1, locked_until: 0, updated: now })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          failures,
          locked_until: until,
          updated: sql<number>`case when login_throttle.updated <= ${half} then cast(${now} as bigint) else login_throttle.updated end`,
        })
        .where('login_throttle.locked_until', '<=', now),
    )
    .returning('locked_until');
});

/**
 * Counts one attempt, in one statement: of attempts that arrive together only as many pass as the policy allows.
 * @returns when the key is locked until, and false in `counted` when it was locked already.
 */
export async function countAttempt(
  db: Db,
  key: string,
  now: number,
  policy: ThrottlePolicy,
): Promise<{ counted: boolean; lockedUntil: number }> {
  const { free, firstMs: first, longestMs, windowMs } = policy;
  const waits = { free, first, doublings: Math.ceil(Math.log2(longestMs / first)), latest: now + longestMs };
  const windows = { half: now - windowMs, forgotten: now - 2 * windowMs };
  const [row] = (await upsertAttempt(db, { key, now, ...waits, ...windows })).rows;
  if (row) return { counted: true, lockedUntil: Number(row.locked_until) };
  return { counted: false, lockedUntil: await lockedUntil(db, key) };
}

const selectLocked = prepared((db, { key }: { key: string }) =>
  db.selectFrom('login_throttle').select('locked_until').where('key', '=', key),
);

/** Ms since the epoch; 0 for a key nobody knows. */
export async function lockedUntil(db: Db, key: string): Promise<number> {
  const [row] = (await selectLocked(db, { key })).rows;
  return Number(row?.locked_until ?? 0);
}

const deleteByKey = prepared((db, { key }: { key: string }) => db.deleteFrom('login_throttle').where('key', '=', key));

export async function clearAttempts(db: Db, key: string): Promise<void> {
  await deleteByKey(db, { key });
}

/** Takes one attempt back: nothing was learnt from it. */
export async function takeBack(db: Db, key: string): Promise<void> {
  await db
    .updateTable('login_throttle')
    .set({ failures: sql`case when failures > 0 then failures - 1 else 0 end`, locked_until: 0 })
    .where('key', '=', key)
    .execute();
}

export async function deleteOldAttempts(db: Db, before: number, now: number): Promise<void> {
  await db.deleteFrom('login_throttle').where('updated', '<', before).where('locked_until', '<=', now).execute();
}
