import { sql } from 'kysely';
import { fromJson } from '../db/json.ts';
import type { Db } from '../db/types.ts';

/**
 * What is made again by itself, is over in minutes, or means something to this installation alone. Everything else goes
 * out, also what a later version adds.
 */
const STAYS = new Set([
  'acme_accounts',
  'acme_certificates',
  'acme_challenges',
  'active_marks',
  'barred_tokens',
  'config_members',
  'counters',
  'kysely_migration',
  'leases',
  'legacy_logins',
  'login_throttle',
  'oauth_codes',
  'one_time_links',
  'people_versions',
  'routes',
  'schema_version',
  'server_events',
  'sessions',
  'sqlite_sequence',
  'used_logins',
]);

/** SQLite keeps its index of people's names in tables of its own. */
const INDEX = /^user_names(_|$)/;

/** Columns that are for this hub alone: sealed with its key, or of one start. */
const NOT_SAID = new Set(['cookie_secret', 'lease_owner', 'lease_until', 'next_poll', 'address', 'attempt']);

export type ExportRow = { [column: string]: unknown };

/** Every table and its rows; inside a transaction, all of one moment. */
export async function readTables(db: Db): Promise<{ table: string; rows: ExportRow[] }[]> {
  const tables = (await db.introspection.getTables({ withInternalKyselyTables: false }))
    .map(({ name }) => name)
    .filter((name) => !STAYS.has(name) && !INDEX.test(name))
    .sort();
  const read: { table: string; rows: ExportRow[] }[] = [];
  for (const table of tables) {
    const { rows } = await sql<ExportRow>`select * from ${sql.table(table)}`.execute(db);
    read.push({ table, rows: rows.map(readable) });
  }
  return read;
}

/** JSON that is kept as text goes out as JSON. */
function readable(row: ExportRow): ExportRow {
  const said = Object.entries(row).filter(([column]) => !NOT_SAID.has(column));
  return Object.fromEntries(said.map(([column, value]) => [column, plain(value)]));
}

function plain(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  return fromJson(value) ?? value;
}
