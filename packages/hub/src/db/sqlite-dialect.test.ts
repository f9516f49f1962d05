import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from './open.ts';

let dir: string;
let opened: OpenDatabase;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'atrium-dialect-'));
  opened = await openDatabase(join(dir, 'hub.sqlite'));
});
afterEach(async () => {
  await opened[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const put = (db: OpenDatabase['db'], key: string) => db.insertInto('meta').values({ key, value: '' }).execute();
/** What another program finds in the file: what a killed hub would have left. */
function committed(): string[] {
  using file = new DatabaseSync(join(dir, 'hub.sqlite'));
  return file
    .prepare("select key from meta where key like 'k%' order by key")
    .all()
    .map(({ key }) => String(key));
}

test('a long chain of queries leaves the process its turns', async () => {
  let turns = 0;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);

  const until = performance.now() + 100;
  while (performance.now() < until) await opened.db.selectFrom('meta').selectAll().execute();
  clearImmediate(next);

  expect(turns).toBeGreaterThan(3);
});

describe('what is written at the same moment', () => {
  test('is committed when whoever wrote it goes on', async () => {
    const { db } = opened;
    const seen: Record<string, string[]> = {};
    const each = [
      put(db, 'k1').then(() => (seen.k1 = committed())),
      db
        .transaction()
        .execute(async (tx) => {
          await put(tx, 'k2');
          await put(tx, 'k3');
        })
        .then(() => (seen.k2 = seen.k3 = committed())),
      put(db, 'k4').then(() => (seen.k4 = committed())),
    ];
    await Promise.all(each);

    for (const [key, keys] of Object.entries(seen)) expect(keys).toContain(key);
    expect(Object.keys(seen)).toHaveLength(4);
  });

  test('does not share a failure: one statement, or one transaction, is undone alone', async () => {
    const { db } = opened;
    await put(db, 'k0');
    const outcomes = await Promise.allSettled([
      put(db, 'k1'),
      put(db, 'k0'),
      db.transaction().execute(async (tx) => {
        await put(tx, 'k2');
        throw new Error('changed my mind');
      }),
      db.transaction().execute(async (tx) => {
        await put(tx, 'k3');
        await put(tx, 'k0');
      }),
      db.transaction().execute((tx) => put(tx, 'k4')),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(committed()).toEqual(['k0', 'k1', 'k4']);
  });

  test('is there or not as each was told, when the disk is full', async () => {
    const { db } = opened;
    const { page_count } = (await sql<{ page_count: number }>`pragma page_count`.execute(db)).rows[0]!;
    await sql`pragma max_page_count = ${sql.lit(page_count + 8)}`.execute(db);
    const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
    const big = 'x'.repeat(2_000);
    const outcomes = await Promise.allSettled(
      keys.map((key, at) =>
        at % 3 === 0
          ? db.transaction().execute((tx) => tx.insertInto('meta').values({ key, value: big }).execute())
          : db.insertInto('meta').values({ key, value: big }).execute(),
      ),
    );
    const told = keys.filter((_, at) => outcomes[at]?.status === 'fulfilled');

    expect(told.length).toBeLessThan(keys.length);
    expect(committed()).toEqual(told.toSorted());
    // And it goes on when there is room again.
    await sql`pragma max_page_count = 1000000`.execute(db);
    await put(db, 'k99');
    expect(committed()).toContain('k99');
  });
});

test('nobody reads half a transaction, and all come to their turn', async () => {
  const { db } = opened;
  const count = async () => (await db.selectFrom('meta').select('key').where('key', 'like', 'k%').execute()).length;
  const rest = Promise.withResolvers<void>();
  const first = db.transaction().execute(async (tx) => {
    await put(tx, 'k1');
    await rest.promise;
    await put(tx, 'k2');
  });
  const counts = Promise.all(Array.from({ length: 50 }, count));
  const second = db.transaction().execute((tx) => put(tx, 'k3'));
  const later = count();
  setImmediate(() => rest.resolve());
  await Promise.all([first, second]);

  expect(new Set(await counts)).toEqual(new Set([2]));
  expect(await later).toBe(3);
});

test('closing undoes a transaction that is under way, and refuses whoever waits for it', async () => {
  const { db } = opened;
  const rest = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = db.transaction().execute(async (tx) => {
    await put(tx, 'k1');
    begun.resolve();
    await rest.promise;
    await put(tx, 'k2');
  });
  await begun.promise;
  const outcomes = Promise.allSettled([put(db, 'k3'), db.transaction().execute((tx) => put(tx, 'k4')), first]);
  await db.destroy();
  rest.resolve();

  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(committed()).toEqual([]);
});

test('a transaction waits for what was asked before it without holding it up', async () => {
  const { db } = opened;
  const written = put(db, 'k1');
  await db.transaction().execute(async (tx) => {
    await written;
    await put(tx, 'k2');
  });

  expect(committed()).toEqual(['k1', 'k2']);
});
