import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
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

const open = ({ dataDir }: Places) => new DatabaseSync(join(dataDir, 'hub.sqlite'), { readOnly: true });

/** What the installation calls itself in everything that it starts. */
export function hubIdOf(places: Places): string {
  using db = open(places);
  return String(db.prepare("select value from meta where key = 'hub_id'").get()?.value);
}

/**
 * Everything that tells of default servers, compared: rows, the API's answers, processes, launch folders, the proxy's
 * routes, tokens. Every list names what does not fit.
 */
export async function differences(places: Places, api: ApiClient, hubId: string) {
  const servers = await serversOf(api);
  using db = open(places);
  const rows = db
    .prepare('select s.*, u.name as user from servers s join users u on u.id = s.user_id')
    .all() as unknown as Row[];
  const ready = rows.filter(({ phase }) => phase === 'ready');
  const running = new Set(ready.map(({ id, generation }) => `${id}.${generation}`));
  const ids = new Set(ready.map(({ id }) => id));
  const processes = serverProcesses(hubId).map((one) => ({ ...one, launch: one.launch.slice(hubId.length + 1) }));
  const living = new Set(processes.filter((one) => one.isServer).map(({ launch }) => launch));
  const routes = (JSON.parse(readFileSync(places.routeTable, 'utf8')) as { routes: { serverId?: string }[] }).routes;
  const routed = new Set(routes.flatMap(({ serverId }) => serverId ?? []));
  const tokens = db.prepare('select distinct server_id as id from api_tokens where server_id is not null').all();
  const tokened = new Set(tokens.map(({ id }) => String(id)));
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

/** Nothing differs. */
export const NO_DIFFERENCES: Awaited<ReturnType<typeof differences>> = {
  unsettled: [],
  shownOtherwise: [],
  orphans: [],
  dead: [],
  leftFolders: [],
  wrongRoutes: [],
  wrongTokens: [],
};
