import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { expect, vi } from 'vitest';
import type { Places } from '../../packages/atrium/src/files/data-dir.ts';
import { type ApiClient, serversOf } from './api-client.ts';
import { serverProcesses } from './processes.ts';

interface Row {
  id: string;
  user: string;
  phase: string;
  desired: string;
  generation: number;
  lease_owner: string | null;
}

/** Reads the hub's database from outside. */
export type Query = <T>(sql: string) => Promise<T[]>;

export function sqliteQuery({ dataDir }: Places): Query {
  return async <T>(sql: string) => {
    using db = new DatabaseSync(join(dataDir, 'hub.sqlite'), { readOnly: true });
    return db.prepare(sql).all() as T[];
  };
}

export function postgresQuery(url: string): Query {
  return async <T>(sql: string) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql)).rows as T[];
    } finally {
      await client.end();
    }
  };
}

/** What the installation calls itself in everything that it starts. */
export async function hubIdOf(query: Query): Promise<string> {
  const [row] = await query<{ value: string }>("select value from meta where key = 'hub_id'");
  if (!row) throw new Error('The installation has no id yet');
  return row.value;
}

/** How often any server was started. */
export async function countStarts(query: Query): Promise<number> {
  return Number((await query<{ n: unknown }>('select sum(generation) as n from servers'))[0]?.n);
}

/**
 * Everything that tells of default servers, compared: rows, the API's answers, processes, launch folders, the proxy's
 * routes, tokens. Every list names what does not fit.
 */
export async function differences(places: Places, api: ApiClient, query: Query) {
  const hubId = await hubIdOf(query);
  const servers = await serversOf(api);
  const rows = await query<Row>('select s.*, u.name as "user" from servers s join users u on u.id = s.user_id');
  const ready = rows.filter(({ phase }) => phase === 'ready');
  const running = new Set(ready.map(({ id, generation }) => `${id}.${generation}`));
  const ids = new Set(ready.map(({ id }) => id));
  const processes = serverProcesses(hubId).map((one) => ({ ...one, launch: one.launch.slice(hubId.length + 1) }));
  const living = new Set(processes.filter((one) => one.isServer).map(({ launch }) => launch));
  const routes = (JSON.parse(readFileSync(places.routeTable, 'utf8')) as { routes: { serverId?: string }[] }).routes;
  const routed = new Set(routes.flatMap(({ serverId }) => serverId ?? []));
  const tokens = await query<{ id: string }>(
    'select distinct server_id as id from api_tokens where server_id is not null',
  );
  const tokened = new Set(tokens.map(({ id }) => id));
  return {
    unsettled: rows.filter((row) => row.desired !== (row.phase === 'ready' ? 'running' : row.phase) || row.lease_owner),
    shownOtherwise: rows.filter((row) => servers.get(row.user)?.ready !== ids.has(row.id)).map(({ user }) => user),
    orphans: processes.filter(({ launch }) => !running.has(launch)),
    dead: [...running].filter((launch) => !living.has(launch)),
    leftFolders: readdirSync(join(places.runDir, 's')).filter((name) => !running.has(name)),
    wrongRoutes: [...routed.symmetricDifference(ids)],
    wrongTokens: [...tokened.symmetricDifference(ids)],
  };
}

/** Fails with what differs. Waits a little: the route table's copy on disk is written behind the stream. */
export const expectReality = (places: Places, api: ApiClient, query: Query): Promise<void> =>
  vi.waitFor(async () => expect(await differences(places, api, query)).toEqual(NO_DIFFERENCES), WRITTEN);

const WRITTEN = { timeout: 10_000, interval: 200 };
/** Nothing differs. */
const NO_DIFFERENCES: Awaited<ReturnType<typeof differences>> = {
  unsettled: [],
  shownOtherwise: [],
  orphans: [],
  dead: [],
  leftFolders: [],
  wrongRoutes: [],
  wrongTokens: [],
};
