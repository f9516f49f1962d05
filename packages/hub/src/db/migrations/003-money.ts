import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Ledger, limits, calendar, idle warnings; and leases for what one hub does at a time. */
export async function up(db: Kysely<never>): Promise<void> {
  const statements = [
    `create table leases (name text primary key, owner text not null, until bigint not null)`,
    `create table meters (
      key text primary key, source text not null, kind text not null, what text not null, server_id text,
      server_name text, user_name text, groups text not null default '[]', nano_per_hour bigint, since bigint not null,
      until bigint, minimum_ms bigint not null default 0, seen bigint not null)`,
    `create index meters_user on meters (user_name, since)`,
    `create index meters_since on meters (since)`,
    `create index meters_open on meters (since) where until is null`,
    `create table lesson_starts (
      lesson text not null, user_id bigint not null references users on delete cascade, server_name text not null,
      server_id text, generation integer not null, state text not null, at bigint not null,
      primary key (lesson, user_id, server_name))`,
    `create index lesson_starts_at on lesson_starts (at)`,
    `alter table servers add column keep_on_until bigint`,
    `alter table servers add column warned_at bigint`,
    `alter table servers add column limit_stop_at bigint`,
    `alter table servers add column kind_stop_after integer`,
    `alter table servers add column kind_max_age integer`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
