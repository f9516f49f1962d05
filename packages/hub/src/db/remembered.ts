import type { DialectAdapter } from 'kysely';
import { OneHubAdapter } from './sqlite-dialect.ts';
import type { Db } from './types.ts';

interface Memory<Value> {
  version: number;
  values: Map<string | number, Value>;
}

/**
 * Remembers what was read of SQLite until anything is written, and not a moment longer: what is given is exactly what
 * the database would say (of writes of another program, a moment later). Of requests that come in a burst, all but the
 * first are spared their look-ups. PostgreSQL cannot say so for nothing and is always asked, and so is a transaction.
 *
 * What is remembered is handed to many: nobody may change it.
 */
export function remembered<Value>(
  most: number,
): (db: Db, key: string | number, read: () => Promise<Value>) => Promise<Value> {
  const memories = new WeakMap<DialectAdapter, Memory<Value>>();
  return async (db, key, read) => {
    const { adapter } = db.getExecutor();
    if (!(adapter instanceof OneHubAdapter) || db.isTransaction) return read();
    const before = adapter.version;
    let memory = memories.get(adapter);
    if (memory?.version === before) {
      const known = memory.values.get(key);
      if (known !== undefined) return known;
    }
    const value = await read();
    // Something was written meanwhile, perhaps after this was read.
    if (adapter.version !== before || value === undefined) return value;
    if (memory?.version !== before) {
      memory = { version: before, values: new Map() };
      memories.set(adapter, memory);
    }
    if (memory.values.size >= most) memory.values.clear();
    memory.values.set(key, value);
    return value;
  };
}
