import { sql } from 'kysely';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';
import type { Failure } from './server.ts';

/**
 * Server ids waiting to start, in the order they will: everybody's first before anybody's second, then by arrival.
 * What a person already has starting counts as their earlier turns; `|| ''` makes both databases look for it among the
 * person's servers and not, for each that waits, among all that start.
 */
export async function readQueue(db: Db, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select q.id from (
      select s.id, s.queued_at,
        row_number() over (partition by s.user_id order by s.queued_at, s.id)
          + (select count(*) from servers b where b.user_id = s.user_id and b.phase || '' = 'starting') as turn
      from servers s where s.phase = 'queued' and s.desired = 'running'
    ) q order by q.turn, q.queued_at, q.id limit ${limit}`.execute(db);
  return rows.map((row) => row.id);
}

const selectBusy = prepared((db) =>
  db
    .selectFrom('servers')
    .select(['phase', ({ fn }) => fn.countAll<number>().as('n')])
    .where('phase', '<>', sql.lit('stopped'))
    .groupBy('phase'),
);

/** How many servers wait, are starting, and take up room outside, which those that are starting do too. */
export async function countBusy(db: Db): Promise<{ queued: number; starting: number; active: number }> {
  const busy = { queued: 0, starting: 0, active: 0 };
  for (const { phase, n } of (await selectBusy(db, {})).rows) {
    if (phase === 'queued') busy.queued += Number(n);
    else busy.active += Number(n);
    if (phase === 'starting') busy.starting += Number(n);
  }
  return busy;
}

/** How many of the queue may begin now (contract §10.2). */
export async function countFree(db: Db, limits: { concurrency: number; activeLimit: number }): Promise<number> {
  const { starting, active } = await countBusy(db);
  const room = limits.activeLimit > 0 ? limits.activeLimit - active : Number.POSITIVE_INFINITY;
  return Math.max(0, Math.min(limits.concurrency - starting, room));
}

/** Queued → stopped with the reason: it could not even be tried. */
export async function failQueued(db: Db, id: string, generation: number, failure: Failure): Promise<void> {
  await db
    .updateTable('servers')
    .set({
      desired: 'stopped',
      phase: 'stopped',
      phase_at: failure.at,
      queued_at: null,
      failure: JSON.stringify(failure),
      failures: sql`failures + 1`,
      stop_reason: JSON.stringify({ code: 'failed', at: failure.at }),
    })
    .where('id', '=', id)
    .where('generation', '=', generation)
    .where('phase', '=', 'queued')
    .execute();
}
