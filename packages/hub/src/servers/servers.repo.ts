import type { Json, Options } from '@atrium/sdk';
import type { Updateable } from 'kysely';
import { sql } from 'kysely';
import { isOneOfNumbers } from '../db/dialect.ts';
import { fromJson } from '../db/json.ts';
import { prepared } from '../db/prepared.ts';
import { remembered } from '../db/remembered.ts';
import type { Db, ServersTable } from '../db/types.ts';
import { type Server, type ServerRow, type StopReason, toServer } from './server.ts';

/** Every read of a server: its row with the owner's name. */
function selectServers(db: Db) {
  return db
    .selectFrom('servers as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .selectAll('s')
    .select('u.name as user_name');
}

const selectByName = prepared((db, { userId, name }: { userId: number; name: string }) =>
  selectServers(db).where('s.user_id', '=', userId).where('s.name', '=', name),
);

export async function findServer(db: Db, userId: number, name: string): Promise<Server | undefined> {
  const [row] = (await selectByName(db, { userId, name })).rows;
  return row && toServer(row);
}

const selectById = prepared((db, { id }: { id: string }) => selectServers(db).where('s.id', '=', id));

/** The whole row, as the controller needs it. */
export async function findServerRow(db: Db, id: string): Promise<ServerRow | undefined> {
  return (await selectById(db, { id })).rows[0];
}

export async function findServerById(db: Db, id: string): Promise<Server | undefined> {
  const row = await findServerRow(db, id);
  return row && toServer(row);
}

const selectOfOwner = prepared((db, { userId }: { userId: number }) =>
  selectServers(db).where('s.user_id', '=', userId).orderBy('s.name'),
);

const selectOfOwners = prepared((db, { userIds }: { userIds: string }) =>
  selectServers(db)
    .where(isOneOfNumbers(db, 's.user_id', userIds))
    .orderBy('s.name'),
);

const ofOwner = remembered<readonly Server[]>(1_000);

/** Servers of these people, by user id, default server first. */
export async function listServers(db: Db, userIds: readonly number[]): Promise<Map<number, Server[]>> {
  const [userId] = userIds;
  if (userId === undefined) return new Map();
  if (userIds.length === 1) {
    const servers = await ofOwner(db, userId, async () => (await selectOfOwner(db, { userId })).rows.map(toServer));
    return new Map(servers.length > 0 ? [[userId, [...servers]]] : []);
  }
  const { rows } = await selectOfOwners(db, { userIds: JSON.stringify(userIds) });
  const found = new Map<number, Server[]>();
  for (const row of rows) {
    const servers = found.get(row.user_id);
    if (servers) servers.push(toServer(row));
    else found.set(row.user_id, [toServer(row)]);
  }
  return found;
}

export async function listActiveServers(db: Db): Promise<Server[]> {
  return (await selectServers(db).where('s.phase', '<>', 'stopped').execute()).map(toServer);
}

export async function countServers(db: Db, what: { named: number } | 'active'): Promise<number> {
  let query = db.selectFrom('servers').select(({ fn }) => fn.countAll<number>().as('n'));
  query =
    what === 'active'
      ? query.where('phase', '<>', 'stopped')
      : query.where('user_id', '=', what.named).where('name', '<>', '');
  return Number((await query.executeTakeFirstOrThrow()).n);
}

export interface NewServer {
  id: string;
  userId: number;
  name: string;
  displayName: string;
  userOptions: Options;
  spawnerId: string;
  now: number;
}

const insertRow = prepared((db, server: NewServer & { options: string }) =>
  db
    .insertInto('servers')
    .values({
      id: server.id,
      user_id: server.userId,
      name: server.name,
      display_name: server.displayName,
      user_options: server.options,
      spawner_id: server.spawnerId,
      phase_at: server.now,
      created: server.now,
      desired: 'stopped',
      phase: 'stopped',
      generation: 0,
      lease_until: 0,
      next_poll: 0,
      failures: 0,
    })
    .onConflict((conflict) => conflict.columns(['user_id', 'name']).doNothing()),
);

/** False when this person already has a server of that name. */
export async function insertServer(db: Db, server: NewServer): Promise<boolean> {
  const { numAffectedRows } = await insertRow(db, { ...server, options: JSON.stringify(server.userOptions) });
  return numAffectedRows === 1n;
}

/**
 * A server whose record was lost, by its old id and the generation that its machine shows; the next start is a newer one. It
 * counts as stopped: whatever runs of it is found and ended by its id. False when the id, or the person's server, is there.
 */
export async function rebuildServer(
  db: Db,
  {
    id,
    userId,
    spawnerId,
    generation,
    now,
  }: Pick<NewServer, 'id' | 'userId' | 'spawnerId' | 'now'> & { generation: number },
): Promise<boolean> {
  const taken = await db.selectFrom('servers').select('id').where('id', '=', id).executeTakeFirst();
  if (taken) return false;
  if (!(await insertServer(db, { id, userId, name: '', displayName: '', userOptions: {}, spawnerId, now })))
    return false;
  await db.updateTable('servers').set({ generation }).where('id', '=', id).execute();
  return true;
}

export type ServerChange = Partial<{
  name: string;
  displayName: string;
  userOptions: Options;
  stopAfter: number | null;
  keepOnUntil: number | null;
  warnedAt: number | null;
  limitStopAt: number | null;
}>;

export async function updateServer(db: Db, id: string, change: ServerChange): Promise<void> {
  const values: Updateable<ServersTable> = {
    ...(change.name !== undefined && { name: change.name }),
    ...(change.displayName !== undefined && { display_name: change.displayName }),
    ...(change.userOptions !== undefined && { user_options: JSON.stringify(change.userOptions) }),
    ...(change.stopAfter !== undefined && { stop_after: change.stopAfter }),
    ...(change.keepOnUntil !== undefined && { keep_on_until: change.keepOnUntil }),
    ...(change.warnedAt !== undefined && { warned_at: change.warnedAt }),
    ...(change.limitStopAt !== undefined && { limit_stop_at: change.limitStopAt }),
  };
  if (Object.keys(values).length > 0) await db.updateTable('servers').set(values).where('id', '=', id).execute();
}

/** Removes a stopped server's record. False when it is active (again). */
export async function deleteServerRow(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('servers')
    .where('id', '=', id)
    .where('phase', '=', 'stopped')
    .executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

/** What a new generation begins with: nothing of the old one may be taken for it. */
const FRESH = {
  token_number: 0,
  spec: null,
  ref: null,
  attempt: null,
  address: null,
  observed: null,
  observed_at: null,
  started_at: null,
  failure: null,
  stop_reason: null,
  keep_on_until: null,
  warned_at: null,
  limit_stop_at: null,
  kind_stop_after: null,
  kind_max_age: null,
} as const;

type Queued = { id: string; now: number; keep: number; requestId: string | null };

const updateQueued = prepared((db, { id, now, keep, requestId }: Queued) =>
  db
    .updateTable('servers')
    .set({
      ...FRESH,
      desired: 'running',
      phase: 'queued',
      phase_at: now,
      queued_at: now,
      next_poll: now,
      generation: sql`generation + 1`,
      request_id: sql`case when ${keep} = 1 then request_id else ${requestId} end`,
    })
    .where('id', '=', id)
    .where('phase', '=', sql.lit('stopped')),
);

/**
 * Stopped → queued as a new generation. False when it was not stopped.
 * @param requestId of whoever asked; without it, that of `wantRunning` holds
 */
export async function queueStart(db: Db, id: string, now: number, requestId?: string | null): Promise<boolean> {
  const asked = { keep: requestId === undefined ? 1 : 0, requestId: requestId ?? null };
  return (await updateQueued(db, { id, now, ...asked })).numAffectedRows === 1n;
}

/**
 * A start asked for while it stops: the controller queues it once it is down. One whose stop is only decided yet stops all
 * the same, because the start may be of another kind. False when it is down already.
 */
export async function wantRunning(db: Db, id: string, now: number, requestId: string | null = null): Promise<boolean> {
  const decided = sql<boolean>`phase = 'ready' and desired = 'stopped'`;
  const { numUpdatedRows } = await db
    .updateTable('servers')
    .set({
      desired: 'running',
      phase: sql`case when ${decided} then 'stopping' else phase end`,
      phase_at: sql`case when ${decided} then ${now} else phase_at end`,
      request_id: requestId,
    })
    .where('id', '=', id)
    .where('phase', '<>', 'stopped')
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/**
 * Running or starting → wanted stopped. A queued start has touched nothing outside and is stopped at once.
 * @returns the generation that was cancelled in the queue, or undefined.
 */
export async function wantStopped(
  db: Db,
  id: string,
  reason: StopReason,
  request_id: string | null = null,
): Promise<number | undefined> {
  const stop_reason = JSON.stringify(reason);
  const cancelled = await db
    .updateTable('servers')
    .set({ desired: 'stopped', phase: 'stopped', phase_at: reason.at, queued_at: null, stop_reason, request_id })
    .where('id', '=', id)
    .where('phase', '=', 'queued')
    .returning('generation')
    .executeTakeFirst();
  if (cancelled) return cancelled.generation;
  await db
    .updateTable('servers')
    .set({ desired: 'stopped', stop_reason, next_poll: 0, request_id })
    .where('id', '=', id)
    .where('desired', '=', 'running')
    .execute();
  return undefined;
}

const updateSeen = prepared(
  (db, { id, lastActivity, lastWork }: { id: string; lastActivity: number; lastWork: number }) => {
    const newer = (column: 'last_activity' | 'last_work', at: number) =>
      sql<number>`case when coalesce(${sql.ref(column)}, 0) < ${at} then ${at} else ${sql.ref(column)} end`;
    return db
      .updateTable('servers')
      .set({ last_activity: newer('last_activity', lastActivity), last_work: newer('last_work', lastWork) })
      .where('id', '=', id);
  },
);

/** Newest activity; values only move forward (contract §3.7). Times in ms; what is not known is 0. */
export async function touchServer(
  db: Db,
  id: string,
  { lastActivity = 0, lastWork = 0 }: { lastActivity?: number; lastWork?: number },
): Promise<void> {
  await updateSeen(db, { id, lastActivity, lastWork });
}

/** JSON of the deterministic name of what this start created outside; null before the first start. */
export async function findRef(db: Db, id: string): Promise<string | null> {
  const row = await db.selectFrom('servers').select('ref').where('id', '=', id).executeTakeFirst();
  return row?.ref ?? null;
}

/** What was resolved for its newest start; null before the first. */
export async function specOf(db: Db, id: string): Promise<Json> {
  const row = await db.selectFrom('servers').select('spec').where('id', '=', id).executeTakeFirst();
  return fromJson<Json>(row?.spec ?? null);
}
