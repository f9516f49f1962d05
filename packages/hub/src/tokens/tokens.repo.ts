import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import { fromJson } from '../db/json.ts';
import { prepared } from '../db/prepared.ts';
import { remembered } from '../db/remembered.ts';
import type { ApiTokensTable, Db } from '../db/types.ts';
import { findServiceById } from '../services/services.service.ts';
import { asService, asUser, type Principal } from '../users/principal.ts';
import { toUser, USER_COLUMNS, type UserRow } from '../users/users.service.ts';

/** `client_id` of tokens that the hub itself issued (contract §1.2). */
export const HUB_CLIENT = 'jupyterhub';

export interface ApiToken {
  id: number;
  clientId: string;
  /** The client's description, else its id. */
  clientName: string;
  sessionId: string | null;
  created: number;
  expiresAt: number | null;
  lastActivity: number | null;
  note: string;
  /** As stored: unexpanded. */
  scopes: readonly string[];
  serverId: string | null;
}

export interface NewToken {
  owner: Principal;
  hash: string;
  clientId: string;
  sessionId: string | null;
  now: number;
  expiresAt: number | null;
  note: string;
  scopes: readonly string[];
  server?: { id: string; generation: number } | undefined;
}

type TokenRow = Omit<Selectable<ApiTokensTable>, 'hash' | 'generation' | 'user_id' | 'service_id'> & {
  client_name?: string | null;
};

const COLUMNS = [
  'id',
  'client_id',
  'session_id',
  'created',
  'expires_at',
  'last_activity',
  'note',
  'scopes',
  'server_id',
] as const;

/** The columns that say whose a token is. */
function ownerColumns(owner: Principal) {
  return owner.kind === 'user'
    ? { user_id: owner.user.id, service_id: null }
    : { user_id: null, service_id: owner.service.id };
}

/** The condition for what is theirs. */
function ownedBy(owner: Principal) {
  const [column, id] =
    owner.kind === 'user' ? (['user_id', owner.user.id] as const) : (['service_id', owner.service.id] as const);
  return sql<boolean>`${sql.ref(column)} = ${id}`;
}

function toToken(row: TokenRow): ApiToken {
  return {
    id: row.id,
    clientId: row.client_id,
    clientName: row.client_name || row.client_id,
    sessionId: row.session_id,
    created: row.created,
    expiresAt: row.expires_at,
    lastActivity: row.last_activity,
    note: row.note,
    scopes: fromJson<string[]>(row.scopes) ?? [],
    serverId: row.server_id,
  };
}

export async function insertToken(db: Db, token: NewToken): Promise<ApiToken> {
  const row = await db
    .insertInto('api_tokens')
    .values({
      hash: token.hash,
      ...ownerColumns(token.owner),
      client_id: token.clientId,
      session_id: token.sessionId,
      created: token.now,
      expires_at: token.expiresAt,
      last_activity: null,
      note: token.note,
      scopes: JSON.stringify(token.scopes),
      server_id: token.server?.id ?? null,
      generation: token.server?.generation ?? null,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  return toToken(row);
}

type FoundRow = Omit<UserRow, 'id'> & { id: number | null } & {
  [Column in keyof TokenRow as `t_${Column}`]: TokenRow[Column];
} & {
  t_service_id: number | null;
  s_name: string | null;
  su_name: string | null;
  cs_name: string | null;
};

/** What stands behind a token's OAuth client: a server, as `ada/` or `ada/thesis`, or a service. */
export interface TokenClient {
  server?: string | undefined;
  service?: string | undefined;
}

export interface FoundToken {
  token: ApiToken;
  owner: Principal;
  client: TokenClient;
}

const OWNER = sql.raw(USER_COLUMNS.map((column) => `u.${column}`).join(', '));

const selectByHash = prepared((db, { hash }: { hash: string }) => {
  const query = sql<FoundRow>`
    select ${OWNER}, t.id as t_id, t.client_id as t_client_id, t.session_id as t_session_id, t.created as t_created,
      t.expires_at as t_expires_at, t.last_activity as t_last_activity, t.note as t_note, t.scopes as t_scopes,
      t.server_id as t_server_id, t.service_id as t_service_id, c.description as t_client_name, s.name as s_name,
      su.name as su_name, cs.name as cs_name
    from api_tokens t
      left join users u on u.id = t.user_id
      left join oauth_clients c on c.identifier = t.client_id
      left join servers s on s.id = c.server_id
      left join users su on su.id = s.user_id
      left join services cs on cs.oauth_client_id = t.client_id
    where t.hash = ${hash}`;
  return { compile: () => query.compile(db) };
});

const rememberedTokens = remembered<FoundToken | undefined>(2_000);

/**
 * The token, its owner, and what stands behind its OAuth client: everything that authenticating a request needs.
 * Not when it has expired.
 */
export async function findTokenByHash(db: Db, hash: string, now: number): Promise<FoundToken | undefined> {
  const found = await rememberedTokens(db, hash, () => readByHash(db, hash));
  if (!found) return undefined;
  const { expiresAt } = found.token;
  return expiresAt === null || expiresAt > now ? found : undefined;
}

async function readByHash(db: Db, hash: string): Promise<FoundToken | undefined> {
  const { rows } = await selectByHash(db, { hash });
  const row = rows[0];
  if (!row) return undefined;
  const token = toToken({
    id: row.t_id,
    client_id: row.t_client_id,
    session_id: row.t_session_id,
    created: row.t_created,
    expires_at: row.t_expires_at,
    last_activity: row.t_last_activity,
    note: row.t_note,
    scopes: row.t_scopes,
    server_id: row.t_server_id,
    client_name: row.t_client_name ?? null,
  });
  const client = {
    server: row.su_name === null ? undefined : `${row.su_name}/${row.s_name ?? ''}`,
    service: row.cs_name ?? undefined,
  };
  if (row.id !== null) return { token, owner: asUser(toUser({ ...row, id: row.id })), client };
  // Services are few and ask seldom: not worth a join for everybody.
  const service = row.t_service_id === null ? undefined : await findServiceById(db, row.t_service_id);
  return service && { token, owner: asService(service), client };
}

function selectLive(db: Db, owner: Principal, now: number) {
  return db
    .selectFrom('api_tokens as t')
    .leftJoin('oauth_clients as c', 'c.identifier', 't.client_id')
    .select(COLUMNS.map((column) => `t.${column}` as const))
    .select('c.description as client_name')
    .where(ownedBy(owner))
    .where(({ eb, or }) => or([eb('t.expires_at', 'is', null), eb('t.expires_at', '>', now)]));
}

/** Newest use first, unused last; expired ones are left out. */
export async function tokensOf(db: Db, owner: Principal, now: number): Promise<ApiToken[]> {
  const rows = await selectLive(db, owner, now)
    .orderBy(sql`coalesce(t.last_activity, 0)`, 'desc')
    .orderBy('t.id', 'desc')
    .execute();
  return rows.map(toToken);
}

export async function tokenOf(db: Db, owner: Principal, id: number, now: number): Promise<ApiToken | undefined> {
  const row = await selectLive(db, owner, now).where('t.id', '=', id).executeTakeFirst();
  return row && toToken(row);
}

/** @returns its hash */
export async function deleteToken(db: Db, id: number): Promise<string[]> {
  const rows = await db.deleteFrom('api_tokens').where('id', '=', id).returning('hash').execute();
  return rows.map(({ hash }) => hash);
}

/** @returns their hashes */
export async function deleteTokensOfClient(db: Db, owner: Principal, clientId: string): Promise<string[]> {
  const theirs = db.deleteFrom('api_tokens').where(ownedBy(owner)).where('client_id', '=', clientId);
  return (await theirs.returning('hash').execute()).map(({ hash }) => hash);
}

export async function countTokens(db: Db, owner: Principal, clientId: string): Promise<number> {
  const row = await db
    .selectFrom('api_tokens')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where(ownedBy(owner))
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** Keeps the newest ones that an application has of a person. @returns the hashes of the others */
export async function deleteOldTokens(db: Db, owner: Principal, clientId: string, keep: number): Promise<string[]> {
  const oldest = db
    .selectFrom('api_tokens')
    .select('id')
    .where(ownedBy(owner))
    .where('client_id', '=', clientId)
    .orderBy('id', 'desc')
    .limit(1)
    .offset(keep - 1);
  const theirs = db.deleteFrom('api_tokens').where(ownedBy(owner)).where('client_id', '=', clientId);
  return (await theirs.where('id', '<', oldest).returning('hash').execute()).map(({ hash }) => hash);
}

/** @returns their hashes */
export async function deleteExpiredTokens(db: Db, now: number): Promise<string[]> {
  const rows = await db.deleteFrom('api_tokens').where('expires_at', '<=', now).returning('hash').execute();
  return rows.map(({ hash }) => hash);
}

/** All that a service has, and all that its application has of people. */
export async function deleteTokensOfService(db: Db, serviceId: number, clientId: string | null): Promise<void> {
  await db.deleteFrom('api_tokens').where('service_id', '=', serviceId).execute();
  if (clientId !== null) await db.deleteFrom('api_tokens').where('client_id', '=', clientId).execute();
}

/** Moves forward only. */
export async function touchToken(db: Db, id: number, at: number): Promise<void> {
  await db
    .updateTable('api_tokens')
    .set({ last_activity: at })
    .where('id', '=', id)
    .where(sql<boolean>`coalesce(last_activity, 0) < ${at}`)
    .execute();
}

export interface ServerToken {
  userId: number;
  serverId: string;
  generation: number;
  /** SHA-256 hex of the derived token. */
  hash: string;
  /** `Server at <prefix>` (contract §1.2). */
  note: string;
  scopes: readonly string[];
  now: number;
}

const deleteOthers = prepared((db, { serverId, hash }: { serverId: string; hash: string }) =>
  db.deleteFrom('api_tokens').where('server_id', '=', serverId).where('hash', '<>', hash),
);

const insertServerToken = prepared((db, token: ServerToken & { scopesJson: string }) =>
  db
    .insertInto('api_tokens')
    .values({
      hash: token.hash,
      user_id: token.userId,
      client_id: HUB_CLIENT,
      session_id: null,
      created: token.now,
      expires_at: null,
      last_activity: null,
      note: token.note,
      scopes: token.scopesJson,
      server_id: token.serverId,
      generation: token.generation,
    })
    .onConflict((conflict) => conflict.column('hash').doNothing()),
);

/** The token of one start; in place of any other of that server. Same call again, as after a crash: no change. */
export async function putServerToken(db: Db, token: ServerToken): Promise<void> {
  await deleteOthers(db, { serverId: token.serverId, hash: token.hash });
  await insertServerToken(db, { ...token, scopesJson: JSON.stringify(token.scopes) });
}

export async function deleteServerTokens(db: Db, serverId: string): Promise<void> {
  await db.deleteFrom('api_tokens').where('server_id', '=', serverId).execute();
}

export interface ServiceToken {
  serviceId: number;
  hash: string;
  /** Says where it comes from; a service has one token of each note. */
  note: string;
  now: number;
}

/**
 * The one token of a service that has this note; in place of any other. It may do what the service may.
 * False when the text is somebody else's token.
 */
export async function putServiceToken(db: Db, token: ServiceToken): Promise<boolean> {
  const { serviceId, hash, note, now } = token;
  await deleteServiceToken(db, serviceId, note, hash);
  await db
    .insertInto('api_tokens')
    .values({
      hash,
      user_id: null,
      service_id: serviceId,
      client_id: HUB_CLIENT,
      session_id: null,
      created: now,
      expires_at: null,
      last_activity: null,
      note,
      scopes: '["inherit"]',
      server_id: null,
      generation: null,
    })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .execute();
  const row = await db.selectFrom('api_tokens').select('service_id').where('hash', '=', hash).executeTakeFirst();
  return row?.service_id === serviceId;
}

/** Those with this note, but for one. */
export async function deleteServiceToken(db: Db, serviceId: number, note: string, except = ''): Promise<void> {
  await db
    .deleteFrom('api_tokens')
    .where('service_id', '=', serviceId)
    .where('note', '=', note)
    .where('hash', '<>', except)
    .execute();
}
