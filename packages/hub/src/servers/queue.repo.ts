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

const selectStarting = prepared((db) =>
  db
    .selectFrom('servers')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('phase', '=', sql.lit('starting')),
);

export async function countStarting(db: Db): Promise<number> {
  return Number((await selectStarting(db, {})).rows[0]?.n);
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
