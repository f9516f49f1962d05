import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { prepared } from './prepared.ts';

const put = prepared((db, { key, value }: { key: string; value: string }) =>
  db.insertInto('meta').values({ key, value }),
);
const find = prepared((db, { key }: { key: string }) =>
  db.selectFrom('meta').selectAll().where('key', '=', key).where('value', '<>', 'never'),
);

describeOnDatabases('a prepared query', (open) => {
  test('takes its values anew each time, in transactions too', async () => {
    await using opened = await open();

    const { numAffectedRows } = await put(opened.db, { key: 'a', value: '1' });
    await opened.db.transaction().execute((tx) => put(tx, { key: 'b', value: '2' }));

    expect(numAffectedRows).toBe(1n);
    expect((await find(opened.db, { key: 'a' })).rows).toEqual([{ key: 'a', value: '1' }]);
    expect((await find(opened.db, { key: 'b' })).rows).toEqual([{ key: 'b', value: '2' }]);
    expect((await find(opened.db, { key: 'c' })).rows).toEqual([]);
  });

  test('that computes with a value is refused: it would keep the first one for ever', async () => {
    await using opened = await open();
    const wrong = prepared((db, { at }: { at: number }) =>
      db
        .selectFrom('sessions')
        .selectAll()
        .where('created', '<', at - 1),
    );

    expect(() => wrong(opened.db, { at: 5 })).toThrow(/must not look at at/);
  });
});
