import { type SelectQueryBuilder, sql } from 'kysely';
import { isPostgres } from '../db/dialect.ts';
import { prepared } from '../db/prepared.ts';
import type { Db, Tables, UsersTable } from '../db/types.ts';
import { findNames, type NamesOrder, usersNamed } from './names.repo.ts';
import { knownTotal } from './people-version.repo.ts';
import { toUser, USER_COLUMNS, type User, type UserRow } from './users.repo.ts';

export interface UserFilter {
  state?: 'ready' | 'active' | 'inactive' | undefined;
  /** Case-insensitive substring. */
  nameFilter?: string | undefined;
  /** Only these names (a filtered scope). */
  names?: readonly string[] | undefined;
  /** Members of these groups too, beside `names`. */
  groups?: readonly string[] | undefined;
  /** Only people who are in any group. */
  inGroups?: true | undefined;
  /** Only members of this group. */
  inGroup?: string | undefined;
  /** Only people waiting for approval, or only the others; and so on. */
  pending?: boolean | undefined;
  blocked?: boolean | undefined;
  admin?: boolean | undefined;
  sort?: UserSort | undefined;
  offset?: number | undefined;
  limit?: number | undefined;
  /** False: nobody asks how many there are, so they are not counted, and `total` is 0. */
  total?: boolean | undefined;
}

export type UserSort = 'id' | 'name' | 'last_activity' | '-id' | '-name' | '-last_activity';

/** What a filter is made of besides its values: filters of one kind are one prepared query. */
interface Shape {
  search: 'none' | 'impossible' | 'index' | 'trigrams' | 'scan';
  only: boolean;
  state: UserFilter['state'] | null;
  inGroups: boolean;
  inGroup: boolean;
  flags: readonly (readonly ['pending' | 'blocked' | 'admin', 0 | 1])[];
}

/** The values that go into it; those that its shape does not have are not looked at. */
interface Values {
  pattern: string;
  phrase: string;
  names: string;
  groups: string;
  group: string;
  limit: number;
  offset: number;
}

type Query = SelectQueryBuilder<Tables & { u: UsersTable }, 'u', object>;

/** Shorter texts than these have no place in an index of three letters each. */
const INDEXED = 3;
const FLAGS = ['pending', 'blocked', 'admin'] as const;

function shapeOf(db: Db, { nameFilter, names, groups, state, inGroups, inGroup, ...flags }: UserFilter): Shape {
  return {
    search: searchOf(db, nameFilter),
    only: names !== undefined || groups !== undefined,
    state: state ?? null,
    inGroups: inGroups ?? false,
    inGroup: inGroup !== undefined,
    flags: FLAGS.flatMap((flag) => {
      const wanted = flags[flag];
      return wanted === undefined ? [] : [[flag, wanted ? 1 : 0] as const];
    }),
  };
}

function searchOf(db: Db, text: string | undefined): Shape['search'] {
  if (!text) return 'none';
  // No name has any, and neither database takes every one of them.
  if (/\p{Cc}/u.test(text)) return 'impossible';
  if ([...text].length < INDEXED) return 'scan';
  return isPostgres(db) ? 'trigrams' : 'index';
}

function valuesOf({ nameFilter = '', names = [], groups = [], inGroup = '', limit, offset }: UserFilter): Values {
  return {
    pattern: `%${nameFilter.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`,
    phrase: `"${nameFilter.replaceAll('"', '""')}"`,
    names: JSON.stringify(names),
    groups: JSON.stringify(groups.map((group) => JSON.stringify(group))),
    group: JSON.stringify(inGroup),
    limit: limit ?? 1_000_000,
    offset: offset ?? 0,
  };
}

/** The filter on a query of users. Looks at none of the values. */
function narrow(db: Db, query: Query, shape: Shape, values: Values): Query {
  const { search, only, state, inGroups, inGroup, flags } = shape;
  const list = (text: string) =>
    isPostgres(db) ? sql`json_array_elements_text(${text}::json) as listed(value)` : sql`json_each(${text}) as listed`;
  // A name inside a JSON list, quotes and all, cannot be part of another. `like` would ignore case on SQLite.
  const has = (group: unknown) => sql<boolean>`replace(u.groups, ${group}, '') <> u.groups`;
  let narrowed = query;
  if (search === 'impossible') narrowed = narrowed.where(sql<boolean>`1 = 0`);
  if (search === 'index') {
    const found = sql`select rowid from user_names where user_names match ${values.phrase}`;
    narrowed = narrowed.where(sql<boolean>`u.id in (${found})`);
  }
  if (search === 'scan' || search === 'trigrams')
    narrowed = narrowed.where(sql<boolean>`lower(u.name) like ${values.pattern} escape '\\'`);
  if (only) {
    const named = sql`u.name in (select listed.value from ${list(values.names)})`;
    const member = sql`exists (select 1 from ${list(values.groups)} where ${has(sql.raw('listed.value'))})`;
    narrowed = narrowed.where(sql<boolean>`(${named} or ${member})`);
  }
  if (inGroups) narrowed = narrowed.where('u.groups', '<>', '[]');
  if (inGroup) narrowed = narrowed.where(has(values.group));
  for (const [flag, wanted] of flags) narrowed = narrowed.where(`u.${flag}`, '=', sql.lit(wanted));
  if (state) {
    const phases = state === 'ready' ? (['ready'] as const) : (['queued', 'starting', 'ready', 'stopping'] as const);
    const owners = db.selectFrom('servers').select('user_id').where('phase', 'in', phases);
    narrowed = narrowed.where('u.id', state === 'inactive' ? 'not in' : 'in', owners);
  }
  return narrowed;
}

function buildPage(shape: Shape, sort: UserSort) {
  const key = sort.replace('-', '') as 'id' | 'name' | 'last_activity';
  const direction = sort.startsWith('-') ? 'desc' : 'asc';
  const columns = USER_COLUMNS.map((column) => `u.${column}` as const);
  return prepared((db, values: Values) => {
    const found = narrow(db, db.selectFrom('users as u'), shape, values);
    const limit = sql<number>`${values.limit}`;
    const offset = sql<number>`${values.offset}`;
    // PostgreSQL takes those whom a text finds to lie evenly in any order, walks that order and stops at the last of the
    // page. All who have a first name lie together, mostly far down: then it has looked up nearly everybody.
    let query = found.select(columns);
    if (shape.search === 'trigrams') {
      // The cast: it has the columns of the table that it stands for.
      query = db
        .with(
          (cte) => cte('u').materialized(),
          () => found.select(columns),
        )
        .selectFrom('u')
        .select(columns) as unknown as typeof query;
    } else if (shape.search === 'scan' && isPostgres(db) && key === 'name') {
      // Too short for the index of texts: names alone are read from their own, and people only where they are shown.
      const names = found.select('u.name').orderBy('u.name', direction).limit(limit).offset(offset);
      const shown = db.selectFrom('users as u').where('u.name', 'in', names).select(columns);
      return shown.orderBy('u.name', direction).$castTo<UserRow>();
    }
    // Never active comes first ascending, on both databases (contract §3.5).
    const sorted =
      key === 'last_activity'
        ? query.orderBy(sql`coalesce(u.last_activity, 0)`, direction)
        : query.orderBy(`u.${key}`, direction);
    return sorted.orderBy('u.id', direction).limit(limit).offset(offset).$castTo<UserRow>();
  });
}

function buildTotal(shape: Shape) {
  return prepared((db, values: Values) =>
    narrow(db, db.selectFrom('users as u'), shape, values)
      .select(({ fn }) => fn.countAll<number>().as('total'))
      .$castTo<{ total: number }>(),
  );
}

const pages = new Map<string, ReturnType<typeof buildPage>>();
const totals = new Map<string, ReturnType<typeof buildTotal>>();

/** There are no more of them than there are kinds of filters. */
function made<T>(known: Map<string, T>, key: string, make: () => T): T {
  let one = known.get(key);
  if (one === undefined) {
    one = make();
    known.set(key, one);
  }
  return one;
}

/** More than a page, and the list of names in the query would cost what was saved. */
const LONGEST_PAGE = 500;

/** A search without any other filter is answered from memory. */
async function searchAlone(db: Db, shape: Shape, filter: UserFilter) {
  const { nameFilter = '', sort = 'id', offset = 0, limit = Number.POSITIVE_INFINITY, total = true } = filter;
  const { search, only, state, inGroups, inGroup, flags } = shape;
  if (search === 'none' || search === 'impossible' || only || state || inGroups || inGroup || flags.length > 0)
    return null;
  if (sort.endsWith('last_activity') || limit > LONGEST_PAGE) return null;
  return findNames(db, nameFilter, { sort: sort as NamesOrder, offset, limit, total });
}

/** One page and the total, both of what the filter covers. */
export async function listUsers(db: Db, filter: UserFilter): Promise<{ users: User[]; total: number }> {
  const { names, groups, sort = 'id', offset = 0, limit, total: wanted = true } = filter;
  const only = names !== undefined || groups !== undefined;
  if (only && !names?.length && !groups?.length) return { users: [], total: 0 };
  const shape = shapeOf(db, filter);
  const found = await searchAlone(db, shape, filter);
  if (found) return { users: (await usersNamed(db, found.names)).map(toUser), total: wanted ? found.total : 0 };
  const kind = JSON.stringify([shape, isPostgres(db)]);
  const values = valuesOf(filter);
  const { rows } = await made(pages, `${kind} ${sort}`, () => buildPage(shape, sort))(db, values);
  const users = rows.map(toUser);
  if (!wanted) return { users, total: 0 };
  // A page that is not full is the last one.
  if (limit === undefined || (users.length < limit && (users.length > 0 || offset === 0))) {
    return { users, total: offset + users.length };
  }
  const count = async () => {
    const [row] = (await made(totals, kind, () => buildTotal(shape))(db, values)).rows;
    return Number(row?.total ?? 0);
  };
  // Servers begin and end all the time, and are few.
  if (filter.state || only) return { users, total: await count() };
  return { users, total: await knownTotal(db, `${kind} ${values.pattern} ${values.group}`, count) };
}
