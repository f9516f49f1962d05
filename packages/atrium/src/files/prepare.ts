import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '../cli/command.ts';
import { type Account, type Decision, decideAccount } from './account.ts';
import type { Places } from './data-dir.ts';

/** Root's own in a data directory: homes, the servers' logs and what is known for warm starts are the root helper's, the rest need not change hands. */
const NOT_THE_HUBS = new Set([
  'homes',
  'logs',
  'warm',
  'python',
  'wheels',
  'up.lock',
  'api-address.json',
  'last-backup.json',
  'atrium.config.ts',
]);

/** Where the program itself lies; whoever runs the hub must be able to read it. */
const PROGRAM = new URL('.', import.meta.url).pathname;

/**
 * Makes the data and the run directory for the account that will use them, and says which one that is.
 * With an account of its own, the hub writes into both but owns neither: what root put there it cannot replace.
 */
export function prepareDirs(places: Places, configFile: string | undefined): Decision {
  try {
    return prepare(places, configFile);
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (!code || !path) throw error;
    throw new CommandError(explainDir(code, path));
  }
}

function explainDir(code: string, path: string): string {
  const other = 'Choose another folder with --data-dir.';
  if (code === 'EEXIST' || code === 'ENOTDIR')
    return `${path} cannot be a folder: there is a file of that name. ${other}`;
  if (code === 'ENOSPC') return `The disk is full: ${path} cannot be made.`;
  return `${path} cannot be made or changed by this account (${code}). ${other}`;
}

function prepare(places: Places, configFile: string | undefined): Decision {
  makeParents(places.dataDir);
  const decision = decideAccount([
    process.execPath,
    PROGRAM,
    dirname(places.dataDir),
    ...(configFile ? [configFile] : []),
  ]);
  const { account } = decision;
  const isNew = makeDir(places.dataDir, account);
  if (account && isNew) handOver(places.dataDir, account);
  makeDir(places.runDir, account);
  for (const dir of [places.logDir, places.cacheDir, places.servicesDir]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (account && lstatSync(dir).uid === 0) chownSync(dir, account.uid, account.gid);
  }
  return decision;
}

function makeParents(dir: string): void {
  // Not private: only the last folder is ours, and whoever may pass through the others is not our business.
  mkdirSync(dirname(dir), { recursive: true, mode: 0o755 });
}

/** True when the directory was not the account's before. */
function makeDir(dir: string, account: Account | undefined): boolean {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const before = lstatSync(dir);
  const me = process.getuid?.() ?? before.uid;
  // As root too: an ordinary user's installation would not be theirs any more.
  if (!before.isDirectory() || ![me, account?.uid].includes(before.uid)) {
    throw new CommandError(
      `${dir} belongs to account ${before.uid}. Run atrium as that account (sudo -u), or choose another folder with --data-dir.`,
    );
  }
  if (me !== 0) {
    if ((before.mode & 0o777) !== 0o700) chmodSync(dir, 0o700);
    return false;
  }
  // People's servers pass through to their own home folders; nobody else can list it. Sticky: only root replaces what
  // root made.
  const gid = account?.gid ?? 0;
  if (before.uid !== 0 || before.gid !== gid) chownSync(dir, 0, gid);
  const mode = account ? 0o1771 : 0o711;
  if ((before.mode & 0o7777) !== mode) chmodSync(dir, mode);
  return before.gid !== gid;
}

/**
 * Gives what an earlier root hub (or a restored backup) left to the account. Only called while the account could not
 * write here before, so that it could not have planted a link to something else.
 */
function handOver(dir: string, account: Account): void {
  for (const name of readdirSync(dir)) {
    if (!NOT_THE_HUBS.has(name)) handOverTree(join(dir, name), account);
  }
}

function handOverTree(path: string, account: Account): void {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink() || (stats.isFile() && stats.nlink > 1)) return;
  chownSync(path, account.uid, account.gid);
  if (stats.isDirectory()) for (const name of readdirSync(path)) handOverTree(join(path, name), account);
}
