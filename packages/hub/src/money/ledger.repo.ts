import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import { fromJson } from '../db/json.ts';
import { prepared } from '../db/prepared.ts';
import type { Db, MetersTable } from '../db/types.ts';
import type { Period } from './period.ts';
import type { Stretch } from './sum.ts';

/** One row of the ledger. */
export interface Entry extends Stretch {
  key: string;
  source: 'hub' | 'plugin';
  what: string;
  serverId: string | null;
  /** '' for the default server; null when it belongs to no server. */
  serverName: string | null;
  userName: string | null;
  /** The person's groups when it began. */
  groups: string[];
}

function toEntry(row: Selectable<MetersTable>): Entry {
  return {
    key: row.key,
    source: row.source === 'hub' ? 'hub' : 'plugin',
    kind: row.kind,
    what: row.what,
    serverId: row.server_id,
    serverName: row.server_name,
    userName: row.user_name,
    groups: fromJson<string[]>(row.groups) ?? [],
    nanoPerHour: row.nano_per_hour,
    since: row.since,
    until: row.until,
    minimumMs: row.minimum_ms,
  };
}

type NewRow = Omit<Entry, 'groups'> & { groups: string; now: number };

const upsert = prepared((db, row: NewRow) =>
  db
    .insertInto('meters')
    .values({
      key: row.key,
      source: row.source,
      kind: row.kind,
      what: row.what,
      server_id: row.serverId,
      server_name: row.serverName,
      user_name: row.userName,
      groups: row.groups,
      nano_per_hour: row.nanoPerHour,
      since: row.since,
      until: row.until,
      minimum_ms: row.minimumMs,
      seen: row.now,
    })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet({
        what: sql.ref('excluded.what'),
        // A price that was not known may become known; one that was is not forgotten.
        nano_per_hour: sql`coalesce(excluded.nano_per_hour, meters.nano_per_hour)`,
        // Who it is for may be learned later (a spare that is adopted); groups are those of that moment.
        groups: sql`case when meters.user_name is null then excluded.groups else meters.groups end`,
        server_id: sql`coalesce(meters.server_id, excluded.server_id)`,
        server_name: sql`coalesce(meters.server_name, excluded.server_name)`,
        user_name: sql`coalesce(meters.user_name, excluded.user_name)`,
        // What ended stays ended: a late report of a growing stretch does not open it again.
        until: sql`coalesce(meters.until, excluded.until)`,
        minimum_ms: sql.ref('excluded.minimum_ms'),
        seen: sql.ref('excluded.seen'),
      }),
    ),
);

/** One row per key: the first report makes it, later ones let it grow or end it. */
export async function putEntry(db: Db, { groups, ...entry }: Entry, now: number): Promise<void> {
  await upsert(db, { ...entry, groups: JSON.stringify(groups), now });
}

const close = prepared((db, { run, compute, until }: { run: string; compute: string; until: number }) =>
  db
    .updateTable('meters')
    .set({ until })
    .where(({ or, eb }) => or([eb('key', '=', run), eb('key', '=', compute)]))
    .where('until', 'is', null),
);

/** Keys of what the hub itself counts of one start: its hours, and its money. */
export function runKeys(serverId: string, generation: number): { run: string; compute: string } {
  return { run: `run/${serverId}.${generation}`, compute: `compute/${serverId}.${generation}` };
}

/** Ends what the hub itself counts of one start. */
export async function closeEntries(db: Db, serverId: string, generation: number, until: number): Promise<void> {
  await close(db, { ...runKeys(serverId, generation), until });
}

/** Rows that touch the period, of one person or of all. What has a minimum may reach beyond its end. */
export async function listEntries(db: Db, period: Period, userName?: string): Promise<Entry[]> {
  let query = db
    .selectFrom('meters')
    .selectAll()
    .where('since', '<', period.to)
    .where(({ or, eb }) =>
      or([eb('until', 'is', null), eb('until', '>', period.from), sql<boolean>`since + minimum_ms > ${period.from}`]),
    );
  if (userName !== undefined) query = query.where('user_name', '=', userName);
  return (await query.orderBy('since').orderBy('key').execute()).map(toEntry);
}

/** What the hub counts as still running. */
export async function listOpenRuns(db: Db): Promise<Entry[]> {
  const rows = await db
    .selectFrom('meters')
    .selectAll()
    .where('source', '=', 'hub')
    .where('until', 'is', null)
    .execute();
  return rows.map(toEntry);
}

/** Ends what the spawner counted and no longer reports: it said everything of the last hour, and this was not there. */
export async function closeUnseen(db: Db, before: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('meters')
    .set({ until: sql`seen` })
    .where('source', '=', 'plugin')
    .where('until', 'is', null)
    .where('seen', '<', before)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}
