import type { Json, Store } from '@atrium/sdk';
import type { Db } from '../db/types.ts';

/** A plug-in's own small values, under its id. */
export function pluginStore(db: Db, plugin: string): Store {
  return {
    async get(key) {
      const row = await db
        .selectFrom('plugin_store')
        .select('value')
        .where('plugin', '=', plugin)
        .where('key', '=', key)
        .executeTakeFirst();
      return row && (JSON.parse(row.value) as Json);
    },
    async put(key, value) {
      const text = JSON.stringify(value);
      await db
        .insertInto('plugin_store')
        .values({ plugin, key, value: text })
        .onConflict((conflict) => conflict.columns(['plugin', 'key']).doUpdateSet({ value: text }))
        .execute();
    },
    async delete(key) {
      await db.deleteFrom('plugin_store').where('plugin', '=', plugin).where('key', '=', key).execute();
    },
  };
}
