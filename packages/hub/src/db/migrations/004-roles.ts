import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Where the extension may not be made, names are searched without it: slower, with the same answers. */
const NAMES_ON_POSTGRES = [
  `do $$ begin
    create extension if not exists pg_trgm;
    create index users_names on users using gin (lower(name) gin_trgm_ops);
  exception when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
    raise notice 'names are searched without an index: %', sqlerrm;
  end $$`,
];

const NAMES_ON_SQLITE = [
  `create virtual table user_names using fts5 (name, content='users', content_rowid='id', tokenize='trigram')`,
  `insert into user_names (user_names) values ('rebuild')`,
  `create trigger user_names_made after insert on users begin
    insert into user_names (rowid, name) values (new.id, new.name);
  end`,
  `create trigger user_names_gone after delete on users begin
    insert into user_names (user_names, rowid, name) values ('delete', old.id, old.name);
  end`,
  `create trigger user_names_changed after update of name on users begin
    insert into user_names (user_names, rowid, name) values ('delete', old.id, old.name);
    insert into user_names (rowid, name) values (new.id, new.name);
  end`,
];

/**
 * Tokens may belong to a service instead of a person; roles that are not the configuration's, and who has them;
 * people found by part of their name, and listed by activity, however many there are; what the sign-in service said.
 */
export async function up(db: Kysely<never>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const tokens =
    dialect === 'postgres'
      ? [
          `alter table api_tokens alter column user_id drop not null`,
          `alter table api_tokens add column service_id bigint`,
          `alter table api_tokens add constraint api_tokens_owner check ((user_id is null) <> (service_id is null))`,
        ]
      : [
          // SQLite cannot take `not null` from a column, so the table is made anew.
          `create table api_tokens_new (
            id integer primary key autoincrement, hash text not null unique,
            user_id bigint references users on delete cascade, service_id bigint, client_id text not null,
            session_id text, created bigint not null, expires_at bigint, last_activity bigint,
            note text not null default '', scopes text not null, server_id text, generation integer,
            check ((user_id is null) <> (service_id is null)))`,
          `insert into api_tokens_new (id, hash, user_id, client_id, session_id, created, expires_at, last_activity,
              note, scopes, server_id, generation)
            select id, hash, user_id, client_id, session_id, created, expires_at, last_activity, note, scopes,
              server_id, generation from api_tokens`,
          // A number that was given once, also to a token that is gone, is never given again.
          `delete from sqlite_sequence where name = 'api_tokens_new'`,
          `insert into sqlite_sequence (name, seq)
            select 'api_tokens_new', seq from sqlite_sequence where name = 'api_tokens'`,
          `drop table api_tokens`,
          `alter table api_tokens_new rename to api_tokens`,
          `create index api_tokens_user on api_tokens (user_id)`,
          `create index api_tokens_server on api_tokens (server_id)`,
          `create index api_tokens_session on api_tokens (session_id)`,
          `create index api_tokens_client on api_tokens (client_id)`,
        ];
  const statements = [
    ...tokens,
    `create index api_tokens_service on api_tokens (service_id)`,
    `create table roles (
      name text primary key, description text not null default '', scopes text not null, source text not null)`,
    `create table role_members (
      role_name text not null references roles on delete cascade, kind text not null, member text not null,
      primary key (role_name, kind, member))`,
    `alter table users add column auth_state text`,
    `create index users_activity on users (coalesce(last_activity, 0), id)`,
    ...(dialect === 'postgres' ? NAMES_ON_POSTGRES : NAMES_ON_SQLITE),
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
