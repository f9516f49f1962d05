import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { remembered } from './remembered.ts';

describeOnDatabases('what is remembered', (open) => {
  test('is what the database says, after every write and in every transaction', async () => {
    await using opened = await open();
    const { db } = opened;
    const memory = remembered<string | undefined>(10);
    let reads = 0;
    const read = (from = db) =>
      memory(from, 'a', async () => {
        reads += 1;
        return (await from.selectFrom('meta').select('value').where('key', '=', 'a').executeTakeFirst())?.value;
      });
    const write = (value: string, to = db) =>
      to
        .insertInto('meta')
        .values({ key: 'a', value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .returning('value')
        .execute();

    expect(await read()).toBeUndefined();
    await write('1');
    expect([await read(), await read()]).toEqual(['1', '1']);
    await db.updateTable('meta').set({ value: '2' }).where('key', '=', 'a').execute();
    expect([await read(), await read()]).toEqual(['2', '2']);
    await db.transaction().execute(async (tx) => {
      await write('3', tx);
      expect(await read(tx)).toBe('3');
    });
    expect(await read()).toBe('3');
    const undone = db.transaction().execute(async (tx) => {
      await write('4', tx);
      expect(await read(tx)).toBe('4');
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await read()).toBe('3');
    await db.deleteFrom('meta').where('key', '=', 'a').execute();
    expect(await read()).toBeUndefined();
    // Nothing there is not remembered.
    expect(reads).toBe(opened.dialect === 'sqlite' ? 8 : 10);
  });

  test('is forgotten when another program writes to the file', async () => {
    await using opened = await open();
    const { db, dialect, where } = opened;
    if (dialect !== 'sqlite') return;
    const memory = remembered<string>(10);
    const read = () =>
      memory(db, 'hub', async () => {
        const row = await db.selectFrom('meta').select('value').where('key', '=', 'hub').executeTakeFirstOrThrow();
        return row.value;
      });
    await db.insertInto('meta').values({ key: 'hub', value: 'before' }).execute();
    expect([await read(), await read()]).toEqual(['before', 'before']);

    const other = new DatabaseSync(where);
    other.exec(`update meta set value = 'after' where key = 'hub'`);
    other.close();

    await expect.poll(read, { timeout: 20_000 }).toBe('after');
  });
});
