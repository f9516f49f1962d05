import { sql } from 'kysely';
import type { Db } from '../../../packages/hub/src/db/types.ts';
import { hashOf, type SeededServer, type World } from './world.ts';

/** Rows in one statement: SQLite takes 32,766 values at most. */
const CHUNK = 400;
const FIRST_UID = 1_900_001_000;

/** What an Atrium that has run for a while would have of these people and servers, written straight into its tables. */
export async function seedAtrium(
  db: Db,
  world: World,
  { now, address }: { now: number; address: string },
): Promise<void> {
  const json = JSON.stringify;
  await db.transaction().execute(async (tx) => {
    const users = world.people.map((name, at) => ({
      name,
      admin: 0,
      uid: FIRST_UID + at,
      allowed_by: 'administrator',
      pending: 0,
      blocked: 0,
      created: now - 30 * 86_400_000,
      last_activity: now - ((at * 7919) % 30) * 86_400_000,
      user_info: null,
      auth_groups: '[]',
      groups: '[]',
      stop_after: null,
    }));
    await each(users, (chunk) => tx.insertInto('users').values(chunk).execute());
    await sql`update counters set value = ${FIRST_UID + users.length} where name = 'uid'`.execute(tx);
    const admin = {
      name: world.admin,
      admin: 1,
      uid: FIRST_UID - 1,
      allowed_by: 'administrator',
      pending: 0,
      blocked: 0,
    };
    const rest = {
      created: now,
      last_activity: null,
      user_info: null,
      auth_groups: '[]',
      groups: '[]',
      stop_after: null,
    };
    await tx
      .insertInto('users')
      .values({ ...admin, ...rest })
      .execute();

    const ids = new Map<string, number>();
    for (const row of await tx.selectFrom('users').select(['id', 'name']).execute()) ids.set(row.name, Number(row.id));
    const idOf = (name: string) => ids.get(name) ?? 0;
    const servers = world.servers.map(({ id, user }, at) => ({
      id,
      user_id: idOf(user),
      name: '',
      display_name: '',
      user_options: '{}',
      desired: 'running' as const,
      phase: 'ready' as const,
      phase_at: now - 3_600_000,
      generation: 1,
      spawner_id: 'echo',
      spec: json({ user }),
      ref: json({ server: id, generation: 1 }),
      attempt: null,
      address,
      observed: json({ phase: 'running' }),
      observed_at: now,
      lease_owner: null,
      lease_until: 0,
      next_poll: 0,
      queued_at: null,
      started_at: now - 3_600_000,
      last_activity: now - at,
      last_work: now - at,
      failure: null,
      failures: 0,
      stop_reason: null,
      stop_after: null,
      created: now - 3_600_000,
    }));
    await each(servers, (chunk) => tx.insertInto('servers').values(chunk).execute());
    const token = (text: string, user: string, note: string, scopes: string[], server?: SeededServer) => ({
      hash: hashOf(text),
      user_id: idOf(user),
      client_id: 'jupyterhub',
      session_id: null,
      created: now,
      expires_at: null,
      last_activity: null,
      note,
      scopes: json(scopes),
      server_id: server?.id ?? null,
      generation: server ? 1 : null,
    });
    const tokens = world.servers.map((server) => {
      const { user } = server;
      const scopes = [`users:activity!user=${user}`, `access:servers!server=${user}/`];
      return token(server.token, user, `Server at /user/${user}/`, scopes, server);
    });
    await each([token(world.token, world.admin, 'bench', ['inherit']), ...tokens], (chunk) =>
      tx.insertInto('api_tokens').values(chunk).execute(),
    );
    const clients = world.servers.map(({ id, user, token: text }) => ({
      identifier: `jupyterhub-user-${user}`,
      secret_hash: hashOf(text),
      redirect_uri: `/user/${user}/oauth_callback`,
      allowed_scopes: '[]',
      description: `Server at /user/${user}/`,
      server_id: id,
      service_id: null,
    }));
    await each(clients, (chunk) => tx.insertInto('oauth_clients').values(chunk).execute());
    const routes = world.servers.map(({ id, user }, at) => ({
      path: `/user/${user}/`,
      target: address,
      server_id: id,
      version: at + 1,
      deleted: 0,
    }));
    await each(routes, (chunk) => tx.insertInto('routes').values(chunk).execute());
    await sql`update counters set value = ${routes.length} where name = 'route_version'`.execute(tx);
  });
  // As after the nightly tidying of a database that has run for a while.
  await sql`analyze`.execute(db);
}

async function each<Row>(rows: readonly Row[], insert: (chunk: Row[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < rows.length; at += CHUNK) await insert(rows.slice(at, at + CHUNK));
}
