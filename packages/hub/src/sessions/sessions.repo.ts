import type { Selectable } from 'kysely';
import { prepared } from '../db/prepared.ts';
import type { Db, SessionsTable } from '../db/types.ts';
import { toUser, USER_COLUMNS, type User } from '../users/users.service.ts';

export type SessionRow = Selectable<SessionsTable>;

const insertRow = prepared((db, session: SessionRow) =>
  db.insertInto('sessions').values({
    hash: session.hash,
    session_id: session.session_id,
    user_id: session.user_id,
    created: session.created,
    last_seen: session.last_seen,
    expires_at: session.expires_at,
  }),
);

export async function insertSession(db: Db, session: SessionRow): Promise<void> {
  await insertRow(db, session);
}

const selectLive = prepared((db, { hash, now }: { hash: string; now: number }) =>
  db
    .selectFrom('sessions as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .where('s.hash', '=', hash)
    .where('s.expires_at', '>', now)
    .select(USER_COLUMNS.map((column) => `u.${column}` as const))
    .select(['s.session_id', 's.last_seen']),
);

/** A session that has not expired, and whose it is: one query, because every request of a browser asks. */
export async function findSessionRow(
  db: Db,
  hash: string,
  now: number,
): Promise<{ user: User; sessionId: string; lastSeen: number } | undefined> {
  const [row] = (await selectLive(db, { hash, now })).rows;
  return row && { user: toUser(row), sessionId: row.session_id, lastSeen: row.last_seen };
}

const updateSeen = prepared((db, { hash, at }: { hash: string; at: number }) =>
  db.updateTable('sessions').set({ last_seen: at }).where('hash', '=', hash),
);

export async function touchSession(db: Db, hash: string, at: number): Promise<void> {
  await updateSeen(db, { hash, at });
}

/**
 * Ends sessions and, with them, every token and pending code that was made in them: that is how servers and services
 * learn of a sign-out (contract §2.7). One transaction, so that no token outlives its session.
 * @returns the hashes of those tokens
 */
export async function deleteSessions(
  db: Db,
  which: { hash: string } | { userId: number; except?: string },
): Promise<string[]> {
  const run = async (tx: Db) => {
    const tokens: string[] = [];
    let query = tx.deleteFrom('sessions');
    if ('hash' in which) query = query.where('hash', '=', which.hash);
    else {
      query = query.where('user_id', '=', which.userId);
      if (which.except !== undefined) query = query.where('hash', '<>', which.except);
    }
    const gone = await query.returning(['session_id', 'user_id']).execute();
    for (const { session_id, user_id } of gone) {
      const theirs = tx.deleteFrom('api_tokens').where('session_id', '=', session_id).where('user_id', '=', user_id);
      tokens.push(...(await theirs.returning('hash').execute()).map(({ hash }) => hash));
      await tx.deleteFrom('oauth_codes').where('session_id', '=', session_id).where('user_id', '=', user_id).execute();
    }
    return tokens;
  };
  return db.isTransaction ? run(db) : db.transaction().execute(run);
}

/** How many browsers somebody is signed in with. */
export async function countSessions(db: Db, userId: number, now: number): Promise<number> {
  const row = await db
    .selectFrom('sessions')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('user_id', '=', userId)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

export async function deleteExpiredSessions(db: Db, now: number): Promise<void> {
  await db.deleteFrom('sessions').where('expires_at', '<=', now).execute();
}
