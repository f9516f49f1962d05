import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * A consistent copy of a SQLite database, also while a hub writes to it. `target` must not exist.
 * No lock is taken: readers never stop the hub.
 */
export function copyDatabase(file: string, target: string): void {
  const db = new DatabaseSync(file, { timeout: 10_000 });
  try {
    db.prepare('vacuum into ?').run(target);
  } finally {
    db.close();
  }
  chmodSync(target, 0o600);
}
