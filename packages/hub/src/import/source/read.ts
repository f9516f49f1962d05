import { HubError, type Json, type Secret } from '@atrium/sdk';
import { openFernet } from '../../legacy/fernet.ts';
import { booleanCell, bytesCell, listCell, numberCell, objectCell, textCell, timeCell } from './cells.ts';
import type { Row, SourceDatabase } from './database.ts';
import { openPostgresSource } from './postgres.repo.ts';
import { versionOf } from './revision.ts';
import type { Source } from './schema.ts';
import { openSqliteSource } from './sqlite.repo.ts';
import { sourcePlace } from './where.ts';

const OWN_TABLES = new Set([
  'alembic_version',
  'users',
  'spawners',
  'servers',
  'groups',
  'user_group_map',
  'roles',
  'user_role_map',
  'group_role_map',
  'service_role_map',
  'services',
  'oauth_clients',
  'oauth_codes',
  'api_tokens',
  'shares',
  'share_codes',
]);

export interface ReadOptions {
  /** `--db`: a file or a URL. */
  db: string;
  /** Relative paths start here. */
  folder: string;
  /** Keys of `JUPYTERHUB_CRYPT_KEY`, for what sign-in services said about people. */
  cryptKeys?: readonly Secret[];
}

/**
 * Reads all of a JupyterHub's database, as it is at one moment; nothing in it is changed.
 * @throws HubError `bad_request` in words for the terminal.
 */
export async function readJupyterHub({ db: text, folder, cryptKeys = [] }: ReadOptions): Promise<Source> {
  const place = sourcePlace(text, folder);
  await using db = await (place.kind === 'sqlite' ? openSqliteSource(place.file) : openPostgresSource(place.url));
  const tables = new Set(await db.tables());
  const read = async (table: string) => (tables.has(table) ? (await db.rows(table)).sort(byId) : []);
  const heads = tables.has('alembic_version') ? await read('alembic_version') : undefined;
  const { revision, version } = versionOf(heads?.map((row) => textCell(row.version_num) ?? ''));
  const missing = ['users', 'spawners', 'groups', 'api_tokens'].find((table) => !tables.has(table));
  if (missing !== undefined) throw new HubError('bad_request', `The database is damaged: it has no table ${missing}.`);

  const users = await read('users');
  const groups = await read('groups');
  const services = await read('services');
  const spawners = await read('spawners');
  const clients = new Map((await read('oauth_clients')).map((row) => [textCell(row.identifier), row]));
  const nameOf = { user: namesById(users), group: namesById(groups), service: namesById(services) };
  const spawnerOf = new Map(spawners.map((row) => [textCell(row.id), row]));
  const members = pairs(await read('user_group_map'), 'group_id', 'user_id', nameOf.user);

  return {
    from: place.kind === 'sqlite' ? place.file : describeUrl(place.url),
    revision,
    version,
    users: users.map((row) => ({
      name: textCell(row.name) ?? '',
      admin: booleanCell(row.admin),
      created: timeCell(row.created),
      lastActivity: timeCell(row.last_activity),
      cookieId: textCell(row.cookie_id),
      userInfo: row.user_info === null || row.user_info === undefined ? null : objectCell(row.user_info),
      authState: authStateOf(bytesCell(row.encrypted_auth_state), cryptKeys),
    })),
    groups: groups.map((row) => ({
      name: textCell(row.name) ?? '',
      properties: objectCell(row.properties),
      members: members.get(textCell(row.id)) ?? [],
    })),
    roles: await readRoles(read, nameOf),
    services: services.map((row) => toService(row, clients)),
    servers: spawners.flatMap((row) => {
      const user = nameOf.user.get(textCell(row.user_id));
      return user === undefined ? [] : [toServer(row, user)];
    }),
    tokens: (await read('api_tokens')).map((row) => ({
      id: numberCell(row.id) ?? 0,
      user: nameOf.user.get(textCell(row.user_id)) ?? null,
      service: nameOf.service.get(textCell(row.service_id)) ?? null,
      hashed: textCell(row.hashed) ?? '',
      prefix: textCell(row.prefix) ?? '',
      clientId: textCell(row.client_id),
      created: timeCell(row.created),
      expiresAt: timeCell(row.expires_at),
      lastActivity: timeCell(row.last_activity),
      note: textCell(row.note) ?? '',
      scopes: listCell(row.scopes) ?? [],
    })),
    shares: (await read('shares')).flatMap((row) => {
      const shared = sharedServer(row, spawnerOf, nameOf.user);
      if (!shared) return [];
      const user = nameOf.user.get(textCell(row.user_id)) ?? null;
      const group = nameOf.group.get(textCell(row.group_id)) ?? null;
      return [{ ...shared, user, group }];
    }),
    shareCodes: (await read('share_codes')).flatMap((row) => {
      const shared = sharedServer(row, spawnerOf, nameOf.user);
      if (!shared) return [];
      const exchanged = numberCell(row.exchange_count) ?? 0;
      return [{ ...shared, hashed: textCell(row.hashed) ?? '', prefix: textCell(row.prefix) ?? '', exchanged }];
    }),
    codes: (await read('oauth_codes')).length,
    otherTables: await countOthers(db, [...tables]),
  };
}

/** As they came to be, whatever order the database has them in. */
const byId = (a: Row, b: Row) => (numberCell(a.id) ?? 0) - (numberCell(b.id) ?? 0);

type Names = ReadonlyMap<string | null, string>;

const namesById = (rows: readonly Row[]): Names =>
  new Map(rows.map((row) => [textCell(row.id), textCell(row.name) ?? '']));

/** Of a table of pairs: the names of the one by the number of the other. */
function pairs(rows: readonly Row[], key: string, named: string, names: Names): Map<string | null, string[]> {
  const found = new Map<string | null, string[]>();
  for (const row of rows) {
    const name = names.get(textCell(row[named]));
    const id = textCell(row[key]);
    if (name === undefined) continue;
    const list = found.get(id);
    if (list) list.push(name);
    else found.set(id, [name]);
  }
  return found;
}

async function readRoles(
  read: (table: string) => Promise<Row[]>,
  nameOf: { user: Names; group: Names; service: Names },
): Promise<Source['roles']> {
  const users = pairs(await read('user_role_map'), 'role_id', 'user_id', nameOf.user);
  const groups = pairs(await read('group_role_map'), 'role_id', 'group_id', nameOf.group);
  const services = pairs(await read('service_role_map'), 'role_id', 'service_id', nameOf.service);
  return (await read('roles')).map((row) => {
    const id = textCell(row.id);
    return {
      name: textCell(row.name) ?? '',
      description: textCell(row.description) ?? '',
      scopes: listCell(row.scopes) ?? [],
      users: users.get(id) ?? [],
      groups: groups.get(id) ?? [],
      services: services.get(id) ?? [],
    };
  });
}

function toService(row: Row, clients: ReadonlyMap<string | null, Row>): Source['services'][number] {
  const clientId = textCell(row.oauth_client_id);
  const client = clientId === null ? undefined : clients.get(clientId);
  return {
    name: textCell(row.name) ?? '',
    admin: booleanCell(row.admin),
    url: textCell(row.url),
    fromConfig: booleanCell(row.from_config),
    info: objectCell(row.info),
    // Shown unless it says otherwise, as in JupyterHub.
    display: row.display === null || row.display === undefined ? true : booleanCell(row.display),
    noConfirm: booleanCell(row.oauth_no_confirm),
    command: listCell(row.command) ?? [],
    clientId,
    clientSecretHash: client ? textCell(client.secret) : null,
    redirectUri: client ? textCell(client.redirect_uri) : null,
    allowedScopes: listCell(row.oauth_client_allowed_scopes) ?? [],
  };
}

function toServer(row: Row, user: string): Source['servers'][number] {
  return {
    user,
    name: textCell(row.name) ?? '',
    displayName: textCell(row.display_name),
    options: objectCell(row.user_options),
    lastActivity: timeCell(row.last_activity),
    created: timeCell(row.started),
    running: textCell(row.server_id) !== null,
  };
}

function sharedServer(row: Row, spawnerOf: ReadonlyMap<string | null, Row>, users: Names) {
  const owner = users.get(textCell(row.owner_id));
  const spawner = spawnerOf.get(textCell(row.spawner_id));
  if (owner === undefined || !spawner) return undefined;
  const scopes = listCell(row.scopes) ?? [];
  const [created, expiresAt] = [timeCell(row.created_at), timeCell(row.expires_at)];
  return { owner, server: textCell(spawner.name) ?? '', scopes, created, expiresAt };
}

function authStateOf(sealed: string | null, keys: readonly Secret[]): Source['users'][number]['authState'] {
  if (sealed === null || sealed === '') return 'none';
  const text = openFernet(Buffer.from(sealed, 'base64'), keys);
  try {
    return text === undefined ? 'locked' : { state: JSON.parse(text) as Json };
  } catch {
    return 'locked';
  }
}

async function countOthers(db: SourceDatabase, tables: readonly string[]): Promise<Source['otherTables']> {
  const others = tables.filter((name) => !OWN_TABLES.has(name)).sort();
  return Promise.all(others.map(async (name) => ({ name, rows: await db.count(name) })));
}

function describeUrl(url: string): string {
  const { host, pathname } = new URL(url);
  return `PostgreSQL ${host}${pathname}`;
}
