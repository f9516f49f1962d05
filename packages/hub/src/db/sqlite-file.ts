import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setImmediate } from 'node:timers';
import type { CompiledQuery, QueryResult } from 'kysely';

/** How many prepared statements are kept; the hub has fewer distinct queries than this. */
const STATEMENT_CACHE = 500;
/**
 * Queries here never wait for anything, so a chain of them would run to its end before a socket is looked at again.
 * After this long, ms, the rest of the process has its turn.
 */
const TURN_MS = 5;

interface Prepared {
  statement: StatementSync;
  /** It answers rows. Asking the statement each time costs as much as many a query. */
  answers: boolean;
  /** It certainly changes nothing. */
  reads: boolean;
}

/** Tells who may have read something that it is no longer so. */
interface Watcher {
  /** Statements that may have changed something. */
  writes: number;
}

interface Waiting {
  go(): void;
  refuse(error: Error): void;
}

export const closedError = () => new Error('The database is closed.');

/**
 * An SQLite file with one connection, which many share. A transaction has it alone; everybody else waits in the order
 * they came, so that nobody reads half of it, and only the next is woken when it is over: with a class waiting, waking all
 * for one of them to go on costs more than what they wait for.
 */
export class SqliteFile {
  readonly #db: DatabaseSync;
  readonly #watcher: Watcher;
  readonly #statements = new Map<string, Prepared>();
  readonly #own: Readonly<Record<'begin' | 'commit' | 'rollback', StatementSync>>;
  /** Whose transaction is under way. */
  #holder: object | undefined;
  readonly #waiting: Waiting[] = [];
  /** When the present turn of the event loop asked first; undefined before it did. */
  #turn: number | undefined;
  /** It goes on with those who wait in the next turn of the event loop. */
  #resting = false;

  constructor(file: string, settings: string, watcher: Watcher) {
    this.#db = new DatabaseSync(file);
    this.#db.exec(settings);
    this.#watcher = watcher;
    this.#own = {
      begin: this.#db.prepare('begin immediate'),
      commit: this.#db.prepare('commit'),
      rollback: this.#db.prepare('rollback'),
    };
  }

  /** Reads a pragma that is asked for often. */
  pragma(name: string): () => unknown {
    const statement = this.#db.prepare(`pragma ${name}`);
    return () => statement.get()?.[name];
  }

  /** What is not committed is undone; whoever waits or asks later gets an error. */
  close(): void {
    this.#db.close();
    for (const { refuse } of this.#waiting.splice(0)) refuse(closedError());
  }

  /** Undefined when it may go on at once; else it resolves when this turn of the event loop, which was long, is over. */
  turn(): Promise<void> | undefined {
    if (this.#turn === undefined) {
      this.#turn = performance.now();
      setImmediate(() => {
        this.#turn = undefined;
      });
    } else if (performance.now() - this.#turn > TURN_MS) {
      return new Promise((resolve) => setImmediate(() => resolve()));
    }
    return undefined;
  }

  /** A query that is no part of a transaction. */
  async executeAlone<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const wait = this.turn();
    if (wait) await wait;
    return this.#inOrder(() => this.#run<Row>(query));
  }

  /** @param by whose transaction it belongs to, if they have one */
  async execute<Row>(by: object, query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#holder === by ? this.#run(query) : this.#inOrder(() => this.#run<Row>(query));
  }

  async begin(by: object): Promise<void> {
    await this.#inOrder(() => {
      this.#own.begin.run();
      this.#holder = by;
    });
  }

  commit(by: object): void {
    if (this.#holder !== by) throw new Error('This transaction is over.');
    // When it cannot be, whoever asked for it undoes it.
    this.#own.commit.run();
    this.#release();
  }

  rollback(by: object): void {
    if (this.#holder !== by) return;
    try {
      // A failed statement (disk full) may have ended it already, closing the file has.
      if (this.#db.isOpen && this.#db.isTransaction) this.#own.rollback.run();
    } finally {
      this.#watcher.writes += 1;
      this.#release();
    }
  }

  #inOrder<Result>(act: () => Result): Result | Promise<Result> {
    if (!this.#db.isOpen) throw closedError();
    if (this.#holder === undefined && this.#waiting.length === 0) return act();
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const go = () => {
      try {
        resolve(act());
      } catch (error) {
        reject(error);
      }
    };
    this.#waiting.push({ go, refuse: reject });
    return promise;
  }

  #release(): void {
    this.#holder = undefined;
    if (!this.#resting) this.#goOn();
  }

  /** Those who waited, in order, until one of them begins a transaction. */
  #goOn(): void {
    const since = performance.now();
    this.#resting = false;
    while (this.#holder === undefined) {
      if (performance.now() - since > TURN_MS) {
        this.#resting = true;
        setImmediate(() => this.#goOn());
        return;
      }
      const next = this.#waiting.shift();
      if (!next) return;
      next.go();
    }
  }

  #run<Row>(query: CompiledQuery): QueryResult<Row> {
    const { statement, answers, reads } = this.#prepare(query.sql);
    if (!reads) this.#watcher.writes += 1;
    const parameters = query.parameters as SQLInputValue[];
    if (answers) return { rows: statement.all(...parameters) as Row[] };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  #prepare(text: string): Prepared {
    const known = this.#statements.get(text);
    if (known) return known;
    if (this.#statements.size >= STATEMENT_CACHE) this.#statements.clear();
    const statement = this.#db.prepare(text);
    const prepared = { statement, answers: statement.columns().length > 0, reads: /^\s*select\b/i.test(text) };
    this.#statements.set(text, prepared);
    return prepared;
  }
}
