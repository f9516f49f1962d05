import type { Db } from '../db/types.ts';

export interface LessonStart {
  lesson: string;
  userId: number;
  serverName: string;
  serverId: string | null;
  /** The start that is the lesson's. */
  generation: number;
  /** `started` by the lesson, `found` on already, `refused`, `over`: nothing more to do. */
  state: 'started' | 'found' | 'refused' | 'over';
  at: number;
}

/** False when this lesson has seen to this server already: by another hub, or before a restart. */
export async function insertLessonStart(db: Db, row: LessonStart): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('lesson_starts')
    .values({
      lesson: row.lesson,
      user_id: row.userId,
      server_name: row.serverName,
      server_id: row.serverId,
      generation: row.generation,
      state: row.state,
      at: row.at,
    })
    .onConflict((conflict) => conflict.columns(['lesson', 'user_id', 'server_name']).doNothing())
    .executeTakeFirstOrThrow();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

export async function updateLessonStart(
  db: Db,
  row: Pick<LessonStart, 'lesson' | 'userId' | 'serverName'>,
  change: Partial<Pick<LessonStart, 'serverId' | 'generation' | 'state'>>,
): Promise<void> {
  await db
    .updateTable('lesson_starts')
    .set({
      ...(change.serverId !== undefined && { server_id: change.serverId }),
      ...(change.generation !== undefined && { generation: change.generation }),
      ...(change.state !== undefined && { state: change.state }),
    })
    .where('lesson', '=', row.lesson)
    .where('user_id', '=', row.userId)
    .where('server_name', '=', row.serverName)
    .execute();
}

/** What these lessons saw to. */
export async function listLessonStarts(db: Db, lessons: readonly string[]): Promise<LessonStart[]> {
  if (lessons.length === 0) return [];
  const rows = await db.selectFrom('lesson_starts').selectAll().where('lesson', 'in', lessons).execute();
  return rows.map((row) => ({
    lesson: row.lesson,
    userId: row.user_id,
    serverName: row.server_name,
    serverId: row.server_id,
    generation: row.generation,
    state: row.state as LessonStart['state'],
    at: row.at,
  }));
}

export async function deleteLessonStartsBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('lesson_starts').where('at', '<', at).execute();
}
