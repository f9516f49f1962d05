import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { type OpenDatabase, openDatabase } from '../packages/hub/src/db/open.ts';
import { hasPostgres, testDatabase } from './test-postgres.ts';

/** An empty, migrated database; `where` opens it again. */
export type TestOpen = () => Promise<OpenDatabase & { where: string }>;

/** Runs the same tests on SQLite and on a real PostgreSQL (style: every query runs on every database). */
export function describeOnDatabases(name: string, body: (open: TestOpen) => void): void {
  describe(`${name} on sqlite`, () => body(openSqlite));
  describe.skipIf(!hasPostgres)(`${name} on postgres`, () => body(openPostgres));
}

async function openSqlite(): ReturnType<TestOpen> {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-db-'));
  const where = join(dir, 'hub.sqlite');
  return disposing(await openDatabase(where), where, async () => rmSync(dir, { recursive: true, force: true }));
}

async function openPostgres(): ReturnType<TestOpen> {
  const database = await testDatabase();
  return disposing(await openDatabase(database.url), database.url, () => database[Symbol.asyncDispose]());
}

function disposing(opened: OpenDatabase, where: string, after: () => PromiseLike<void>): Awaited<ReturnType<TestOpen>> {
  return {
    ...opened,
    where,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await after();
    },
  };
}
