import { DatabaseSync } from 'node:sqlite';
import { HubError } from '@atrium/sdk';

/**
 * Keeps a second hub off one SQLite file: a lock file beside it, held in an exclusive transaction, which the kernel
 * releases when the process dies however it dies.
 * @throws HubError `misconfigured` when another hub holds it.
 */
export function lockSqlite(file: string): Disposable {
  const lock = new DatabaseSync(`${file}.lock`);
  try {
    lock.exec('pragma busy_timeout = 0; begin exclusive');
  } catch (cause) {
    lock.close();
    throw new HubError(
      'misconfigured',
      `Another hub already uses the database ${file}. One SQLite file serves one hub: stop the other ` +
        '(atrium down), or use PostgreSQL to run several (database: "postgres://…").',
      { cause },
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}
