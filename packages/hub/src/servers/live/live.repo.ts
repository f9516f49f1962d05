import { sql } from 'kysely';
import { fromJson } from '../../db/json.ts';
import type { Db, Phase } from '../../db/types.ts';
import { type Server, type ServerRow, toServer } from '../server.ts';

/** A server with its owner's groups, for scopes that go by those. */
export interface OwnedServer {
  server: Server;
  groups: readonly string[];
}

/** Which servers are worth looking at. `live`: not stopped, or in trouble since then. */
export interface LiveFilter {
  state: 'live' | 'ready' | 'starting' | 'queued' | 'problem' | 'all';
  /** What ended in trouble before that is old news, ms. */
  since: number;
  ids?: readonly string[] | undefined;
  /** Part of the owner's name, in any case. */
  q?: string | undefined;
  /** Whose: names, and members of groups; everybody's without. */
  only?: { users: readonly string[]; groups: readonly string[]; servers: readonly string[] } | undefined;
  offset?: number | undefined;
  limit?: number | undefined;
}

/** SQLite takes so many values in one statement with room to spare. */
const TOGETHER = 500;

function selectLive(db: Db, { state, since, ids, q, only }: LiveFilter) {
  const troubled = sql<boolean>`(s.phase = 'stopped' and exists (select 1 from start_outcomes o
    where o.kind in ('failed', 'ended') and o.at >= ${since} and o.server_id = s.id and o.generation = s.generation))`;
  let query = db.selectFrom('servers as s').innerJoin('users as u', 'u.id', 's.user_id');
  if (state === 'live') query = query.where(({ or, eb }) => or([eb('s.phase', '<>', 'stopped'), troubled]));
  else if (state === 'problem') query = query.where(troubled);
  else if (state !== 'all') query = query.where('s.phase', '=', state satisfies Phase);
  if (ids) query = query.where('s.id', 'in', ids);
  if (q) query = query.where(sql<boolean>`lower(u.name) like ${likeOf(q)} escape '\\'`);
  if (only) {
    query = query.where(({ or, eb }) =>
      or([
        sql<boolean>`1 = 0`,
        ...(only.users.length > 0 ? [eb('u.name', 'in', only.users)] : []),
        ...(only.servers.length > 0 ? [eb(sql<string>`u.name || '/' || s.name`, 'in', only.servers)] : []),
        ...only.groups.map((group) => sql<boolean>`replace(u.groups, ${JSON.stringify(group)}, '') <> u.groups`),
      ]),
    );
  }
  return query;
}

const likeOf = (q: string) => `%${q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;

/** By owner, the default server first. */
export async function listLive(db: Db, filter: LiveFilter): Promise<OwnedServer[]> {
  if (filter.ids && filter.ids.length > TOGETHER) {
    const found: OwnedServer[] = [];
    for (let at = 0; at < filter.ids.length; at += TOGETHER) {
      found.push(...(await listLive(db, { ...filter, ids: filter.ids.slice(at, at + TOGETHER) })));
    }
    return found;
  }
  if (filter.ids?.length === 0 || /\p{Cc}/u.test(filter.q ?? '')) return [];
  const rows = await selectLive(db, filter)
    .selectAll('s')
    .select(['u.name as user_name', 'u.groups as user_groups'])
    .orderBy('u.name')
    .orderBy('s.name')
    .limit(filter.limit ?? 1_000_000)
    .offset(filter.offset ?? 0)
    .execute();
  return rows.map((row) => ({
    server: toServer(row as ServerRow),
    groups: fromJson<string[]>(row.user_groups) ?? [],
  }));
}

export async function countLive(db: Db, filter: LiveFilter): Promise<number> {
  if (/\p{Cc}/u.test(filter.q ?? '')) return 0;
  const row = await selectLive(db, filter)
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** What was created outside for servers that run: where to ask what they use. */
export async function listReadyRefs(db: Db): Promise<{ id: string; generation: number; ref: string }[]> {
  const rows = await db
    .selectFrom('servers')
    .select(['id', 'generation', 'ref'])
    .where('phase', '=', 'ready')
    .where('ref', 'is not', null)
    .execute();
  return rows.map((row) => ({ ...row, ref: row.ref ?? 'null' }));
}

/** When these were last active, for all that run. */
export async function listLastActivity(db: Db): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('servers')
    .select(['id', 'last_activity'])
    .where('phase', '=', 'ready')
    .where('last_activity', 'is not', null)
    .execute();
  return new Map(rows.map((row) => [row.id, row.last_activity ?? 0]));
}

/** How many servers are in each phase that any is in, but stopped. */
export async function countPhases(db: Db): Promise<Readonly<Record<Exclude<Phase, 'stopped'>, number>>> {
  const rows = await db
    .selectFrom('servers')
    .select(({ fn }) => ['phase', fn.countAll<number>().as('n')])
    .where('phase', '<>', 'stopped')
    .groupBy('phase')
    .execute();
  const of = (phase: Phase) => Number(rows.find((row) => row.phase === phase)?.n ?? 0);
  return { queued: of('queued'), starting: of('starting'), ready: of('ready'), stopping: of('stopping') };
}
