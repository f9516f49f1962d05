import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { enforceable, findCgroups } from './cgroups.ts';
import { isRoot, Mode } from './layout.ts';

const run = promisify(execFile);
const TOOLS = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** What this machine can do for servers, as found when the plug-in is made. */
export const Machine = z.strictObject({
  mode: Mode,
  /** Why it is not more. */
  obstacle: z.string().optional(),
  limits: z.array(z.enum(['memory', 'cpu', 'tasks'])),
});
export type Machine = z.output<typeof Machine>;

/** Tries once what a start would do: enter the namespaces and mount. Takes some 20 ms. */
export async function probe(isolation: 'auto' | 'none'): Promise<Machine> {
  const limits = enforceable(await findCgroups());
  const root = isRoot();
  const fallback: Mode = root ? 'account' : 'none';
  if (isolation === 'none') return { mode: fallback, limits };
  if (process.platform !== 'linux') return { mode: 'none', limits, obstacle: 'only Linux has namespaces' };
  const user = root ? [] : ['--user', '--map-root-user'];
  const back = root ? [] : ['unshare', '--user', `--map-user=${process.getuid!()}`, `--map-group=${process.getgid!()}`];
  try {
    await run(
      'unshare',
      [
        ...user,
        ...['--mount', '--ipc', '--pid', '--fork', '--propagation', 'private', '/bin/sh', '-c'],
        'mount -n -t proc proc /proc && mount -n -t tmpfs tmpfs /tmp && exec "$@"',
        ...['sh', ...back, 'setpriv', '--no-new-privs', 'true'],
      ],
      { env: TOOLS, timeout: 5_000 },
    );
    return { mode: root ? 'namespaces' : 'user-namespace', limits };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return { mode: fallback, limits, obstacle: (stderr || message).trim().split('\n')[0] ?? 'unknown' };
  }
}

/** False where /proc is mounted with `hidepid`: then only the root helper can say whether a server runs. */
export async function seesOtherProcesses(): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  return readFile('/proc/1/stat').then(
    () => true,
    () => false,
  );
}
