import { DatabaseSync } from 'node:sqlite';
import { CommandError } from '../cli/command.ts';
import type { Places } from '../files/data-dir.ts';

/** How long a command that uses the database for a moment may be waited for. */
const WAIT_MS = 10_000;

/**
 * Keeps a second `atrium up`, or a command that opens the database, off one data directory; the kernel releases it
 * however the process ends.
 * @throws CommandError naming the one that runs.
 */
export async function lockDataDir(places: Places): Promise<Disposable> {
  const lock = new DatabaseSync(places.lockFile);
  const take = (waitMs: number) => {
    try {
      lock.exec(`pragma busy_timeout = ${waitMs}; begin exclusive`);
      return true;
    } catch {
      return false;
    }
  };
  if (take(0)) return { [Symbol.dispose]: () => lock.close() };
  const { readState } = await import('./state.ts');
  if (readState(places) || !take(WAIT_MS)) {
    lock.close();
    const running = readState(places);
    throw new CommandError(
      running
        ? `Atrium already runs on ${places.dataDir} at ${running.url} (process ${running.pid}). ` +
            'To restart its hub: atrium restart. To stop it: atrium down.'
        : `Another atrium command uses ${places.dataDir}. Try again when it is done.`,
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}
