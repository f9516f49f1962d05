import { fromJson } from '../db/json.ts';
import type { Db } from '../db/types.ts';

export interface OAuthCode {
  /** SHA-256 hex. */
  hash: string;
  clientId: string;
  userId: number;
  /** The browser session that agreed; the token ends with it. */
  sessionId: string | null;
  redirectUri: string;
  scopes: readonly string[];
  challenge: { text: string; method: 'S256' | 'plain' } | null;
  expiresAt: number;
}

export async function insertCode(db: Db, code: OAuthCode): Promise<void> {
  await db
    .insertInto('oauth_codes')
    .values({
      hash: code.hash,
      client_id: code.clientId,
      user_id: code.userId,
      session_id: code.sessionId,
      redirect_uri: code.redirectUri,
      scopes: JSON.stringify(code.scopes),
      code_challenge: code.challenge?.text ?? null,
      code_challenge_method: code.challenge?.method ?? null,
      expires_at: code.expiresAt,
    })
    .execute();
}

export async function findCode(db: Db, hash: string, now: number): Promise<OAuthCode | undefined> {
  const row = await db
    .selectFrom('oauth_codes')
    .selectAll()
    .where('hash', '=', hash)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (!row) return undefined;
  const method = row.code_challenge_method === 'S256' ? 'S256' : 'plain';
  return {
    hash: row.hash,
    clientId: row.client_id,
    userId: row.user_id,
    sessionId: row.session_id,
    redirectUri: row.redirect_uri,
    scopes: fromJson<string[]>(row.scopes) ?? [],
    challenge: row.code_challenge === null ? null : { text: row.code_challenge, method },
    expiresAt: row.expires_at,
  };
}

/** True for exactly one of any number of callers: a code works once. */
export async function takeCode(db: Db, hash: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('oauth_codes').where('hash', '=', hash).executeTakeFirst();
  return numDeletedRows === 1n;
}

export async function deleteExpiredCodes(db: Db, now: number): Promise<void> {
  await db.deleteFrom('oauth_codes').where('expires_at', '<=', now).execute();
}
