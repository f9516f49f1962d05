import { constants } from 'node:fs';
import { lstat, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { oomKills } from './cgroups.ts';
import {
  ifMissing,
  launchDir,
  launchesDir,
  type Meta,
  type Place,
  type ProcessRef,
  parseLaunchName,
  portFile,
  publishedSocket,
  readMeta,
  serverSocket,
} from './layout.ts';
import { logSize, ROTATE_RUNNING } from './logs.ts';
import { bootId, isAlive, readClaim } from './processes.ts';

/** What is there, without any judgement. Reading it needs no root: folder and log belong to the hub's group. */
export interface Facts {
  meta: Meta;
  /** `unclaimed`: the folder is there, no process has taken it on yet. */
  state: 'unclaimed' | 'alive' | 'ended' | 'rebooted';
  /** The namespaces are entered and the command is about to run, or does. */
  begun: boolean;
  stopAsked: boolean;
  /** As a shell counts: 128 + n for signal n. Undefined when nobody could write it down. */
  exitCode: number | undefined;
  published: boolean;
  port: number | undefined;
  kills: number;
  notices: { count: number; at: number }[];
  /** Something only the owner of the folder can do is due: publish a socket, cut a log, note a kill. */
  due: boolean;
}

/** Undefined when there is no such launch. */
export async function look(place: Place, ref: ProcessRef): Promise<Facts | undefined> {
  const dir = launchDir(place, ref);
  const meta = await readMeta(dir);
  if (!meta) return undefined;
  const boot = await bootId();
  const exitOf = () => readFile(join(dir, 'exit'), 'utf8').catch(ifMissing(undefined));
  const [keeper, init, stopAsked, early, socket, published, port, noted, kills, size] = await Promise.all([
    readClaim(join(dir, 'keeper')),
    readClaim(join(dir, 'init')),
    lstat(join(dir, 'stop')).then(() => true, ifMissing(false)),
    exitOf(),
    lstat(serverSocket(dir)).catch(ifMissing(undefined)),
    lstat(publishedSocket(dir)).catch(ifMissing(undefined)),
    meta.address === 'tcp' ? readPort(portFile(dir)) : undefined,
    readFile(join(dir, 'notices'), 'utf8').catch(ifMissing('')),
    oomKills(meta.cgroups),
    logSize(place, ref.server),
  ]);
  const [keeperAlive, initAlive] = await Promise.all([isAlive(keeper, boot), isAlive(init, boot)]);
  const notices = noted
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { count: number; at: number });
  const alive = (early === undefined && keeperAlive) || initAlive;
  // Its keeper may have written it down and ended between the two looks.
  const exit = alive ? early : (early ?? (await exitOf()));
  const state = meta.boot !== boot ? 'rebooted' : !keeper ? 'unclaimed' : alive ? 'alive' : 'ended';
  // The server may bind again (JupyterLab's own restart does): the published name must follow.
  const stale = socket?.isSocket() === true && socket.ino !== published?.ino;
  return {
    meta,
    state,
    begun: init !== undefined,
    stopAsked,
    exitCode: exit === undefined || exit.trim() === '' ? undefined : Number(exit),
    published: published?.isSocket() === true,
    port,
    kills,
    notices,
    due: state === 'alive' && (stale || size > ROTATE_RUNNING || kills > (notices.at(-1)?.count ?? 0)),
  };
}

/** Every launch folder, ours by label or not. */
export async function launches(place: Place): Promise<ProcessRef[]> {
  const names = await readdir(launchesDir(place)).catch(ifMissing([] as string[]));
  return names.flatMap((name) => parseLaunchName(name) ?? []);
}

/** The server owns this file, so it may be anything: a link, a pipe, a gigabyte. */
async function readPort(path: string): Promise<number | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (!handle) return undefined;
  try {
    if (!(await handle.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    const text = buffer.subarray(0, bytesRead).toString('latin1');
    const port = Number(text);
    // A number that is not yet followed by its end of line may still be growing.
    return /^\d{1,5}\n/.test(text) && port > 0 && port < 65_536 ? port : undefined;
  } finally {
    await handle.close();
  }
}
