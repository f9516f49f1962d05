import { fromJson } from '../db/json.ts';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

export interface OAuthClient {
  /** `jupyterhub-user-<name>[-<server>]` (contract §1.1). */
  identifier: string;
  /** SHA-256 hex. */
  secretHash: string;
  /** Path or URL; compared exactly. */
  redirectUri: string;
  /** What its tokens may carry beside identify and access. */
  allowedScopes: readonly string[];
  description: string;
  serverId: string | null;
}

const upsert = prepared((db, client: OAuthClient & { scopes: string }) => {
  const values = {
    secret_hash: client.secretHash,
    redirect_uri: client.redirectUri,
    allowed_scopes: client.scopes,
    description: client.description,
    server_id: client.serverId,
  };
  return db
    .insertInto('oauth_clients')
    .values({ identifier: client.identifier, ...values })
    .onConflict((conflict) => conflict.column('identifier').doUpdateSet(values));
});

/** Creates or replaces. */
export async function putClient(db: Db, client: OAuthClient): Promise<void> {
  await upsert(db, { ...client, scopes: JSON.stringify(client.allowedScopes) });
}

/** A stopped server's client goes, and with it every browser's token for that server. */
export async function deleteClientsOf(db: Db, serverId: string): Promise<void> {
  const clients = db.selectFrom('oauth_clients').select('identifier').where('server_id', '=', serverId);
  await db.deleteFrom('api_tokens').where('client_id', 'in', clients).execute();
  await db.deleteFrom('oauth_codes').where('client_id', 'in', clients).execute();
  await db.deleteFrom('oauth_clients').where('server_id', '=', serverId).execute();
}

/** The client and, when there is one, the server behind it. */
export async function findClient(
  db: Db,
  identifier: string,
): Promise<(OAuthClient & { server: { user: string; name: string } | null }) | undefined> {
  const row = await db
    .selectFrom('oauth_clients as c')
    .leftJoin('servers as s', 's.id', 'c.server_id')
    .leftJoin('users as u', 'u.id', 's.user_id')
    .where('c.identifier', '=', identifier)
    .selectAll('c')
    .select(['s.name as s_name', 'u.name as u_name'])
    .executeTakeFirst();
  if (!row) return undefined;
  return {
    identifier: row.identifier,
    secretHash: row.secret_hash,
    redirectUri: row.redirect_uri,
    allowedScopes: fromJson<string[]>(row.allowed_scopes) ?? [],
    description: row.description,
    serverId: row.server_id,
    server: row.u_name === null ? null : { user: row.u_name, name: row.s_name ?? '' },
  };
}
