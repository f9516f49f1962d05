import { constants } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelperContext } from '@atrium/sdk';
import { z } from 'zod';

/** One start of one server. What the row keeps as its `ref`. */
export const ProcessRef = z.strictObject({
  server: z.string().regex(/^[a-z0-9]{1,32}$/),
  generation: z.int().nonnegative(),
});
export type ProcessRef = z.output<typeof ProcessRef>;

/** What the plug-in knows about the installation; in the root helper it never comes from a request. */
export type Place = HelperContext;

/**
 * How servers are kept apart here.
 * - `namespaces`: started as root; own account, own mount and pid namespace.
 * - `account`: started as root where namespaces are forbidden or not wanted; own account only.
 * - `user-namespace`: started as an ordinary user; own mount and pid namespace, one account for all.
 * - `none`: one account for all and nothing between them.
 */
export const Mode = z.enum(['namespaces', 'account', 'user-namespace', 'none']);
export type Mode = z.output<typeof Mode>;

/** `meta.json` of a launch folder: written before the folder gets its name, never changed. */
export const Meta = z.strictObject({
  hubId: z.string(),
  server: z.string(),
  generation: z.int(),
  boot: z.string(),
  uid: z.int(),
  storage: z.string(),
  mode: Mode,
  address: z.enum(['unix', 'tcp']),
  cgroups: z.array(z.string()),
  /** Where this start begins in the server's log, in bytes. */
  logFrom: z.int(),
  command: z.array(z.string()),
  memoryMb: z.number().optional(),
});
export type Meta = z.output<typeof Meta>;

/** The longest path a Unix socket can have (`sun_path` without its final zero). */
const SOCKET_PATH_MAX = 107;

export const launchesDir = (place: Place) => join(place.runDir, 's');
export const launchDir = (place: Place, ref: ProcessRef) => join(launchesDir(place), `${ref.server}.${ref.generation}`);
export const logsDir = (place: Place) => join(place.dataDir, 'logs');
/** What is known of the commands that servers are forked from, for the next run of the hub. */
export const warmDir = (place: Place) => join(place.dataDir, 'warm');
export const homesDir = (place: Place) => join(place.dataDir, 'homes');

/** Where the server itself binds: a folder that belongs to it. */
export const serverSocket = (dir: string) => join(dir, 'io', 'server.sock');
/** Where hub and proxy connect: the same socket under a name that the server cannot swap for a link elsewhere. */
export const publishedSocket = (dir: string) => join(dir, 'sock');
export const portFile = (dir: string) => join(dir, 'io', 'port');

/** Bytes by which a socket path of this ref would be too long; 0 when it fits. */
export function socketPathExcess(place: Place, ref: ProcessRef): number {
  return Math.max(0, Buffer.byteLength(serverSocket(launchDir(place, ref))) - SOCKET_PATH_MAX);
}

/** The ref that a launch folder's name stands for; undefined for anything else that lies there. */
export function parseLaunchName(name: string): ProcessRef | undefined {
  const [server, generation, ...rest] = name.split('.');
  if (rest.length > 0 || !generation || !/^\d+$/.test(generation)) return undefined;
  const ref = ProcessRef.safeParse({ server, generation: Number(generation) });
  return ref.success ? ref.data : undefined;
}

/**
 * Undefined when there is no such launch. An empty file is none: it was written whole before its folder got its name, so
 * the power failed since, and nothing of that start runs.
 */
export async function readMeta(dir: string): Promise<Meta | undefined> {
  const text = await readFile(join(dir, 'meta.json'), 'utf8').catch(ifMissing(''));
  return text === '' ? undefined : Meta.parse(JSON.parse(text));
}

/** For `.catch`: this value when the file, a folder above it or the process is not there; any other error goes on. */
export function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ESRCH') return value;
    throw error;
  };
}

/** Whether this process has the rights of root, in the helper or in a hub that had to stay root. */
export const isRoot = () => process.getuid?.() === 0;

/** A folder that only we can change, held open: paths through it cannot be redirected by whoever owns its parent. */
export interface HeldDir extends AsyncDisposable {
  join(name: string): string;
}

/**
 * Opens (and makes, with `mode`) a folder of our own inside one that may belong to the hub's account. Throws when it is
 * a link or belongs to somebody else: as root we would act where they point.
 */
export async function holdDir(path: string, mode: number, gid: number): Promise<HeldDir> {
  const made = await mkdir(path, { mode }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid } = await handle.stat();
    if (uid !== (process.getuid?.() ?? uid)) {
      throw new Error(
        `${path} belongs to account ${uid}, not to the one that starts servers. Change its owner, or move it away.`,
      );
    }
    if (made) {
      if (isRoot()) await handle.chown(0, gid);
      await handle.chmod(mode);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  const base = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path;
  return { join: (name) => join(base, name), [Symbol.asyncDispose]: () => handle.close() };
}

/** Writes a file that the hub's account and the server may read, whatever this process's umask is. */
export async function putFile(path: string, text: string, flag: 'w' | 'wx' | 'a' = 'w'): Promise<void> {
  const handle = await open(path, flag);
  try {
    await handle.chmod(0o644);
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
}
