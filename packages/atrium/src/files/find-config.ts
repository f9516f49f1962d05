import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CommandError } from '../cli/command.ts';

const NAME = 'atrium.config.ts';

/**
 * The configuration file: as given, else one in the current folder, else one in the data directory; undefined when
 * there is none, and the defaults hold.
 * @throws CommandError when the given one is not there.
 */
export function findConfigFile(given: string | undefined, dataDir: string): string | undefined {
  if (given !== undefined) {
    const path = resolve(given);
    if (!existsSync(path)) throw new CommandError(`There is no configuration file ${path}.`);
    return path;
  }
  const found = [resolve(NAME), join(dataDir, NAME)].find((path) => existsSync(path));
  if (found !== undefined) refuseTheHubs(found, dataDir);
  return found;
}

/** The hub's account writes into the data directory of root, and what lies there under this name root itself runs. */
function refuseTheHubs(file: string, dataDir: string): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  if (!existsSync(dataDir) || realpathSync(dirname(file)) !== realpathSync(dataDir)) return;
  const { uid } = lstatSync(file);
  if (uid !== 0) {
    throw new CommandError(
      `${file} belongs to account ${uid}, and root will not run it. If it is yours: chown root ${file}`,
    );
  }
}
