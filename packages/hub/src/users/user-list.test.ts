import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { openDatabase } from '../db/open.ts';
import { listUsers } from './user-list.repo.ts';
import { insertUser } from './users.repo.ts';

test.skipIf(!hasPostgres)('where PostgreSQL lets nobody add an extension, people are found all the same', async () => {
  await using place = await testDatabase();
  const role = `tenant_${randomBytes(6).toString('hex')}`;
  const owner = await openDatabase(place.url);
  await using _ = {
    async [Symbol.asyncDispose]() {
      await sql.raw(`drop owned by ${role}; drop role ${role}`).execute(owner.db);
      await owner[Symbol.asyncDispose]();
    },
  };
  // A schema of its own in somebody else's database, as some providers give it.
  const grant = `create role ${role} login; create schema ${role} authorization ${role};
    alter role ${role} set search_path = ${role}`;
  await sql.raw(`drop extension pg_trgm cascade; ${grant}`).execute(owner.db);
  const url = new URL(place.url);
  url.username = role;

  await using opened = await openDatabase(url.href);
  const { rows } = await sql`select 1 from pg_extension where extname = 'pg_trgm'`.execute(opened.db);
  for (const name of ['ada', 'bob', 'Gwendolyn']) await insertUser(opened.db, { name, now: 0 });

  expect(rows).toEqual([]);
  expect((await listUsers(opened.db, { nameFilter: 'WEND' })).users.map(({ name }) => name)).toEqual(['Gwendolyn']);
  expect((await listUsers(opened.db, { nameFilter: 'b' })).total).toBe(1);
});
