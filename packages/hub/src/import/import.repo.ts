import type { Db } from '../db/types.ts';

/** SQL of what is taken over: rows as they were, with the times they had. */

export async function setUserFacts(
  db: Db,
  id: number,
  facts: { created: number; lastActivity: number | null; userInfo: string | null },
): Promise<void> {
  await db
    .updateTable('users')
    .set({ created: facts.created, last_activity: facts.lastActivity, user_info: facts.userInfo })
    .where('id', '=', id)
    .execute();
}

export interface GroupHere {
  id: number;
  properties: string;
}

export async function groupsHere(db: Db): Promise<Map<string, GroupHere>> {
  const rows = await db.selectFrom('groups').select(['id', 'name', 'properties']).execute();
  return new Map(rows.map(({ id, name, properties }) => [name, { id: Number(id), properties }]));
}

export async function insertGroup(
  db: Db,
  group: { name: string; properties: string; created: number },
): Promise<number> {
  const row = await db.insertInto('groups').values(group).returning('id').executeTakeFirstOrThrow();
  return Number(row.id);
}

export async function insertMember(db: Db, userId: number, groupId: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('user_groups')
    .values({ user_id: userId, group_id: groupId })
    .onConflict((conflict) => conflict.columns(['user_id', 'group_id']).doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** Ids of all servers, by `<user id>/<name>`. */
export async function serversHere(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('servers').select(['id', 'user_id', 'name']).execute();
  return new Map(rows.map((row) => [`${row.user_id}/${row.name}`, row.id]));
}

export interface TakenServer {
  id: string;
  userId: number;
  name: string;
  displayName: string;
  userOptions: string;
  spawnerId: string;
  created: number;
  lastActivity: number | null;
}

export async function insertServer(db: Db, server: TakenServer): Promise<void> {
  await db
    .insertInto('servers')
    .values({
      id: server.id,
      user_id: server.userId,
      name: server.name,
      display_name: server.displayName,
      user_options: server.userOptions,
      spawner_id: server.spawnerId,
      phase_at: server.created,
      created: server.created,
      last_activity: server.lastActivity,
      desired: 'stopped',
      phase: 'stopped',
      generation: 0,
      lease_until: 0,
      next_poll: 0,
      failures: 0,
    })
    .execute();
}

export interface TakenToken {
  /** In place of the hash of a token of ours: nothing hashes to it. */
  hash: string;
  userId: number | null;
  serviceId: number | null;
  clientId: string;
  created: number;
  expiresAt: number | null;
  lastActivity: number | null;
  note: string;
  scopes: string;
}

export async function insertToken(db: Db, token: TakenToken): Promise<number> {
  const row = await db
    .insertInto('api_tokens')
    .values({
      hash: token.hash,
      user_id: token.userId,
      service_id: token.serviceId,
      client_id: token.clientId,
      session_id: null,
      created: token.created,
      expires_at: token.expiresAt,
      last_activity: token.lastActivity,
      note: token.note,
      scopes: token.scopes,
      server_id: null,
      generation: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return Number(row.id);
}

/** Numbers of all tokens. */
export async function tokensHere(db: Db): Promise<Set<string>> {
  const rows = await db.selectFrom('api_tokens').select('id').execute();
  return new Set(rows.map(({ id }) => String(id)));
}

/** Identifiers of all OAuth clients. */
export async function clientsHere(db: Db): Promise<Set<string>> {
  const rows = await db.selectFrom('oauth_clients').select('identifier').execute();
  return new Set(rows.map(({ identifier }) => identifier));
}

export async function servicesHere(db: Db): Promise<Map<string, number>> {
  const rows = await db.selectFrom('services').select(['id', 'name']).execute();
  return new Map(rows.map(({ id, name }) => [name, Number(id)]));
}

export interface TakenService {
  name: string;
  admin: boolean;
  url: string | null;
  info: string;
  display: boolean;
  allowedScopes: string;
  created: number;
}

export async function insertService(db: Db, service: TakenService): Promise<number> {
  const row = await db
    .insertInto('services')
    .values({
      name: service.name,
      admin: service.admin ? 1 : 0,
      url: service.url,
      command: '[]',
      info: service.info,
      display: service.display ? 1 : 0,
      oauth_client_id: null,
      oauth_no_confirm: 0,
      allowed_scopes: service.allowedScopes,
      from_config: 0,
      created: service.created,
      pid: null,
      problem: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return Number(row.id);
}

export async function rolesHere(db: Db): Promise<Set<string>> {
  const rows = await db.selectFrom('roles').select('name').execute();
  return new Set(rows.map(({ name }) => name));
}

export async function insertRole(
  db: Db,
  role: { name: string; description: string; scopes: string; source: string },
): Promise<void> {
  await db.insertInto('roles').values(role).execute();
}

export async function insertRoleMember(
  db: Db,
  member: { role_name: string; kind: 'user' | 'group' | 'service'; member: string },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('role_members')
    .values(member)
    .onConflict((conflict) => conflict.columns(['role_name', 'kind', 'member']).doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

export interface TakenShare {
  serverId: string;
  userId: number | null;
  group: string | null;
  scopes: readonly string[];
  created: number;
  expiresAt: number | null;
}

/** Undefined when the server is shared with them here already. */
export async function insertShare(db: Db, share: TakenShare): Promise<number | undefined> {
  const row = await db
    .insertInto('shares')
    .values({
      server_id: share.serverId,
      user_id: share.userId,
      group_name: share.group,
      scopes: JSON.stringify(share.scopes),
      created: share.created,
      expires_at: share.expiresAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return row && Number(row.id);
}

/** Numbers of all shares. */
export async function sharesHere(db: Db): Promise<Set<string>> {
  return new Set((await db.selectFrom('shares').select('id').execute()).map(({ id }) => String(id)));
}

export interface TakenCode {
  serverId: string;
  hashed: string;
  prefix: string;
  scopes: readonly string[];
  exchanged: number;
  created: number;
  expiresAt: number;
}

export async function insertShareCode(db: Db, code: TakenCode): Promise<number> {
  const row = await db
    .insertInto('share_codes')
    .values({
      server_id: code.serverId,
      hash: `jupyterhub:${code.hashed}`,
      legacy_prefix: code.prefix,
      legacy_hashed: code.hashed,
      scopes: JSON.stringify(code.scopes),
      created: code.created,
      expires_at: code.expiresAt,
      exchange_count: code.exchanged,
      last_exchanged_at: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return Number(row.id);
}

/** Numbers of all share codes. */
export async function codesHere(db: Db): Promise<Set<string>> {
  return new Set((await db.selectFrom('share_codes').select('id').execute()).map(({ id }) => String(id)));
}
