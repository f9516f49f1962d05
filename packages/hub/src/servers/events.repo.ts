import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

/** One line of a start's story. `percent` is 0–100. */
export interface ServerEvent {
  id: number;
  at: number;
  percent: number;
  message: string;
  kind: 'progress' | 'ready' | 'failed' | 'cancelled' | 'notice';
}

export interface NewEvent {
  serverId: string;
  generation: number;
  at: number;
  percent: number;
  message: string;
  kind: ServerEvent['kind'];
}

const insertEvent = prepared((db, { serverId, generation, at, percent, message, kind }: NewEvent) =>
  db.insertInto('server_events').values({ server_id: serverId, generation, at, percent, message, kind }),
);

export async function insertEvents(db: Db, events: readonly NewEvent[]): Promise<void> {
  for (const event of events) await insertEvent(db, event);
}

const selectAfter = prepared(
  (db, { serverId, generation, afterId }: { serverId: string; generation: number; afterId: number }) =>
    db
      .selectFrom('server_events')
      .select(['id', 'at', 'percent', 'message', 'kind'])
      .where('server_id', '=', serverId)
      .where('generation', '=', generation)
      .where('id', '>', afterId)
      .orderBy('id'),
);

/** Events of one start after the given id, oldest first. */
export async function readEvents(
  db: Db,
  serverId: string,
  generation: number,
  afterId: number,
): Promise<ServerEvent[]> {
  return (await selectAfter(db, { serverId, generation, afterId })).rows as ServerEvent[];
}

const deleteEarlier = prepared((db, { serverId, generation }: { serverId: string; generation: number }) =>
  db.deleteFrom('server_events').where('server_id', '=', serverId).where('generation', '<', generation),
);

/** Forgets the stories of earlier starts. */
export async function deleteEventsBefore(db: Db, serverId: string, generation: number): Promise<void> {
  await deleteEarlier(db, { serverId, generation });
}

/** The stories of the newest `count` successful starts, each in order. */
export async function recentStories(db: Db, count: number): Promise<{ at: number; message: string }[][]> {
  const done = await db
    .selectFrom('server_events')
    .select(['server_id', 'generation'])
    .where('kind', '=', 'ready')
    .orderBy('id', 'desc')
    .limit(count)
    .execute();
  if (done.length === 0) return [];
  const ids = [...new Set(done.map((row) => row.server_id))];
  const rows = await db
    .selectFrom('server_events')
    .select(['server_id', 'generation', 'at', 'message'])
    .where('server_id', 'in', ids)
    .where('kind', 'in', ['progress', 'ready'])
    .orderBy('id')
    .execute();
  const stories = new Map(
    done.map((row) => [`${row.server_id}.${row.generation}`, [] as { at: number; message: string }[]]),
  );
  for (const { server_id, generation, at, message } of rows)
    stories.get(`${server_id}.${generation}`)?.push({ at, message });
  return [...stories.values()];
}

/** How long the newest `count` successful starts took, in ms, from request to ready. */
export async function recentStartTimes(db: Db, count: number): Promise<number[]> {
  const rows = await db
    .selectFrom('server_events as done')
    .innerJoin('server_events as first', (join) =>
      join.onRef('first.server_id', '=', 'done.server_id').onRef('first.generation', '=', 'done.generation'),
    )
    .where('done.kind', '=', 'ready')
    .where('first.percent', '=', 0)
    .orderBy('done.id', 'desc')
    .limit(count)
    .select(['done.at as ready', 'first.at as asked'])
    .execute();
  return rows.map((row) => row.ready - row.asked);
}
