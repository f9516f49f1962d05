import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isReservedUid } from '@atrium/sdk';
import { z } from 'zod';
import { createCgroups } from './cgroups.ts';
import { Limits } from './config.ts';
import {
  holdDir,
  isRoot,
  launchDir,
  launchesDir,
  logsDir,
  Meta,
  Mode,
  type Place,
  ProcessRef,
  putFile,
} from './layout.ts';
import { openLog } from './logs.ts';
import { closedAncestors, mountPlan } from './plan.ts';
import { bootId, isAlive, readClaim } from './processes.ts';
import { looksLikePython, pythonFolders } from './python.ts';
import { prepareHome, StorageName } from './storage.ts';
import type { Started, WarmStarts } from './warm.ts';

const Variables = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
  z.string().refine((value) => !value.includes('\0')),
);

/** A start, as the hub asks for it. Checked again where it is carried out. */
export const LaunchInput = z.strictObject({
  ref: ProcessRef,
  mode: Mode,
  uid: z.int().nonnegative(),
  user: z.string().min(1),
  storage: StorageName,
  command: z.tuple([z.string().min(1)], z.string()),
  env: Variables,
  limits: Limits,
  address: z.enum(['unix', 'tcp']),
  python: z.string().startsWith('/'),
  readOnlyPaths: z.array(z.string().startsWith('/')),
  umask: z.enum(['022', '007']),
  tmpMb: z.int().positive(),
  /** For a warm start: the command without what belongs to this start, and the variables that all servers have. */
  warm: z.strictObject({ command: z.tuple([z.string().min(1)], z.string()), environment: Variables }).nullable(),
});
export type LaunchInput = z.output<typeof LaunchInput>;

/** What all starts have in common that can come of one template: nobody's name, account or secret. */
export const WarmBasis = LaunchInput.omit({
  ...{ ref: true, uid: true, user: true, storage: true, command: true, env: true, limits: true },
});
export type WarmBasis = z.output<typeof WarmBasis>;

/** How long a keeper may take to give a start back that came to nothing. */
const TAKE_BACK_MS = 5_000;
const SCRIPTS = fileURLToPath(new URL('../sh', import.meta.url));
/** What runs before privileges are dropped finds its tools here and nowhere else. */
const TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * One idempotent step towards a running server. However often and from wherever it is called, at most one process comes
 * of it: the folder appears complete or not at all, and in it the first keeper to link its claim goes on.
 */
export async function launch(input: LaunchInput, place: Place, warm?: WarmStarts): Promise<Started | null> {
  const root = isRoot();
  const uid = root ? input.uid : process.getuid!();
  if (root) {
    if (!isReservedUid(uid)) throw new Error(`Account ${uid} is not one that servers may run as.`);
    if (!input.storage.endsWith(`-${uid}`))
      throw new Error(`The home folder ${input.storage} is not account ${uid}'s.`);
    if (input.mode !== 'namespaces' && input.mode !== 'account')
      throw new Error('As root, servers get accounts of their own.');
  }
  const home = await prepareHome(place, input.storage, uid);
  await using launches = await holdDir(launchesDir(place), 0o751, place.hubGid);
  const dir = launches.join(`${input.ref.server}.${input.ref.generation}`);
  const there = (path: string) =>
    lstat(path).then(
      () => true,
      () => false,
    );
  if (!(await there(dir)))
    await prepare(input, place, uid, home, launches.join(`.new-${randomBytes(6).toString('hex')}`), dir);
  if (await there(join(dir, 'keeper'))) return null;

  const meta = Meta.parse(JSON.parse(await readFile(join(dir, 'meta.json'), 'utf8')));
  const procs = meta.cgroups.map((group) => join(group, 'cgroup.procs'));
  const mark = { ATRIUM_LAUNCH: launchMark(place, input.ref) };
  const tried = await warm?.start(input, {
    open: {
      ...{ launches: launchesDir(place), name: `${input.ref.server}.${input.ref.generation}` },
      ...{ logs: logsDir(place), log: `${input.ref.server}.log`, cgroups: procs, uid, umask: input.umask, home },
    },
    secret: { command: input.command, env: { ...input.env, ...mark } },
  });
  // Somebody else's call was faster.
  if (tried?.start === null) return null;
  if (tried?.begun) {
    return (await noteStart(dir, tried)) ? tried : null;
  }
  if (tried?.reason === 'template' && !(await takenBack(dir, meta.boot))) return null;
  const { handle } = await openLog(place, input.ref.server);
  try {
    const [enter, drop] = passage(input.mode, uid, root);
    const setup = [...enter, '/bin/sh', join(SCRIPTS, 'setup.sh'), ...drop, '/bin/sh', '-s', '--', ...input.command];
    const env = { ...input.env, ...mark };
    const keeper = spawn('/bin/sh', [join(SCRIPTS, 'keeper.sh'), procs.join(' '), ...setup], {
      cwd: dir,
      env: { PATH: TOOL_PATH, ATRIUM_UMASK: input.umask, ATRIUM_DIR: home, ...numbered(env) },
      // A session of its own: Ctrl-C in the hub's terminal does not reach it.
      detached: true,
      stdio: ['ignore', handle.fd, handle.fd],
    });
    await once(keeper, 'spawn');
    keeper.unref();
    return tried && (await noteStart(dir, tried)) ? tried : null;
  } finally {
    await handle.close();
  }
}

/**
 * For whoever looks at a server later: how it was started. False when that was noted before: on a busy machine a step is
 * asked for again before the first keeper has its claim. The folder may be gone already.
 */
const noteStart = (dir: string, { start, reason, detail }: Started) =>
  putFile(join(dir, 'start'), JSON.stringify({ start, reason, detail }), 'wx').then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
      return error.code === 'ENOENT';
    },
  );

/**
 * After a template failed in the middle of a start: whether nobody has that start any more. Its keeper takes the claim
 * back when it hears that there is no server; the claim of a first process that was killed is removed here.
 */
async function takenBack(dir: string, boot: string): Promise<boolean> {
  for (const until = Date.now() + TAKE_BACK_MS; await readClaim(join(dir, 'keeper')); await delay(10)) {
    if (Date.now() > until) return false;
  }
  if (await isAlive(await readClaim(join(dir, 'init')), boot)) return false;
  await rm(join(dir, 'init'), { force: true });
  return true;
}

/** What a server's processes carry in their environment. */
export const launchMark = (place: Place, ref: ProcessRef) => `${place.hubId}/${ref.server}.${ref.generation}`;

/** Neutral names until privileges are dropped: LD_PRELOAD or PATH of a server must not act on root's part. */
function numbered(env: Record<string, string>): Record<string, string> {
  const pairs = Object.entries(env);
  return Object.fromEntries([
    ['ATRIUM_ENV', String(pairs.length)],
    ...pairs.map(([name, value], at) => [`ATRIUM_ENV_${at}`, `${name}=${value}`]),
  ]);
}

/** How to enter the namespaces, and how to drop what was needed for that. */
function passage(mode: Mode, uid: number, root: boolean): [enter: string[], drop: string[]] {
  const spaces = ['--mount', '--ipc', '--pid', '--fork', '--propagation', 'private'];
  const gid = root ? uid : process.getgid!();
  const become = ['setpriv', '--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', '--no-new-privs'];
  const powerless = ['--inh-caps=-all', '--bounding-set=-all', '--'];
  switch (mode) {
    case 'namespaces':
      return [
        ['unshare', ...spaces],
        [...become, ...powerless],
      ];
    case 'account':
      return [[], [...become, ...powerless]];
    case 'user-namespace':
      // Root in a first namespace to mount, then a second one that gives the account its own number back.
      return [
        ['unshare', '--user', '--map-root-user', ...spaces],
        ['setpriv', '--no-new-privs', 'unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--'],
      ];
    case 'none':
      return [[], []];
  }
}

/** Fills a launch folder under another name and gives it its own when it is complete. */
async function prepare(
  input: LaunchInput,
  place: Place,
  uid: number,
  home: string,
  draft: string,
  dir: string,
): Promise<void> {
  const root = isRoot();
  const gid = root ? uid : process.getgid!();
  const isolated = input.mode === 'namespaces' || input.mode === 'user-namespace';
  await mkdir(join(draft, 'io'), { recursive: true });
  try {
    if (root) {
      await chown(draft, 0, place.hubGid);
      await chown(join(draft, 'io'), uid, place.hubGid);
    }
    await chmod(draft, 0o751);
    // The group's bit is inherited by the socket, which lets the hub's account connect and nobody else.
    await chmod(join(draft, 'io'), root ? 0o2770 : 0o700);
    if (isolated) await prepareView(input, place, home, draft, launchDir(place, input.ref), { uid, gid });
    const { handle, size } = await openLog(place, input.ref.server);
    await handle.close();
    const meta: Meta = {
      hubId: place.hubId,
      ...input.ref,
      boot: await bootId(),
      uid,
      storage: input.storage,
      mode: input.mode,
      address: input.address,
      cgroups: await createCgroups(place, input.ref, input.limits),
      logFrom: size,
      command: input.command,
      ...(input.limits.memoryMb === undefined ? {} : { memoryMb: input.limits.memoryMb }),
    };
    await putFile(join(draft, 'meta.json'), JSON.stringify(meta));
    await rename(draft, dir);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    // Somebody else's call was faster; theirs is as good as ours.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function prepareView(
  input: LaunchInput,
  place: Place,
  home: string,
  draft: string,
  dir: string,
  account: { uid: number; gid: number },
): Promise<void> {
  const python = await pythonFolders(input.python);
  for (const path of input.readOnlyPaths) {
    if (!(await looksLikePython(path)) && !(await reachable(path, place.hubUid, place.hubGid))) {
      throw new Error(`${path} lies where the hub's account may not go, so servers are not shown it either.`);
    }
  }
  const readable = await alsoReal([...python, ...input.readOnlyPaths]);
  const plan = mountPlan({
    mode: input.mode,
    dataDir: place.dataDir,
    runDir: place.runDir,
    home,
    io: join(dir, 'io'),
    readable,
    hidden: await existing(
      await alsoReal([
        place.dataDir,
        place.runDir,
        ...(isRoot() ? await closedAncestors(readable) : [...accountHomes(), '/run/user']),
      ]),
    ),
    temporary: await existing(['/tmp', '/var/tmp', '/dev/shm']),
    tmpMb: input.tmpMb,
  });
  await mkdir(join(draft, 'stage'));
  for (const [at, path] of plan.stages.entries()) {
    const target = join(draft, 'stage', String(at));
    // The folder of this launch has its final name only later; it is a folder for sure.
    const isFolder = path === join(dir, 'io') || (await stat(path)).isDirectory();
    await (isFolder ? mkdir(target) : writeFile(target, ''));
  }
  await writeFile(join(draft, 'plan'), `${plan.lines.join('\n')}\n`);
  const names = await accountFiles(input.user, input.storage, account, home);
  await putFile(join(draft, 'passwd'), names.passwd);
  await putFile(join(draft, 'group'), names.group);
}

/** Homes of the account that the hub runs as, which is the servers' own in a user namespace. */
function accountHomes(): string[] {
  const homes = [homedir()];
  try {
    homes.push(userInfo().homedir);
  } catch {
    // An account without an entry in /etc/passwd.
  }
  return homes.filter((home) => home !== '/' && home.startsWith('/'));
}

/** What a link leads to must be hidden, or shown, under its own name as well. */
async function alsoReal(paths: readonly string[]): Promise<string[]> {
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => path)));
  return [...new Set([...paths, ...real])];
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(async (path) => ((await stat(path).catch(() => undefined)) ? [path] : [])));
  return found.flat();
}

/** The machine's own account files with the person's line first, so that their number has a name inside. */
async function accountFiles(user: string, storage: string, account: { uid: number; gid: number }, home: string) {
  const [passwd, group, bash] = await Promise.all([
    readFile('/etc/passwd', 'utf8').catch(() => ''),
    readFile('/etc/group', 'utf8').catch(() => ''),
    stat('/bin/bash').then(
      () => true,
      () => false,
    ),
  ]);
  const taken = passwd.split('\n').some((line) => line.startsWith(`${user}:`));
  // A name of the machine's own, or one that the file's format cannot hold, gives way to the folder's.
  const name = !taken && /^[a-z_][a-z0-9_.@+-]{0,63}$/.test(user) ? user : storage;
  const line = `${name}:x:${account.uid}:${account.gid}::${home}:${bash ? '/bin/bash' : '/bin/sh'}`;
  return { passwd: `${line}\n${passwd}`, group: `${name}:x:${account.gid}:\n${group}` };
}

/** Whether an account may walk down to a path by the permission bits. */
async function reachable(path: string, uid: number, gid: number): Promise<boolean> {
  if (uid === 0 || !isRoot()) return true;
  for (let dir = dirname(path); dir !== '/'; dir = dirname(dir)) {
    const found = await stat(dir);
    const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
    if ((found.mode & bit) === 0) return false;
  }
  return true;
}
