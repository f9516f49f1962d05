import { HubError } from '@atrium/sdk';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import { MIGRATIONS } from './migrations/index.ts';
import type { Db } from './types.ts';

/**
 * Brings the database to this program's schema, in one transaction. Two hubs that start together on PostgreSQL take
 * turns by an advisory lock.
 * @throws HubError `misconfigured` when the database was made by a newer program.
 */
export async function migrate(db: Kysely<never>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(4713, 1)`.execute(tx);
    await sql`create table if not exists schema_version (version integer not null)`.execute(tx);
    const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(tx);
    const have = Number(rows[0]?.version ?? 0);
    if (have > MIGRATIONS.length) {
      throw new HubError(
        'misconfigured',
        `This database has schema ${have}; this program knows ${MIGRATIONS.length}. It was used by a newer Atrium: ` +
          'start that version, or restore a backup made before the upgrade.',
      );
    }
    if (have === MIGRATIONS.length) return;
    for (const migration of MIGRATIONS.slice(have)) await migration.up(tx, dialect);
    await sql`delete from schema_version`.execute(tx);
    await sql`insert into schema_version (version) values (${MIGRATIONS.length})`.execute(tx);
  });
}

/** Which schema the database has, and which this program needs. Rejects when the database cannot be asked. */
export async function schemaState(db: Db): Promise<{ have: number; want: number }> {
  const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(db);
  return { have: Number(rows[0]?.version ?? 0), want: MIGRATIONS.length };
}
