import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { link, lstat, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cgroupsBusy, cgroupsOf, killCgroups, removeCgroups } from './cgroups.ts';
import { launchMark } from './launch.ts';
import {
  holdDir,
  ifMissing,
  isRoot,
  launchesDir,
  type Meta,
  type Place,
  type ProcessRef,
  putFile,
  readMeta,
} from './layout.ts';
import { logSize, ROTATE_RUNNING, rotateLog } from './logs.ts';
import { look } from './look.ts';
import { bootId, isAlive, readClaim, signal, withEnvironment } from './processes.ts';

const run = promisify(execFile);
/** How long `remove` waits for what it killed to be gone from the process table. */
const REAP_MS = 3_000;

/** Runs `act` with a launch folder that nobody can swap meanwhile; nothing when there is none. */
async function inLaunch(place: Place, ref: ProcessRef, act: (dir: string, meta: Meta) => Promise<void>): Promise<void> {
  await using launches = await holdDir(launchesDir(place), 0o751, place.hubGid);
  const dir = launches.join(`${ref.server}.${ref.generation}`);
  const meta = await readMeta(dir);
  if (meta?.hubId === place.hubId) await act(dir, meta);
}

/** Asks a server to end, or ends it. Returns at once; what became of it is for `look` to say. */
export async function signalLaunch(place: Place, ref: ProcessRef, force: boolean): Promise<void> {
  await inLaunch(place, ref, async (dir, meta) => {
    // The mark first: a start that is under way looks for it after it has said who it is.
    await putFile(join(dir, 'stop'), '');
    // Where no keeper is yet, this takes its place: one that was started and is late finds it taken and leaves.
    await putFile(join(dir, 'keeper'), 'void\n', 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const boot = await bootId();
    const init = await readClaim(join(dir, 'init'));
    const alive = init && init !== 'void' && (await isAlive(init, boot));
    if (alive) signal(init.pid, force ? 'SIGKILL' : 'SIGTERM');
    if (force && meta.boot === boot) await killRest(place, ref, dir, meta);
  });
}

/** In a pid namespace the end of its first process is the end of all; without one, what is left is looked for. */
async function killRest(place: Place, ref: ProcessRef, dir: string, meta: Meta): Promise<void> {
  await killCgroups(meta.cgroups);
  if (meta.mode === 'namespaces' || meta.mode === 'user-namespace') return;
  for (const pid of await withEnvironment(`ATRIUM_LAUNCH=${launchMark(place, ref)}`)) signal(pid, 'SIGKILL');
  if (process.platform === 'linux') return;
  const keeper = await readClaim(join(dir, 'keeper'));
  if (keeper && keeper !== 'void' && (await isAlive(keeper, meta.boot))) signal(-keeper.pid, 'SIGKILL');
}

/** Does what `Facts.due` says: gives the socket its safe name, notes out-of-memory kills, keeps the log in bounds. */
export async function tend(place: Place, ref: ProcessRef, now: number): Promise<void> {
  await inLaunch(place, ref, async (dir, meta) => {
    await publish(dir, meta);
    const facts = await look(place, ref);
    if (facts && facts.kills > (facts.notices.at(-1)?.count ?? 0)) {
      await putFile(join(dir, 'notices'), `${JSON.stringify({ count: facts.kills, at: now })}\n`, 'a');
    }
    if ((await logSize(place, ref.server)) > ROTATE_RUNNING) await rotateLog(place, ref.server);
  });
}

/**
 * The server owns the folder it binds in and could put a link there that leads hub and proxy to somebody else's socket.
 * So they connect to a second name of the same socket, in a folder that it cannot write to.
 */
async function publish(dir: string, meta: Meta): Promise<void> {
  // A name of its own: a start that goes on and the look at all servers may come to this at the same moment.
  const draft = join(dir, `sock.new-${randomBytes(6).toString('hex')}`);
  try {
    // link(2) does not follow a link: whatever lies there gets the second name itself and is looked at under it.
    const linked = await link(join(dir, 'io', 'server.sock'), draft).then(() => true, ifMissing(false));
    if (!linked) return;
    const found = await lstat(draft);
    if (found.isSocket() && found.uid === meta.uid) await rename(draft, join(dir, 'sock'));
  } finally {
    // Also when it was renamed: where both are names of one socket, rename(2) leaves both.
    await rm(draft, { force: true });
  }
}

/** Removes what is left of a start; ends it first when it still runs. */
export async function remove(place: Place, ref: ProcessRef): Promise<void> {
  await signalLaunch(place, ref, true);
  await inLaunch(place, ref, async (dir, meta) => {
    const gone = async () => (await look(place, ref))?.state !== 'alive' && !(await cgroupsBusy(meta.cgroups));
    for (const until = Date.now() + REAP_MS; !(await gone()); await delay(20)) {
      if (Date.now() > until)
        throw new Error('The server does not end although it was killed; it may be waiting for a disk.');
    }
    // Out of sight at once: what is deleted file by file is neither a launch nor nothing when that is cut off, or when a
    // keeper that came late, and finds its place taken, puts its draft of a claim in between.
    const name = `.old-${randomBytes(6).toString('hex')}`;
    const rest = join(dirname(dir), name);
    // Nothing to rename: somebody else's call was faster.
    if (!(await rename(dir, rest).then(() => true, ifMissing(false)))) return;
    await deleteRest(join(launchesDir(place), name));
  });
  await removeCgroups(await cgroupsOf(place, ref));
}

/**
 * Deletes a folder that is out of sight. The `io` in it belongs to the server's account, which may still swap folders for
 * links there: another server of the same person can have been handed it open. So what is more than the socket is left to
 * `rm`, which walks by open folders and is not misled; Node's own deletes by paths.
 */
async function deleteRest(path: string): Promise<void> {
  const io = join(path, 'io');
  for (const name of ['server.sock', 'port']) await unlink(join(io, name)).catch(() => {});
  const isPlain = await rmdir(io).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT',
  );
  if (isRoot() && !isPlain) await run('rm', ['-rf', '--', path]);
  else await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

/** Removes drafts and rests of launch folders that a killed hub left. For a hub that starts, when no other one acts. */
export async function sweepDrafts(place: Place): Promise<void> {
  for (const name of await readdir(launchesDir(place)).catch(ifMissing([] as string[]))) {
    if (/^\.(new|old)-/.test(name)) await deleteRest(join(launchesDir(place), name));
  }
}
