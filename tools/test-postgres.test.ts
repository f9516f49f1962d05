import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { hasPostgres, testDatabase } from './test-postgres.ts';

describe.skipIf(!hasPostgres)('PostgreSQL for the tests', () => {
  test('each caller gets an empty database of its own, gone afterwards', async () => {
    let url: string;
    {
      await using one = await testDatabase();
      await using other = await testDatabase();
      url = one.url;
      const client = new Client({ connectionString: one.url });
      await client.connect();
      await client.query('create table seen (n int)');
      const { rows } = await client.query('select count(*)::int as n from pg_tables where tablename = $1', ['seen']);
      await client.end();

      expect(rows).toEqual([{ n: 1 }]);
      expect(other.url).not.toBe(one.url);
    }

    await expect(new Client({ connectionString: url }).connect()).rejects.toThrow('does not exist');
  });
});
