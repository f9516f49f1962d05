import type { Json, MaintainServer } from '@atrium/sdk';
import { sql } from 'kysely';
import { fromJson } from '../db/json.ts';
import type { Db } from '../db/types.ts';

/** Rows per read: parsing thousands at once would keep everybody waiting. */
const TOGETHER = 500;

const parsed = (text: string | null): Json | undefined => fromJson<Json>(text) ?? undefined;

/** Every server that has a row, in pieces, by id. */
export async function* readServers(db: Db, spawnerId: string): AsyncGenerator<MaintainServer[]> {
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('servers as s')
      .innerJoin('users as u', 'u.id', 's.user_id')
      .leftJoin('storage as h', (join) => join.onRef('h.user_id', '=', 'u.id').on('h.spawner_id', '=', spawnerId))
      .select(['s.id', 's.generation', 's.name', 's.phase', 's.desired', 's.phase_at', 's.spec', 's.ref', 's.attempt'])
      .select(['u.name as user', 'u.groups', 'h.name as storage'])
      .where('s.id', '>', after)
      .orderBy('s.id')
      .limit(TOGETHER)
      .execute();
    if (rows.length === 0) return;
    yield rows.map((row) => ({
      id: row.id,
      generation: row.generation,
      user: row.user,
      groups: fromJson<string[]>(row.groups) ?? [],
      name: row.name,
      phase: row.phase,
      desired: row.desired,
      phaseAt: row.phase_at,
      spec: parsed(row.spec),
      ref: parsed(row.ref),
      attempt: parsed(row.attempt),
      storage: row.storage ?? undefined,
    }));
    after = rows.at(-1)?.id ?? after;
  }
}

/** Something a person should read. */
export interface Alert {
  code: string;
  message: string;
  /** ms: when it was seen first, and last. */
  firstAt: number;
  lastAt: number;
}

export async function putAlert(db: Db, { code, message }: Pick<Alert, 'code' | 'message'>, now: number): Promise<void> {
  await db
    .insertInto('alerts')
    .values({ code, message, first_at: now, last_at: now })
    .onConflict((conflict) =>
      conflict.columns(['code', 'message']).doUpdateSet({ last_at: sql.ref('excluded.last_at') }),
    )
    .execute();
}

/** Newest first. */
export async function listAlerts(db: Db): Promise<Alert[]> {
  const rows = await db.selectFrom('alerts').selectAll().orderBy('last_at', 'desc').orderBy('code').execute();
  return rows.map((row) => ({ code: row.code, message: row.message, firstAt: row.first_at, lastAt: row.last_at }));
}

/** Those of one code, or all that were last seen before a time. */
export async function deleteAlerts(db: Db, which: { code: string } | { before: number }): Promise<void> {
  const rows = db.deleteFrom('alerts');
  await ('code' in which ? rows.where('code', '=', which.code) : rows.where('last_at', '<', which.before)).execute();
}
