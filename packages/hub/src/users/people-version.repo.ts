import type { DialectAdapter } from 'kysely';
import { sql } from 'kysely';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';

/** Changes with everything that could change how many people a filter finds; kept by triggers, whoever writes. */
const selectVersion = prepared((db) =>
  db.selectFrom('people_versions').select(sql<number>`coalesce(sum(changes), 0)`.as('version')),
);

/** A number that was never the same before anything changed of who there is and what they are filtered by. */
export async function peopleVersion(db: Db): Promise<number> {
  const [row] = (await selectVersion(db, {})).rows;
  return Number(row?.version ?? 0);
}

interface Totals {
  version: number;
  known: Map<string, number>;
}

const MOST_KNOWN = 1_000;
// Per database, as prepared queries are.
const totals = new WeakMap<DialectAdapter, Totals>();

/**
 * How many people a filter finds, counted again only when somebody came, went or changed since it was counted last: on
 * a hub with fifty thousand, counting takes longer than all the rest of a page.
 */
export async function knownTotal(db: Db, filter: string, count: () => Promise<number>): Promise<number> {
  // What a transaction has done is nobody else's business.
  if (db.isTransaction) return count();
  const version = await peopleVersion(db);
  const { adapter } = db.getExecutor();
  let known = totals.get(adapter);
  // The version is read first: what is counted after it may be newer than it says, and is then counted once more.
  if (known?.version !== version) {
    known = { version, known: new Map() };
    totals.set(adapter, known);
  }
  let total = known.known.get(filter);
  if (total === undefined) {
    total = await count();
    if (known.known.size >= MOST_KNOWN) known.known.clear();
    known.known.set(filter, total);
  }
  return total;
}
