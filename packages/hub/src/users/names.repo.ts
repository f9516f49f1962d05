import { type DialectAdapter, sql } from 'kysely';
import { isPostgres } from '../db/dialect.ts';
import { prepared } from '../db/prepared.ts';
import type { Db } from '../db/types.ts';
import { peopleVersion } from './people-version.repo.ts';
import { USER_COLUMNS, type UserRow } from './users.repo.ts';

export type NamesOrder = 'id' | 'name' | '-id' | '-name';

/** A page of those whose names have a text in them, and how many have it. */
export interface NamesFound {
  names: string[];
  total: number;
}

/** Beyond it names stay in the database: one text of all of them would be tens of megabytes. */
const MOST_NAMES = 200_000;

/** A page of them, and whether anybody asks how many there are. */
export interface NamesPage {
  sort: NamesOrder;
  offset: number;
  limit: number;
  total: boolean;
}

/** Everybody's name, one a line, in some order. */
class Names {
  readonly #text: string;
  /** The same in small letters, line by line. */
  readonly #small: string;
  /** Where each line begins in both, and where one more would. */
  readonly #starts: Uint32Array;
  readonly #smallStarts: Uint32Array;

  constructor(text: string, count: number) {
    this.#text = text;
    this.#small = text.toLowerCase();
    this.#starts = startsOf(this.#text, count);
    // A few letters become two when they are made small.
    this.#smallStarts = this.#small.length === text.length ? this.#starts : startsOf(this.#small, count);
  }

  /** @param part in small letters, without an end of a line */
  find(part: string, { sort, offset, limit, total }: NamesPage): NamesFound {
    const backwards = sort.startsWith('-');
    const enough = total || backwards ? Number.POSITIVE_INFINITY : offset + limit;
    const lines: number[] = [];
    for (let at = this.#small.indexOf(part); at !== -1 && lines.length < enough; ) {
      const line = this.#lineOf(at, lines.at(-1) ?? 0);
      lines.push(line);
      // A second time in the same name is not a second name.
      const next = this.#smallStarts[line + 1] ?? Number.POSITIVE_INFINITY;
      at = next > this.#small.length ? -1 : this.#small.indexOf(part, next);
    }
    if (backwards) lines.reverse();
    return { names: lines.slice(offset, offset + limit).map((line) => this.#nameAt(line)), total: lines.length };
  }

  #nameAt(line: number): string {
    return this.#text.slice(this.#starts[line], (this.#starts[line + 1] ?? 0) - 1);
  }

  /** The line of a place in the text that is not before that of `from`. In steps that grow, then by halves. */
  #lineOf(at: number, from: number): number {
    const start = (line: number) => this.#smallStarts[line] ?? Number.POSITIVE_INFINITY;
    let [low, step] = [from, 1];
    while (start(low + step) <= at) {
      low += step;
      step *= 2;
    }
    let high = low + step;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (start(middle) <= at) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Where each of so many lines begins. */
function startsOf(text: string, count: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  for (let line = 1; line < count; line += 1) starts[line] = text.indexOf('\n', starts[line - 1]) + 1;
  starts[count] = text.length + 1;
  return starts;
}

interface Known {
  version: number;
  names: Promise<Names | null>;
}

// Per database, as prepared queries are.
const known = new WeakMap<DialectAdapter, Map<'id' | 'name', Known>>();

/**
 * Who has a text in their name, found in memory. No index of a database has what a search of a list needs: texts of
 * one or two letters, the order, only the first of them, and how many there are; each of the four costs a look at
 * thousands of rows on a hub with fifty thousand people. Reading all names, as one text, costs about as much, and is done
 * again only when triggers say that people changed.
 *
 * @returns null when this is for the database to answer: inside a transaction, or of too many people.
 */
export async function findNames(db: Db, part: string, page: NamesPage): Promise<NamesFound | null> {
  if (db.isTransaction) return null;
  const order = page.sort.replace('-', '') as 'id' | 'name';
  const { adapter } = db.getExecutor();
  const orders = known.get(adapter) ?? new Map<'id' | 'name', Known>();
  known.set(adapter, orders);
  // Read first: names that are read after it may be newer than it says, and are then read once more.
  const version = await peopleVersion(db);
  let one = orders.get(order);
  if (one?.version !== version) {
    one = { version, names: readNames(db, order) };
    orders.set(order, one);
    // Who comes next tries again.
    one.names.catch(() => orders.delete(order));
  }
  const names = await one.names;
  return names?.find(part.toLowerCase(), page) ?? null;
}

const selectNames = {
  id: prepared((db, { most }: { most: number }) => allNames(db, 'id', most)),
  name: prepared((db, { most }: { most: number }) => allNames(db, 'name', most)),
};

/** As one value: fifty thousand rows take a driver longer to read than a database to find. */
function allNames(db: Db, order: 'id' | 'name', most: number) {
  const together = isPostgres(db)
    ? sql<string | null>`string_agg(name, chr(10))`
    : sql<string>`group_concat(name, char(10))`;
  return db
    .selectFrom(db.selectFrom('users').select('name').orderBy(order).limit(sql<number>`${most}`).as('ordered'))
    .select([({ fn }) => fn.countAll<number>().as('count'), together.as('text')]);
}

async function readNames(db: Db, order: 'id' | 'name'): Promise<Names | null> {
  const [row] = (await selectNames[order](db, { most: MOST_NAMES + 1 })).rows;
  const count = Number(row?.count ?? 0);
  if (count > MOST_NAMES) return null;
  const text = row?.text ?? '';
  // A name with an end of a line in it, which only another program can have written.
  if (count > 0 && text.split('\n').length !== count) return null;
  return new Names(text, count);
}

const selectNamed = prepared((db, { names }: { names: unknown }) => {
  const listed = isPostgres(db) ? sql`select unnest(${names}::text[])` : sql`select value from json_each(${names})`;
  return db.selectFrom('users').select(USER_COLUMNS).where(sql<boolean>`name in (${listed})`).$castTo<UserRow>();
});

/** The rows of these names, in their order; without those who went meanwhile. */
export async function usersNamed(db: Db, names: readonly string[]): Promise<UserRow[]> {
  if (names.length === 0) return [];
  const { rows } = await selectNamed(db, { names: isPostgres(db) ? names : JSON.stringify(names) });
  const byName = new Map(rows.map((row) => [row.name, row]));
  return names.flatMap((name) => byName.get(name) ?? []);
}
