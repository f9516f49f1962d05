import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { inject } from 'vitest';
import { testPostgres } from './test-machine.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A Unix socket that answers with the address of this run's PostgreSQL, started when first asked for. */
    testPostgres: string;
  }
}

/** Whether this machine can run a PostgreSQL; for `describe.skipIf(!hasPostgres)`. */
export const hasPostgres = testPostgres() !== undefined;

export interface TestDatabase extends AsyncDisposable {
  /** `postgres://…`, for a database of this test's own. */
  url: string;
}

/** An empty PostgreSQL database of the caller's own in this run's throwaway server; dropped when disposed. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await serverUrl();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => execute(server, `drop database ${name} with (force)`),
  };
}

async function serverUrl(): Promise<string> {
  const answer = await text(connect(inject('testPostgres')));
  if (!answer.startsWith('postgres://')) throw new Error(`No PostgreSQL for the tests: ${answer}`);
  return answer;
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
