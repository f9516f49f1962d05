import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { closedError, SqliteFile } from './sqlite-file.ts';

/** Kysely on Node's own SQLite: one connection, which all share (sqlite-file.ts). */
export function sqliteDialect(file: string): Dialect {
  const adapter = new OneHubAdapter();
  return {
    createAdapter: () => adapter,
    createDriver: () => new NodeSqliteDriver(file, adapter),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** What other programs write (none does while a hub runs, but for an operator with a mind to) is seen this much later. */
const LOOK_MS = 5;

/** Knows whether anything in the file has changed. */
export class OneHubAdapter extends SqliteAdapter {
  /** Statements of ours that may have changed something, and times that somebody else did. */
  writes = 0;
  /** SQLite's count of what other connections committed; undefined while the file is not open. */
  othersOf: (() => number) | undefined;
  /** For queries that need nothing of Kysely but their text (prepared.ts); undefined while it is not open. */
  file: SqliteFile | undefined;
  #others = 0;
  #lookedAt = -Infinity;

  /** Who waits for whom is the file's matter: Kysely's own lock wakes everybody who waits for it each time it is free. */
  override get supportsMultipleConnections(): true {
    return true;
  }

  /** While this stays the same, so does all that was read. */
  get version(): number {
    const now = performance.now();
    if (now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      const others = this.othersOf?.() ?? 0;
      if (others !== this.#others) this.writes += 1;
      this.#others = others;
    }
    return this.writes;
  }
}

class NodeSqliteDriver implements Driver {
  readonly #file: string;
  readonly #adapter: OneHubAdapter;
  #open: SqliteFile | undefined;

  constructor(file: string, adapter: OneHubAdapter) {
    this.#file = file;
    this.#adapter = adapter;
  }

  async init(): Promise<void> {
    // Durable enough: with WAL and NORMAL a power cut may lose the last transactions, never the database; a crash of
    // the hub loses nothing. An insert takes 19 µs instead of 177. Moving the log into the file waits for the disk and
    // holds everybody up: every 32 MiB rather than every 4, which is also less work, for the same pages change often.
    const settings = `pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;
      pragma busy_timeout = 5000; pragma temp_store = memory; pragma cache_size = -16000;
      pragma wal_autocheckpoint = 8000;`;
    this.#open = new SqliteFile(this.#file, settings, this.#adapter);
    this.#adapter.file = this.#open;
    const version = this.#open.pragma('data_version');
    this.#adapter.othersOf = () => Number(version());
  }

  async acquireConnection(): Promise<NodeSqliteConnection> {
    const wait = this.#open?.turn();
    if (wait) await wait;
    if (!this.#open) throw closedError();
    return new NodeSqliteConnection(this.#open);
  }

  async releaseConnection(): Promise<void> {}

  beginTransaction(connection: DatabaseConnection): Promise<void> {
    return fileOf(connection).begin(connection);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    fileOf(connection).commit(connection);
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    fileOf(connection).rollback(connection);
  }

  async destroy(): Promise<void> {
    this.#adapter.othersOf = undefined;
    this.#adapter.file = undefined;
    this.#open?.close();
    this.#open = undefined;
  }
}

/** Kysely hands back what it was given. */
const fileOf = (connection: DatabaseConnection): SqliteFile => (connection as NodeSqliteConnection).file;

/** A place among those who share the file: a query's, or a transaction's from its beginning to its end. */
class NodeSqliteConnection implements DatabaseConnection {
  readonly file: SqliteFile;

  constructor(file: SqliteFile) {
    this.file = file;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.file.execute(this, query);
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator; the hub never streams queries
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('Streaming queries are not used.');
  }
}
