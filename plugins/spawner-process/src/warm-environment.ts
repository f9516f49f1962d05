import { execFile } from 'node:child_process';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isRoot } from './layout.ts';
import { type PythonScript, prefixesOf } from './warm-command.ts';

const run = promisify(execFile);
const TOOLS = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
const HARMLESS =
  /^(PATH|LANG|LC_[A-Z]+|TZ|SHELL|JUPYTERHUB_DEFAULT_URL|JUPYTERHUB_ROOT_DIR|(MEM|CPU)_(LIMIT|GUARANTEE))$/;
const WALK_MS = 120_000;

/** What pip and conda touch when they install, upgrade or remove anything. */
export async function fingerprint({ interpreter, script }: PythonScript): Promise<string> {
  const prefixes = await prefixesOf(interpreter[0] ?? '');
  const paths = [
    script,
    await realpath(interpreter[0] ?? ''),
    ...prefixes.flatMap((prefix) => [join(prefix, 'pyvenv.cfg'), join(prefix, 'conda-meta')]),
    ...(await packageFolders(prefixes)),
  ];
  const seen = await Promise.all(
    paths.map((path) =>
      stat(path, { bigint: true }).then(
        ({ mtimeNs, ino, size }) => `${path} ${mtimeNs} ${ino} ${size}`,
        () => `${path} -`,
      ),
    ),
  );
  return seen.join('\n');
}

/** `site-packages` of these prefixes, whatever the Python's number is. */
async function packageFolders(prefixes: readonly string[]): Promise<string[]> {
  const libraries = await pythonLibraries(prefixes);
  return libraries.flatMap((library) => [join(library, 'site-packages'), join(library, 'dist-packages')]);
}

/** `lib/python3.12` and the like. */
async function pythonLibraries(prefixes: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const lib of prefixes.flatMap((prefix) => [join(prefix, 'lib'), join(prefix, 'lib64')])) {
    const names = await readdir(lib).catch(() => [] as string[]);
    found.push(
      ...names
        .filter((entry) => /^python3(\.\d+)?$/.test(entry))
        .toSorted()
        .map((name) => join(lib, name)),
    );
  }
  return found;
}

/** Where a root template's modules may come from, or what keeps them from it. */
export type Trusted = { folders: string[] } | { stranger: string };

/**
 * As root, a template imports as root what servers would import as people. So that must be root's own, from the first
 * folder down to the last file. Null where there is no root: then nobody has more rights than the other.
 */
export async function trusted({ interpreter, script }: PythonScript, path: string): Promise<Trusted | null> {
  if (!isRoot()) return null;
  // A module may run a program when it is imported.
  for (const folder of path.split(':')) {
    if (!folder.startsWith('/')) return { stranger: `${folder || '.'} in PATH` };
    const there = await nearest(folder);
    const stranger = ((await stat(there)).mode & 0o022) === 0 ? await strangerAbove(there) : there;
    if (stranger !== undefined) return { stranger };
  }
  const [program = ''] = interpreter;
  const prefixes = await prefixesOf(program);
  const own = prefixes[0] ?? '';
  const venv = await readFile(join(own, 'pyvenv.cfg'), 'utf8').catch(() => undefined);
  const alone = venv !== undefined && !/^include-system-site-packages\s*=\s*true/m.test(venv);
  // Debian's own Python looks there as well.
  const local = !alone && prefixes.includes('/usr') ? ['/usr/local'] : [];
  const libraries = await pythonLibraries([...prefixes, ...local]);
  const wanted = [...prefixes.filter((prefix) => prefix !== '/usr' && prefix !== '/'), ...libraries];
  const real = await Promise.all(wanted.map((path) => realpath(path).catch(() => undefined)));
  const folders = [...new Set(real.filter((path) => path !== undefined))];
  for (const start of [...folders, await realpath(script), dirname(script), await realpath(program)]) {
    const stranger = await strangerAbove(start);
    if (stranger !== undefined) return { stranger };
  }
  // A sticky folder lets others put modules beside the script, which come before all others.
  if (((await stat(dirname(await realpath(script)))).mode & 0o022) !== 0) return { stranger: dirname(script) };
  const others = ['(', '!', '-user', 'root', '-o', '-perm', '/022', '!', '-type', 'l', ')', '-print', '-quit'];
  const { stdout } = await run('nice', ['-n', '19', 'find', ...folders, ...others], { env: TOOLS, timeout: WALK_MS });
  const stranger = stdout.trim();
  return stranger === '' ? { folders } : { stranger };
}

/** The folder itself, or the nearest one above it that there is. */
async function nearest(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    const real = await realpath(path).catch(() => undefined);
    if (real !== undefined) return real;
  }
}

/** What lies on the way to a path and is not root's alone. */
async function strangerAbove(path: string): Promise<string | undefined> {
  for (let above = path; ; above = dirname(above)) {
    const { uid, mode } = await stat(above);
    // In a folder like /tmp, others can make what they like but not change what is root's.
    if (uid !== 0 || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)) return above;
    if (above === '/') return undefined;
  }
}

/**
 * Of the common variables, those by which a template is loaded. As root only a few that cannot make a module run something
 * else; a server gets them all, and one whose modules read another one when they are imported is a cold start.
 */
export function loadedBy(environment: Record<string, string>): Record<string, string> {
  if (!isRoot()) return environment;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => HARMLESS.test(name)));
}

/** Variables that `/bin/sh` gives to what it starts, where nobody set them (`SHLVL` with bash; none with dash). */
export async function shellVariables(): Promise<Record<string, string>> {
  const { stdout } = await run('/bin/sh', ['-c', 'cd / && exec /usr/bin/env'], { env: {} });
  const pairs = stdout.split('\n').flatMap((line) => {
    const [name = '', ...value] = line.split('=');
    return /^[A-Z_]+$/.test(name) ? [[name, value.join('=')] as const] : [];
  });
  return Object.fromEntries(
    pairs
      .filter(([name]) => name !== 'PWD' && name !== 'OLDPWD')
      .map(([name, value]) => [name, name === '_' ? '/usr/bin/setsid' : value]),
  );
}
