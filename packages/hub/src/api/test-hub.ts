import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { describe } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { startTestHub, type TestHub, type TestHubOptions } from '../testing/index.ts';

export const PASSWORD = 'correct horse';

export interface ApiHubOptions extends Partial<TestHubOptions> {
  startMs?: number;
  failFor?: string[];
  /** A hub on PostgreSQL, in a database of its own. */
  on?: 'sqlite' | 'postgres';
}

/** A hub whose servers are echoes and whose people share a password. */
export async function apiHub(options: ApiHubOptions = {}): Promise<TestHub> {
  const { startMs = 0, failFor = [], on = 'sqlite', ...rest } = options;
  const database = on === 'postgres' ? await testDatabase() : undefined;
  const hub = await startTestHub({
    spawner: echoSpawner({ startMs, failFor }),
    authenticator: sharedPassword({ password: new Secret(PASSWORD), staff: { root: new Secret(PASSWORD) } }),
    ...(database && { database: database.url }),
    ...rest,
    config: { access: { allowAll: true }, ...rest.config },
  });
  return Object.assign(Object.create(hub) as TestHub, {
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
    },
  });
}

/** Runs a suite on SQLite and on PostgreSQL; where the machine has none, that half counts as skipped. */
export function onBothDatabases(suite: (on: 'sqlite' | 'postgres') => void): void {
  describe('on SQLite', () => suite('sqlite'));
  describe.skipIf(!hasPostgres)('on PostgreSQL', () => suite('postgres'));
}
