import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Every path below the data directory and the run directory that the command itself uses. */
export interface Places {
  readonly dataDir: string;
  /** Sockets and other short-lived files; short, because a socket's path has at most 107 bytes. */
  readonly runDir: string;
  readonly hubSocket: string;
  readonly controlSocket: string;
  /** Which `atrium up` runs here. */
  readonly stateFile: string;
  /** The link to the first account, for whoever gives it to the operator of a cluster. Root's alone. */
  readonly firstAdminFile: string;
  readonly lockFile: string;
  readonly apiAddressFile: string;
  readonly routeTable: string;
  /** What hub and proxy log; the servers' output is in `logs`, which belongs to the root helper. */
  readonly logDir: string;
  readonly cacheDir: string;
  /** Where the services of the configuration run. */
  readonly servicesDir: string;
  readonly python: string;
  readonly wheels: string;
  /** When the last backup was made, and where it is. */
  readonly lastBackup: string;
}

/** Only on Linux: elsewhere one person runs it, whoever that is. */
const isRoot = () => process.platform === 'linux' && process.getuid?.() === 0;

/** The clone this program runs from; undefined when it is installed as a package. */
const CLONE = fileURLToPath(new URL('../../../../', import.meta.url));
const cloneData = () => {
  const dir = join(CLONE, '.atrium');
  return import.meta.url.endsWith('.ts') && existsSync(dir) ? dir : undefined;
};

/**
 * The data directory: as given, else the one that `npm start` made in this clone, else as the account and its
 * environment say. Absolute.
 */
export function findDataDir(given: string | undefined): string {
  const named = given ?? process.env.ATRIUM_DATA_DIR;
  if (named) return resolve(named);
  const inClone = cloneData();
  if (inClone) return inClone;
  if (isRoot()) return '/var/lib/atrium';
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'atrium');
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'atrium');
}

/** `runDir` is what root gave a process of another account; only root and that account agree on it otherwise. */
export function placesOf(dataDir: string, runDir = findRunDir(dataDir)): Places {
  return {
    dataDir,
    runDir,
    hubSocket: join(runDir, 'hub.sock'),
    controlSocket: join(runDir, 'control.sock'),
    stateFile: join(runDir, 'up.json'),
    firstAdminFile: join(runDir, 'first-admin.json'),
    lockFile: join(dataDir, 'up.lock'),
    apiAddressFile: join(dataDir, 'api-address.json'),
    routeTable: join(dataDir, 'routes.json'),
    logDir: join(dataDir, 'hub-logs'),
    cacheDir: join(dataDir, 'cache'),
    servicesDir: join(dataDir, 'services'),
    python: join(dataDir, 'python'),
    wheels: join(dataDir, 'wheels'),
    lastBackup: join(dataDir, 'last-backup.json'),
  };
}

/** One per data directory, found again from it alone: the hash of its real path. */
function findRunDir(dataDir: string): string {
  const real = existsSync(dataDir) ? realpathSync(dataDir) : dataDir;
  const hash = createHash('sha256').update(real).digest('hex').slice(0, 8);
  if (isRoot()) return `/run/atrium-${hash}`;
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime && runtime.length < 40 && existsSync(runtime)) return join(runtime, `atrium-${hash}`);
  // macOS has a temporary folder per account, with a name too long for sockets.
  const tmp = tmpdir().length < 20 ? tmpdir() : '/tmp';
  return join(tmp, `atrium-${process.getuid?.() ?? 0}-${hash}`);
}
