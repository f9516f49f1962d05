import { HubError } from '@atrium/sdk';
import type { Row, SourceDatabase } from './database.ts';

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/**
 * The password comes from PGPASSWORD or ~/.pgpass: the URL has none.
 * @throws HubError `bad_request` when the database does not open.
 */
export async function openPostgresSource(url: string): Promise<SourceDatabase> {
  // Loaded only where it is used: most JupyterHubs are on SQLite.
  const { default: pg } = await import('pg');
  // Everything as PostgreSQL writes it: its times would otherwise be taken for local ones.
  const types = { getTypeParser: () => (text: string) => text };
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, types: types as never });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(`set datestyle to iso, ymd; set bytea_output to hex`);
    await client.query('begin transaction isolation level repeatable read, read only');
  } catch (cause) {
    await client.end().catch(() => {});
    const { host, pathname } = new URL(url);
    throw new HubError(
      'bad_request',
      `The database ${pathname.slice(1)} on ${host || 'this machine'} does not open: ${(cause as Error).message}.`,
      { cause },
    );
  }
  const ask = async (text: string) => (await client.query(text)).rows as Row[];
  return {
    tables: async () =>
      (await ask(`select table_name as name from information_schema.tables where table_schema = current_schema()`)).map(
        ({ name }) => String(name),
      ),
    rows: async (table) => ask(`select * from ${quoted(table)}`),
    count: async (table) => Number((await ask(`select count(*) as n from ${quoted(table)}`))[0]?.n),
    [Symbol.asyncDispose]: () => client.end(),
  };
}
