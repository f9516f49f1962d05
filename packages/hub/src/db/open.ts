import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, PostgresDialect } from 'kysely';
import { migrate } from './migrate.ts';
import { openingFault } from './opening-fault.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { lockSqlite } from './sqlite-lock.ts';
import type { Db, Tables } from './types.ts';

export interface OpenDatabase extends AsyncDisposable {
  readonly db: Db;
  readonly dialect: 'sqlite' | 'postgres';
  /** For LISTEN, which needs a connection of its own. Undefined on SQLite. */
  readonly url: string | undefined;
}

export interface OpenOptions {
  /** Take the one-hub lock of SQLite. Default true; the command line reads beside a running hub without it. */
  exclusive?: boolean;
}

/**
 * Opens and migrates. `where` is a `postgres://` URL or the absolute path of a SQLite file.
 * @throws HubError `misconfigured` when another hub has the file or the schema is newer than this program,
 * `database_unavailable` when it cannot be reached or read.
 */
export async function openDatabase(where: string, options: OpenOptions = {}): Promise<OpenDatabase> {
  try {
    return await (/^postgres(ql)?:/.test(where) ? openPostgres(where) : openSqlite(where, options.exclusive ?? true));
  } catch (error) {
    throw openingFault(where, error);
  }
}

async function openSqlite(file: string, exclusive: boolean): Promise<OpenDatabase> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const lock = exclusive ? lockSqlite(file) : undefined;
  const db = new Kysely<Tables>({ dialect: sqliteDialect(file) });
  const close = async () => {
    await db.destroy();
    lock?.[Symbol.dispose]();
  };
  try {
    // The cast: migrations build the tables, so they know of none.
    await migrate(db as unknown as Kysely<never>, 'sqlite');
  } catch (error) {
    await close();
    throw error;
  }
  return { db, dialect: 'sqlite', url: undefined, [Symbol.asyncDispose]: close };
}

async function openPostgres(url: string): Promise<OpenDatabase> {
  // Loaded only where it is used: a hub on SQLite never pays for it.
  const { default: pg } = await import('pg');
  const INT8 = 20;
  const types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
  };
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5_000, types });
  // An idle connection that the server closed must not end the hub; the next query reports the trouble.
  pool.on('error', () => {});
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db as unknown as Kysely<never>, 'postgres');
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { db, dialect: 'postgres', url, [Symbol.asyncDispose]: () => db.destroy() };
}
