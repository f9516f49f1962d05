import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../../tools/test-postgres.ts';
import { hashToken } from '../../keys.ts';
import { mendRuns, usageOf } from '../../money/ledger.service.ts';
import { monthOf } from '../../money/period.ts';
import { findServer, isReady } from '../../servers/servers.service.ts';
import { startTestHub } from '../../testing/index.ts';
import { shiftedClock } from '../../testing/shifted-clock.ts';
import { issueToken } from '../../tokens/tokens.service.ts';
import { asUser } from '../../users/principal.ts';
import { findUser, listUsers } from '../../users/users.service.ts';
import { sqliteDialect } from '../sqlite-dialect.ts';
import * as first from './001-first.ts';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 10, 21, 12);
const HUB = 'hub-of-before';
const OLD_TOKEN = 'a-token-of-before';

/** A database as the first version left it: a person with groups of their sign-in, one server that runs, one that does not. */
async function writeFirst(db: Kysely<never>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await sql`create table schema_version (version integer not null)`.execute(db);
  await first.up(db, dialect);
  const statements = [
    `insert into schema_version (version) values (1)`,
    `insert into meta (key, value) values ('hub_id', '${HUB}')`,
    `insert into users (name, admin, uid, allowed_by, created, auth_groups, stop_after)
      values ('ada', 1, 1900001000, 'administrator', ${NOON - 1e9}, '["physics"]', 1800)`,
    `insert into users (name, uid, created) values ('bob', 1900001001, ${NOON - 1e9})`,
    ...[OLD_TOKEN, 'revoked'].map(
      (text) => `insert into api_tokens (hash, user_id, client_id, created, note, scopes)
        values ('${hashToken(text)}', 1, 'jupyterhub', ${NOON - 1e9}, 'laptop', '["inherit"]')`,
    ),
    `delete from api_tokens where id = 2`,
    `insert into servers (id, user_id, name, desired, phase, phase_at, generation, spawner_id, spec, ref, started_at,
      last_work, created) values ('s1', 1, '', 'running', 'ready', ${NOON - 2 * HOUR}, 3, 'echo', '{"user":"ada"}',
      '{"server":"s1","generation":3}', ${NOON - 2 * HOUR}, ${NOON - HOUR}, ${NOON - 1e9})`,
    `insert into servers (id, user_id, name, phase_at, generation, spawner_id, user_options, created)
      values ('s2', 1, 'thesis', ${NOON - 1e8}, 1, 'echo', '{"profile":"big"}', ${NOON - 1e9})`,
    `insert into server_events (server_id, generation, at, percent, message, kind)
      values ('s1', 3, ${NOON - 2 * HOUR}, 0, 'Server requested', 'progress')`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

describe.for(['sqlite', 'postgres'] as const)('a database of the first version, on %s', (dialect) => {
  test.skipIf(dialect === 'postgres' && !hasPostgres)(
    'is taken over with what it holds, and a server that ran before there was a ledger is counted',
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'atrium-old-'));
      using _ = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
      await using place = dialect === 'postgres' ? await testDatabase() : undefined;
      const old = new Kysely<never>({
        dialect: place
          ? new PostgresDialect({ pool: new pg.Pool({ connectionString: place.url }) })
          : sqliteDialect(join(dataDir, 'hub.sqlite')),
      });
      await writeFirst(old, dialect);
      await old.destroy();
      const clock = shiftedClock(NOON);
      await using world = new EchoWorld();
      world.start(HUB, { server: 's1', generation: 3 }, NOON - 2 * HOUR);

      await using hub = await startTestHub({
        spawner: echoSpawner({ world, profiles: [{ id: 'small', title: 'Small', perHour: 0.5 }] }),
        authenticator: sharedPassword({ password: new Secret('x') }),
        dataDir,
        ...(place && { database: place.url }),
        clock,
        controller: false,
      });
      const { ctx } = hub;

      expect(ctx.hubId).toBe(HUB);
      const ada = await findUser(ctx.db, 'ada');
      expect(ada).toMatchObject({ admin: true, groups: ['physics'], authGroups: ['physics'], stopAfter: 1800 });
      expect((await findUser(ctx.db, 'bob'))?.groups).toEqual([]);
      expect((await listUsers(ctx.db, { groups: ['physics'] })).users.map(({ name }) => name)).toEqual(['ada']);
      const server = ada && (await findServer(ctx.db, ada.id, ''));
      expect(server && isReady(server)).toBe(true);
      expect(server).toMatchObject({
        generation: 3,
        tokenNumber: 0,
        keepOnUntil: null,
        warnedAt: null,
        limitStopAt: null,
      });
      const thesis = ada && (await findServer(ctx.db, ada.id, 'thesis'));
      expect(thesis?.userOptions).toEqual({ profile: 'big' });
      const who = await fetch(`${hub.origin}/hub/api/user`, { headers: { authorization: `token ${OLD_TOKEN}` } });
      expect(await who.json()).toMatchObject({ name: 'ada', token_id: 'a1' });
      // The number of one that is gone is nobody else's.
      if (ada) expect((await issueToken(ctx, { owner: asUser(ada), scopes: [], note: '' })).id).toBe(3);
      await mendRuns(ctx);
      clock.move(HOUR);
      expect(await usageOf(ctx, 'ada', monthOf(NOON))).toMatchObject({ hours: 3, dollars: 1.5 });
    },
  );
});
