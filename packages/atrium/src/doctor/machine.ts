import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Places } from '../files/data-dir.ts';
import { type Check, fail, ok, warn } from './check.ts';

const MINIMUM_NODE = [24, 15] as const;
const GB = 1024 ** 3;
const DISK_WARN = 5 * GB;
const DISK_FAIL = GB / 2;
/** No clock that is right shows less: this program is younger. */
const OLDEST_TIME = Date.UTC(2026, 10, 1);
const DAY_MS = 86_400_000;
const BACKUP_DAYS = 7;

export function checkNode(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
  if (isNew) return ok('Node', `Node ${version}`);
  return fail('Node', `Node ${version} is too old.`, `Install Node ${MINIMUM_NODE.join('.')} or newer.`);
}

export function checkDataDir({ dataDir }: Places): Check {
  if (!existsSync(dataDir)) return ok('data directory', `${dataDir} is not there yet; atrium up makes it.`);
  const { mode, uid } = statSync(dataDir);
  const me = process.getuid?.() ?? uid;
  if (uid !== me && me !== 0) {
    return fail('data directory', `${dataDir} belongs to account ${uid}.`, 'Run atrium as that account, or with sudo.');
  }
  // Others may pass through a root installation's folder to their own home folder, but not list or change it.
  if ((mode & 0o006) !== 0) {
    return fail('data directory', `Other accounts can read or change ${dataDir}.`, `chmod o-rw ${dataDir}`);
  }
  return ok('data directory', dataDir);
}

export function checkDisk({ dataDir }: Places): Check {
  let at = dataDir;
  while (!existsSync(at)) at = dirname(at);
  const { bavail, bsize } = statfsSync(at);
  const free = bavail * bsize;
  const text = `${(free / GB).toFixed(1)} GB free for ${dataDir}`;
  const advice = "Make room: a full disk stops people's work, and the hub cannot remember anything new.";
  if (free < DISK_FAIL) return fail('disk', text, advice);
  return free < DISK_WARN ? warn('disk', text, advice) : ok('disk', text);
}

export function checkClock({ dataDir }: Places, now = Date.now()): Check {
  const advice = 'Set the clock (timedatectl set-ntp true): sign-ins and tokens expire by it.';
  const database = join(dataDir, 'hub.sqlite');
  const newest = existsSync(database) ? statSync(database).mtimeMs : 0;
  if (now < OLDEST_TIME || newest > now + DAY_MS) {
    return fail('clock', `The clock says ${new Date(now).toISOString()}, which cannot be.`, advice);
  }
  return ok('clock', new Date(now).toISOString());
}

export function checkBackups({ dataDir, lastBackup }: Places, now = Date.now()): Check {
  const advice = 'atrium backup <file>, best every night, and keep the file on another machine.';
  if (!existsSync(join(dataDir, 'hub.sqlite')) && !existsSync(lastBackup)) return ok('backup', 'Nothing to keep yet');
  if (!existsSync(lastBackup)) return warn('backup', 'There was never a backup.', advice);
  const { at, file } = JSON.parse(readFileSync(lastBackup, 'utf8')) as { at: number; file: string };
  const days = Math.floor((now - at) / DAY_MS);
  if (days > BACKUP_DAYS) return warn('backup', `The last backup is ${days} days old.`, advice);
  return ok('backup', `${file}, ${days === 0 ? 'today' : `${days} days ago`}`);
}
