import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { describe } from 'vitest';
import { answerChecker } from '../../../../tools/api-answers.ts';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { type ApiCall, startTestHub, type TestHub, type TestHubOptions } from '../testing/index.ts';

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
  let check: Promise<ReturnType<typeof answerChecker>> | undefined;
  return Object.assign(Object.create(hub) as TestHub, {
    // Every answer is compared with what the API says of itself.
    async api(...about: Parameters<TestHub['api']>): Promise<ApiCall> {
      check ??= fetch(`${hub.origin}${hub.ctx.urls.api}/openapi.json`)
        .then((reply) => reply.json())
        .then((document) => answerChecker(document as Parameters<typeof answerChecker>[0]));
      const [call, checkAnswer] = await Promise.all([hub.api(...about), check]);
      return async (method, path, body) => {
        const answer = await call(method, path, body);
        checkAnswer(method, path, answer);
        return answer;
      };
    },
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
