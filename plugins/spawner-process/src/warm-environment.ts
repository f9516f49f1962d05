import { execFile } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isRoot } from './layout.ts';
import { type PythonScript, prefixesOf } from './warm-command.ts';

const run = promisify(execFile);
const TOOLS = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
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
  const { readdir } = await import('node:fs/promises');
  const found: string[] = [];
  for (const lib of prefixes.flatMap((prefix) => [join(prefix, 'lib'), join(prefix, 'lib64')])) {
    const names = await readdir(lib).catch(() => [] as string[]);
    for (const name of names.filter((entry) => /^python3(\.\d+)?$/.test(entry)).toSorted()) {
      found.push(join(lib, name, 'site-packages'), join(lib, name, 'dist-packages'));
    }
  }
  return found;
}

/**
 * As root, a template imports as root what servers would import as people. So that must be root's own, from the first
 * folder down to the last file. Gives what is not; undefined when all is well, and where there is no root.
 */
export async function foreign({ interpreter, script }: PythonScript): Promise<string | undefined> {
  if (!isRoot()) return undefined;
  const prefixes = await prefixesOf(interpreter[0] ?? '');
  const folders = await Promise.all(
    [...prefixes.filter((prefix) => prefix !== '/usr' && prefix !== '/'), ...(await packageFolders(prefixes))].map(
      (path) => realpath(path).catch(() => undefined),
    ),
  );
  const paths = [...new Set(folders.filter((path) => path !== undefined))];
  for (const path of [...paths, await realpath(script), await realpath(interpreter[0] ?? '')]) {
    for (let above = path; ; above = dirname(above)) {
      const { uid, mode } = await stat(above);
      // In a folder like /tmp, others can make what they like but not change what is root's.
      if (uid !== 0 || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)) return above;
      if (above === '/') break;
    }
  }
  const others = ['(', '!', '-user', 'root', '-o', '-perm', '/022', '!', '-type', 'l', ')', '-print', '-quit'];
  const { stdout } = await run('nice', ['-n', '19', 'find', ...paths, ...others], { env: TOOLS, timeout: WALK_MS });
  return stdout.trim() || undefined;
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
