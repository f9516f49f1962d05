import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** What lists of people are filtered by; activity, which changes all the time, is not among it. */
const COLUMNS = 'name, admin, pending, blocked, groups';

/** Each connection counts in a row of its own, so that nobody waits for another who also makes an account. */
const ON_POSTGRES = [
  `create function people_changed() returns trigger language plpgsql as $$ begin
    insert into people_versions (slot, changes) values (pg_backend_pid() % 1024, 1)
      on conflict (slot) do update set changes = people_versions.changes + 1;
    return null;
  end $$`,
  `create trigger people_changed after insert or delete or truncate or update of ${COLUMNS} on users
    for each statement execute function people_changed()`,
];

const ON_SQLITE = [
  `insert into people_versions (slot, changes) values (0, 0)`,
  ...['insert', 'delete', `update of ${COLUMNS}`].map(
    (event) => `create trigger people_changed_by_${event.split(' ')[0]} after ${event} on users begin
      update people_versions set changes = changes + 1 where slot = 0;
    end`,
  ),
];

/** How often the list of people changed, so that what was counted of it is known to hold still. */
export async function up(db: Kysely<never>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const statements = [
    `create table people_versions (slot integer primary key, changes bigint not null)`,
    ...(dialect === 'postgres' ? ON_POSTGRES : ON_SQLITE),
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
