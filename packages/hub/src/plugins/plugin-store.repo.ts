import type { Json, Store } from '@atrium/sdk';
import { sql } from 'kysely';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

interface Entry {
  plugin: string;
  key: string;
  value: string;
}

const select = prepared((db, { plugin, key }: Omit<Entry, 'value'>) =>
  db.selectFrom('plugin_store').select('value').where('plugin', '=', plugin).where('key', '=', key),
);

const upsert = prepared((db, { plugin, key, value }: Entry) =>
  db
    .insertInto('plugin_store')
    .values({ plugin, key, value })
    .onConflict((conflict) => conflict.columns(['plugin', 'key']).doUpdateSet({ value })),
);

const updateSeen = prepared((db, { plugin, key, value, seen }: Entry & { seen: string }) =>
  db
    .updateTable('plugin_store')
    .set({ value })
    .where('plugin', '=', plugin)
    .where('key', '=', key)
    .where('value', '=', seen),
);

/** A plug-in's own small values, under its id. */
export function pluginStore(db: Db, plugin: string): Store {
  return {
    async get(key) {
      const [row] = (await select(db, { plugin, key })).rows;
      return row && (JSON.parse(row.value) as Json);
    },
    async put(key, value) {
      await upsert(db, { plugin, key, value: JSON.stringify(value) });
    },
    async delete(key) {
      await db.deleteFrom('plugin_store').where('plugin', '=', plugin).where('key', '=', key).execute();
    },
    async claim(key, value) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('plugin_store')
        .values({ plugin, key, value: JSON.stringify(value) })
        .onConflict((conflict) => conflict.columns(['plugin', 'key']).doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 1n;
    },
    async swap(key, seen, value) {
      // The text is what JSON.stringify wrote, and parsing keeps the order of keys: writing it again gives the same.
      const text = { value: JSON.stringify(value), seen: JSON.stringify(seen) };
      return (await updateSeen(db, { plugin, key, ...text })).numAffectedRows === 1n;
    },
    async entries(prefix) {
      const rows = await db
        .selectFrom('plugin_store')
        .select(['key', 'value'])
        .where('plugin', '=', plugin)
        // Not LIKE: `_` and `%` are ordinary characters in names.
        .where(sql<string>`substr(key, 1, ${sql.lit(prefix.length)})`, '=', prefix)
        .execute();
      return rows
        .toSorted((a, b) => (a.key < b.key ? -1 : 1))
        .map(({ key, value }) => [key, JSON.parse(value) as Json] as const);
    },
  };
}
