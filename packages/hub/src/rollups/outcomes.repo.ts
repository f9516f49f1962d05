import { sql } from 'kysely';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

/** One start of one server. */
export interface Life {
  id: string;
  generation: number;
}

type Ready = { id: string; generation: number; now: number; begun: number };

const insertReady = prepared((db, { id, generation, now, begun }: Ready) =>
  db
    .insertInto('start_outcomes')
    .values({
      at: now,
      server_id: id,
      generation,
      kind: 'ready',
      code: null,
      message: null,
      // From the request on, which may have waited in the queue; its story knows when that was.
      ms: sql<number>`${now} - coalesce((select min(at) from server_events
        where server_id = ${id} and generation = ${generation} and percent = 0), ${begun})`,
    })
    .onConflict((conflict) => conflict.columns(['server_id', 'generation', 'kind']).doNothing()),
);

/** A server that answers. @param begun When its start left the queue, for a story that was not told from the beginning. */
export async function recordReady(db: Db, { id, generation }: Life, now: number, begun: number): Promise<void> {
  await insertReady(db, { id, generation, now, begun });
}

/** Longer is a story, not a reason. */
const MESSAGE_LENGTH = 300;

/** A start that failed, or a running server that ended by itself. Call it in the transaction that says so in the row. */
export async function recordTrouble(
  db: Db,
  { id, generation }: Life,
  { kind, code, message, at }: { kind: 'failed' | 'ended'; code: string; message: string | undefined; at: number },
): Promise<void> {
  await db
    .insertInto('start_outcomes')
    .values({
      at,
      server_id: id,
      generation,
      kind,
      code,
      message: message?.slice(0, MESSAGE_LENGTH) ?? null,
      ms: null,
    })
    .onConflict((conflict) => conflict.columns(['server_id', 'generation', 'kind']).doNothing())
    .execute();
}
