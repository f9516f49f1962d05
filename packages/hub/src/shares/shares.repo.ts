import { sql } from 'kysely';
import { fromJson } from '../db/json.ts';
import type { Db, Desired, Phase } from '../db/types.ts';

/** The server that is shared, with whose it is: as much of it as others see. */
export interface SharedServer {
  id: string;
  ownerId: number;
  owner: string;
  /** '' for the default server. */
  name: string;
  displayName: string;
  phase: Phase;
  desired: Desired;
}

export interface Share {
  id: number;
  server: SharedServer;
  /** Sorted, without filters. */
  scopes: readonly string[];
  /** Either of the two. */
  user: string | null;
  group: string | null;
  created: number;
}

export interface ShareCode {
  id: number;
  server: SharedServer;
  /** Sorted, without filters. */
  scopes: readonly string[];
  created: number;
  expiresAt: number;
  exchangeCount: number;
  lastExchangedAt: number | null;
}

/** Whom something is shared with. */
export type Receiver = { kind: 'user'; id: number; name: string } | { kind: 'group'; name: string };

const SERVER = [
  's.id as server_id',
  's.name as server_name',
  's.display_name',
  's.phase',
  's.desired',
  'o.id as owner_id',
  'o.name as owner_name',
] as const;

interface ServerColumns {
  server_id: string;
  server_name: string;
  display_name: string;
  phase: Phase;
  desired: Desired;
  owner_id: number;
  owner_name: string;
}

const toServer = (row: ServerColumns): SharedServer => ({
  id: row.server_id,
  ownerId: row.owner_id,
  owner: row.owner_name,
  name: row.server_name,
  displayName: row.display_name,
  phase: row.phase,
  desired: row.desired,
});

/** Which shares: all that is given must hold. */
export interface ShareFilter {
  id?: number;
  ownerId?: number;
  serverId?: string;
  /** Of this very person or group. */
  receiver?: Receiver;
  /** Of this person, and of the groups they are in. */
  reaching?: { userId: number; groups: readonly string[] };
  /** Those that have ended and are still written down: only they, or they too. Otherwise they are left out. */
  ended?: 'only' | 'too';
}

export interface Part {
  offset: number;
  limit: number;
}

function selectShares(db: Db, filter: ShareFilter, now: number) {
  let query = db
    .selectFrom('shares as h')
    .innerJoin('servers as s', 's.id', 'h.server_id')
    .innerJoin('users as o', 'o.id', 's.user_id')
    .leftJoin('users as u', 'u.id', 'h.user_id');
  const { id, ownerId, serverId, receiver, reaching, ended } = filter;
  if (ended === 'only') query = query.where('h.expires_at', '<=', now);
  else if (ended === undefined) {
    query = query.where(({ eb, or }) => or([eb('h.expires_at', 'is', null), eb('h.expires_at', '>', now)]));
  }
  if (id !== undefined) query = query.where('h.id', '=', id);
  if (ownerId !== undefined) query = query.where('s.user_id', '=', ownerId);
  if (serverId !== undefined) query = query.where('h.server_id', '=', serverId);
  if (receiver?.kind === 'user') query = query.where('h.user_id', '=', receiver.id);
  if (receiver?.kind === 'group') query = query.where('h.group_name', '=', receiver.name);
  if (reaching) {
    const { userId, groups } = reaching;
    query = query.where(({ eb, or }) =>
      or([eb('h.user_id', '=', userId), ...(groups.length > 0 ? [eb('h.group_name', 'in', [...groups])] : [])]),
    );
  }
  return query;
}

/** Oldest first, with how many there are in all. */
export async function listShares(
  db: Db,
  filter: ShareFilter,
  now: number,
  part?: Part,
): Promise<{ total: number; shares: Share[] }> {
  let query = selectShares(db, filter, now)
    .select([...SERVER, 'h.id', 'h.scopes', 'h.created', 'h.group_name', 'u.name as user_name'])
    .orderBy('h.id');
  if (part) query = query.offset(part.offset).limit(part.limit);
  const rows = await query.execute();
  const shares = rows.map((row) => ({
    id: row.id,
    server: toServer(row),
    scopes: fromJson<string[]>(row.scopes) ?? [],
    user: row.user_name,
    group: row.group_name,
    created: row.created,
  }));
  if (!part) return { total: shares.length, shares };
  const { n } = await selectShares(db, filter, now)
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return { total: Number(n), shares };
}

/** Makes the share, or gives the one that is there these scopes. */
export async function putShare(
  db: Db,
  { serverId, receiver, scopes, now }: { serverId: string; receiver: Receiver; scopes: readonly string[]; now: number },
): Promise<void> {
  const text = JSON.stringify(scopes);
  const target =
    receiver.kind === 'user'
      ? { user_id: receiver.id, group_name: null }
      : { user_id: null, group_name: receiver.name };
  await db
    .insertInto('shares')
    .values({ server_id: serverId, ...target, scopes: text, created: now, expires_at: null })
    .onConflict((conflict) =>
      conflict
        .columns([receiver.kind === 'user' ? 'user_id' : 'group_name', 'server_id'])
        // One that had ended begins anew.
        .doUpdateSet({ scopes: text, expires_at: null }),
    )
    .execute();
}

export async function deleteShare(db: Db, id: number): Promise<void> {
  await db.deleteFrom('shares').where('id', '=', id).execute();
}

export async function deleteSharesOfGroup(db: Db, group: string): Promise<void> {
  await db.deleteFrom('shares').where('group_name', '=', group).execute();
}

export async function insertCode(
  db: Db,
  code: { serverId: string; hash: string; scopes: readonly string[]; now: number; expiresAt: number },
): Promise<number> {
  const row = await db
    .insertInto('share_codes')
    .values({
      server_id: code.serverId,
      hash: code.hash,
      legacy_prefix: null,
      legacy_hashed: null,
      scopes: JSON.stringify(code.scopes),
      created: code.now,
      expires_at: code.expiresAt,
      last_exchanged_at: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return Number(row.id);
}

export interface CodeFilter {
  id?: number;
  hash?: string;
  ownerId?: number;
  serverId?: string;
}

function selectCodes(db: Db, { id, hash, ownerId, serverId }: CodeFilter, now: number) {
  let query = db
    .selectFrom('share_codes as c')
    .innerJoin('servers as s', 's.id', 'c.server_id')
    .innerJoin('users as o', 'o.id', 's.user_id')
    .where('c.expires_at', '>', now);
  if (id !== undefined) query = query.where('c.id', '=', id);
  if (hash !== undefined) query = query.where('c.hash', '=', hash);
  if (ownerId !== undefined) query = query.where('s.user_id', '=', ownerId);
  if (serverId !== undefined) query = query.where('c.server_id', '=', serverId);
  return query;
}

/** Those that have not ended, oldest first. */
export async function listCodes(
  db: Db,
  filter: CodeFilter,
  now: number,
  part?: Part,
): Promise<{ total: number; codes: ShareCode[] }> {
  let query = selectCodes(db, filter, now)
    .select([...SERVER, 'c.id', 'c.scopes', 'c.created', 'c.expires_at', 'c.exchange_count', 'c.last_exchanged_at'])
    .orderBy('c.id');
  if (part) query = query.offset(part.offset).limit(part.limit);
  const rows = await query.execute();
  const codes = rows.map((row) => ({
    id: row.id,
    server: toServer(row),
    scopes: fromJson<string[]>(row.scopes) ?? [],
    created: row.created,
    expiresAt: row.expires_at,
    exchangeCount: row.exchange_count,
    lastExchangedAt: row.last_exchanged_at,
  }));
  if (!part) return { total: codes.length, codes };
  const { n } = await selectCodes(db, filter, now)
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return { total: Number(n), codes };
}

/** Codes of a JupyterHub that begin like this and were not used here yet. */
export async function legacyCodes(db: Db, prefix: string): Promise<{ id: number; hashed: string }[]> {
  const rows = await db
    .selectFrom('share_codes')
    .select(['id', 'legacy_hashed'])
    .where('legacy_prefix', '=', prefix)
    .execute();
  return rows.flatMap(({ id, legacy_hashed: hashed }) => (hashed === null ? [] : [{ id, hashed }]));
}

/** From now on it is found as ours are. */
export async function settleLegacyCode(db: Db, id: number, hash: string): Promise<void> {
  await db
    .updateTable('share_codes')
    .set({ hash, legacy_prefix: null, legacy_hashed: null })
    .where('id', '=', id)
    .execute();
}

export async function countExchange(db: Db, id: number, now: number): Promise<void> {
  await db
    .updateTable('share_codes')
    .set({ exchange_count: sql`exchange_count + 1`, last_exchanged_at: now })
    .where('id', '=', id)
    .execute();
}

export async function deleteCodes(db: Db, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await db.deleteFrom('share_codes').where('id', 'in', ids).execute();
}

/** Nobody holds what a code opens by the code itself, so its end needs nothing but this. */
export async function deleteEndedCodes(db: Db, now: number): Promise<void> {
  await db.deleteFrom('share_codes').where('expires_at', '<=', now).execute();
}

/** False when another hub was faster, or it was given anew meanwhile. */
export async function deleteEndedShare(db: Db, id: number, now: number): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('shares')
    .where('id', '=', id)
    .where('expires_at', '<=', now)
    .executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

/** Everybody who has any share, by number, and every group that has. */
export async function allReceivers(db: Db): Promise<{ users: number[]; groups: string[] }> {
  const rows = await db.selectFrom('shares').select(['user_id', 'group_name']).distinct().execute();
  return {
    users: rows.flatMap(({ user_id: id }) => (id === null ? [] : [id])),
    groups: rows.flatMap(({ group_name: group }) => (group === null ? [] : [group])),
  };
}
