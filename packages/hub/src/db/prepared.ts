import type { Compilable, CompiledQuery, DialectAdapter, QueryResult } from 'kysely';
import { OneHubAdapter } from './sqlite-dialect.ts';
import type { Db } from './types.ts';

/** Stands in a compiled query where a value belongs that is known only when it runs. */
class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  [Symbol.toPrimitive](): never {
    throw new TypeError(`A prepared query must not look at ${this.name}: it is known only when it runs.`);
  }
}

const SLOTS = new Proxy({}, { get: (_, name) => new Slot(String(name)) });

/**
 * A query that is built and compiled once and from then on only given its values: for what every request or every
 * start asks, where building costs more than running. `build` puts each value where a parameter goes and must not
 * look at it: no arithmetic, no condition, no list. What never changes and stands in an index's own condition (a phase)
 * is better written as `sql.lit`: for a parameter there, SQLite thinks the whole statement over again each time.
 */
export function prepared<Values extends object, Row>(
  build: (db: Db, values: Values) => Compilable<Row>,
): (db: Db, values: Values) => Promise<QueryResult<Row>> {
  // Per database, because the two speak differently; transactions share their database's.
  const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>();
  return (db, values) => {
    const { adapter } = db.getExecutor();
    let query = compiled.get(adapter);
    if (!query) {
      query = build(db, SLOTS as Values).compile();
      compiled.set(adapter, query);
    }
    const parameters = query.parameters.map((value) =>
      value instanceof Slot ? values[value.name as keyof Values] : value,
    );
    const ready = { ...query, parameters };
    // Kysely's way there is a dozen promises long, and costs more than SQLite's own work.
    if (adapter instanceof OneHubAdapter && adapter.file && !db.isTransaction) return adapter.file.executeAlone(ready);
    return db.executeQuery(ready);
  };
}
