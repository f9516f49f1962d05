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
  /** The service behind it; of a client, at most one of the two is set. */
  serviceId?: number | null;
}

const upsert = prepared((db, client: OAuthClient & { scopes: string }) => {
  const values = {
    secret_hash: client.secretHash,
    redirect_uri: client.redirectUri,
    allowed_scopes: client.scopes,
    description: client.description,
    server_id: client.serverId,
    service_id: client.serviceId ?? null,
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

/** The client of a service becomes exactly this one, or none; a client that goes takes its visitors' tokens along. */
export async function settleServiceClient(db: Db, serviceId: number, client: OAuthClient | undefined): Promise<void> {
  const rows = await db.selectFrom('oauth_clients').select('identifier').where('service_id', '=', serviceId).execute();
  const gone = rows.map((row) => row.identifier).filter((identifier) => identifier !== client?.identifier);
  if (gone.length > 0) {
    await db.deleteFrom('api_tokens').where('client_id', 'in', gone).execute();
    await db.deleteFrom('oauth_codes').where('client_id', 'in', gone).execute();
    await db.deleteFrom('oauth_clients').where('identifier', 'in', gone).execute();
  }
  if (client) await putClient(db, client);
}

/** Where signing in for a service ends, of all services. */
export async function serviceCallbacks(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('oauth_clients')
    .select('redirect_uri')
    .where('service_id', 'is not', null)
    .orderBy('redirect_uri')
    .execute();
  return rows.map((row) => row.redirect_uri);
}

/** A client that is somebody else's. */
export async function isClientTaken(db: Db, identifier: string, serviceId: number | null): Promise<boolean> {
  const row = await db
    .selectFrom('oauth_clients')
    .select(['service_id'])
    .where('identifier', '=', identifier)
    .executeTakeFirst();
  return row !== undefined && (row.service_id === null || row.service_id !== serviceId);
}

/** What is behind a client: a person's server, or a service. */
export interface ClientBehind {
  server: { user: string; name: string } | null;
  service: { name: string; noConfirm: boolean } | null;
}

/** The client and, when there is one, the server or the service behind it. */
export async function findClient(db: Db, identifier: string): Promise<(OAuthClient & ClientBehind) | undefined> {
  const row = await db
    .selectFrom('oauth_clients as c')
    .leftJoin('servers as s', 's.id', 'c.server_id')
    .leftJoin('users as u', 'u.id', 's.user_id')
    .leftJoin('services as sv', 'sv.id', 'c.service_id')
    .where('c.identifier', '=', identifier)
    .selectAll('c')
    .select(['s.name as s_name', 'u.name as u_name', 'sv.name as sv_name', 'sv.oauth_no_confirm as sv_no_confirm'])
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
    service: row.sv_name === null ? null : { name: row.sv_name, noConfirm: row.sv_no_confirm === 1 },
  };
}
