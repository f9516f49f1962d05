import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { takeNumber } from './counters.repo.ts';
import { openDatabase } from './open.ts';

describeOnDatabases('the database', (open) => {
  test('opening it again keeps what is there', async () => {
    await using first = await open();
    await first.db.insertInto('meta').values({ key: 'a', value: 'kept' }).execute();
    const where = first.where;
    if (first.dialect === 'sqlite') await first.db.destroy();

    await using again = await openDatabase(where, { exclusive: false });

    expect(await again.db.selectFrom('meta').selectAll().execute()).toEqual([{ key: 'a', value: 'kept' }]);
  });

  test('a database of a newer program is refused, with what to do', async () => {
    await using opened = await open();
    await sql`update schema_version set version = 999`.execute(opened.db);

    await expect(openDatabase(opened.where, { exclusive: false })).rejects.toThrow(/schema 999.*restore a backup/s);
  });

  test('a failed transaction leaves nothing behind, and the next one works', async () => {
    await using opened = await open();
    const failing = opened.db.transaction().execute(async (tx) => {
      await tx.insertInto('meta').values({ key: 'half', value: '1' }).execute();
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');

    await opened.db.transaction().execute((tx) => tx.insertInto('meta').values({ key: 'whole', value: '1' }).execute());

    expect((await opened.db.selectFrom('meta').select('key').execute()).map((row) => row.key)).toEqual(['whole']);
  });

  test('numbers of the reserved range are never given twice, however many ask at once', async () => {
    await using opened = await open();

    const given = await Promise.all(Array.from({ length: 20 }, () => takeNumber(opened.db, 'uid')));

    expect(new Set(given).size).toBe(20);
    expect(Math.min(...given)).toBe(1_900_001_000);
  });
});

test('a second hub on one SQLite file is refused with an explanation, and let in when the first is gone', async () => {
  const { mkdtempSync } = await import('node:fs');
  const file = `${mkdtempSync('/tmp/atrium-lock-')}/hub.sqlite`;
  const first = await openDatabase(file);

  await expect(openDatabase(file)).rejects.toThrow(/Another hub already uses the database.*PostgreSQL/s);
  await first[Symbol.asyncDispose]();

  await using second = await openDatabase(file);
  expect(second.dialect).toBe('sqlite');
});

test('a database that cannot be opened is named, without its password', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-db-'));
  const file = join(dir, 'text');
  writeFileSync(file, 'This is no database. '.repeat(100));

  const refused = (where: string) => openDatabase(where).then(String, ({ message }: Error) => message);

  expect(await refused('postgres://ada:hunter2@127.0.0.1:1/hub')).toBe(
    'The database 127.0.0.1:1/hub cannot be opened: connect ECONNREFUSED 127.0.0.1:1',
  );
  expect(await refused(file)).toBe(`The database ${file} cannot be opened: file is not a database`);
  expect(await refused(join(file, 'below'))).toContain('below cannot be opened: ');
  rmSync(dir, { recursive: true });
});
