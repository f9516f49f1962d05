import { sql } from 'kysely';
import { prepared } from '../../db/prepared.ts';
import type { Db } from '../../db/types.ts';

const updateNumber = prepared((db, { id, generation }: { id: string; generation: number }) =>
  db
    .updateTable('servers')
    .set({ token_number: sql`token_number + 1` })
    .where('id', '=', id)
    .where('generation', '=', generation)
    .where('phase', '=', sql.lit('starting'))
    .where('desired', '=', sql.lit('running'))
    .returning('token_number'),
);

/** The number of the next token of this start; undefined when it is not starting (any more). */
export async function takeTokenNumber(db: Db, id: string, generation: number): Promise<number | undefined> {
  return (await updateNumber(db, { id, generation })).rows[0]?.token_number;
}
