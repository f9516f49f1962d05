import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { HubError } from '@atrium/sdk';
import type { Row, SourceDatabase } from './database.ts';

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** @throws HubError `bad_request` when there is no such file, or none that SQLite can read. */
export function openSqliteSource(file: string): SourceDatabase {
  if (!existsSync(file)) throw new HubError('bad_request', `There is no file ${file}.`);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
    // A JupyterHub that runs may go on writing: what is read is of one moment.
    db.exec('begin');
    db.prepare('select count(*) from sqlite_master').get();
  } catch (cause) {
    db?.close();
    throw new HubError('bad_request', `${file} cannot be read as a SQLite database: ${(cause as Error).message}.`, {
      cause,
    });
  }
  const open = db;
  return {
    tables: async () =>
      open
        .prepare(`select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'`)
        .all()
        .map(({ name }) => String(name)),
    rows: async (table) => open.prepare(`select * from ${quoted(table)}`).all() as Row[],
    count: async (table) => Number(open.prepare(`select count(*) as n from ${quoted(table)}`).get()?.n),
    [Symbol.asyncDispose]: async () => open.close(),
  };
}
