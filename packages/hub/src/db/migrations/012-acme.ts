import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Certificates that the hub fetches: accounts at authorities, what was issued, what is being proved. */
export async function up(db: Kysely<never>): Promise<void> {
  const statements = [
    // Keys are sealed with the hub key.
    `create table acme_accounts (directory text primary key, key text not null, created bigint not null)`,
    `create table acme_certificates (
      name text primary key, chain text, key text, directory text, domains text, not_before bigint, not_after bigint,
      issued_at bigint, renew_at bigint, ask_at bigint, order_url text, order_key text, tried text, attempts integer not null default 0,
      next_at bigint not null default 0, problem text, problem_kind text, problem_at bigint, version bigint not null default 0)`,
    `create table acme_challenges (id text primary key, kind text not null, domain text not null, answer text not null)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
