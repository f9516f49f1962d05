import { takeNumber } from '../db/counters.repo.ts';
import type { Db } from '../db/types.ts';

/** SQLite takes so many values in one statement with room to spare. */
const TOGETHER = 100;
/** What is over is kept for so many changes: a stream that runs behind still has to hear of it. */
const MEMORY = 5_000;

/** Keeps these tokens, by hash, from a server ('' for all); 0 for `until` lets them through again. */
export async function putBars(
  db: Db,
  serverId: string,
  hashes: readonly string[],
  { until, now }: { until: number; now: number },
): Promise<void> {
  if (hashes.length === 0) return;
  const version = (await takeNumber(db, 'route_version')) + 1;
  for (let at = 0; at < hashes.length; at += TOGETHER) {
    const rows = hashes.slice(at, at + TOGETHER).map((hash) => ({ server_id: serverId, hash, until, version }));
    await db
      .insertInto('barred_tokens')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['server_id', 'hash']).doUpdateSet({ until, version }))
      .execute();
  }
  await db
    .deleteFrom('barred_tokens')
    .where('until', '<=', now)
    .where('version', '<', version - MEMORY)
    .execute();
}

/** Of these tokens, those that are kept from the server now. */
export async function barredOf(db: Db, serverId: string, hashes: readonly string[], now: number): Promise<string[]> {
  if (hashes.length === 0) return [];
  const rows = await db
    .selectFrom('barred_tokens')
    .select('hash')
    .where('server_id', '=', serverId)
    .where('hash', 'in', [...hashes])
    .where('until', '>', now)
    .execute();
  return rows.map(({ hash }) => hash);
}

/**
 * Tokens with which this person could come to the server: their own, those of applications, and those of the server for
 * its visitors; not those of other servers.
 */
export async function tokensFor(db: Db, userId: number, serverId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('api_tokens as t')
    .leftJoin('oauth_clients as c', 'c.identifier', 't.client_id')
    .select('t.hash')
    .where('t.user_id', '=', userId)
    .where('t.server_id', 'is', null)
    .where(({ eb, or }) => or([eb('c.server_id', 'is', null), eb('c.server_id', '=', serverId)]))
    .execute();
  return rows.map(({ hash }) => hash);
}

/** Servers of others that run and that this person has a token for, by `tokensFor`. */
export async function serversReached(db: Db, userId: number): Promise<{ id: string; owner: string; name: string }[]> {
  return db
    .selectFrom('servers as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .select(['s.id', 'u.name as owner', 's.name'])
    .where('s.user_id', '<>', userId)
    .where('s.phase', '<>', 'stopped')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('api_tokens as t')
          .leftJoin('oauth_clients as c', 'c.identifier', 't.client_id')
          .select('t.id')
          .where('t.user_id', '=', userId)
          .where('t.server_id', 'is', null)
          .where(({ eb, or }) => or([eb('c.server_id', 'is', null), eb('c.server_id', '=', eb.ref('s.id'))])),
      ),
    )
    .execute();
}

/** Every token of a person. */
export async function tokensOfPerson(db: Db, userId: number): Promise<string[]> {
  const rows = await db.selectFrom('api_tokens').select('hash').where('user_id', '=', userId).execute();
  return rows.map(({ hash }) => hash);
}

export interface BarRow {
  serverId: string;
  hash: string;
  until: number;
}

/** Those that count now. */
export async function readBars(db: Db, now: number): Promise<BarRow[]> {
  const rows = await db.selectFrom('barred_tokens').selectAll().where('until', '>', now).execute();
  return rows.map(({ server_id: serverId, hash, until }) => ({ serverId, hash, until }));
}

/** What changed after `version`, and the newest of those. */
export async function readBarChanges(db: Db, version: number): Promise<{ bars: BarRow[]; version: number }> {
  const rows = await db
    .selectFrom('barred_tokens')
    .selectAll()
    .where('version', '>', version)
    .orderBy('version')
    .execute();
  return {
    bars: rows.map(({ server_id: serverId, hash, until }) => ({ serverId, hash, until })),
    version: Number(rows.at(-1)?.version ?? version),
  };
}
