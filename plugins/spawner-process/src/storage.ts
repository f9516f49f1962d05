import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lchown, lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SpawnUser } from '@atrium/sdk';
import { z } from 'zod';
import { holdDir, homesDir, ifMissing, isRoot, type Place } from './layout.ts';
import { launches, look } from './look.ts';

const run = promisify(execFile);

/** A home folder's name: something readable, and the account number that makes it unique. */
export const StorageName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}-\d{1,10}$/);

/** Names a person's home folder once and for ever: `ada-1900001001`. Pure. */
export function nameStorage(user: Omit<SpawnUser, 'storage'>): string {
  const slug = user.name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/^[-_]+|[-_]+$/g, '')
    .slice(0, 32);
  return `${slug || 'user'}-${user.uid}`;
}

/** Makes a person's home folder if it is missing. One that belongs to somebody else is refused, never taken over. */
export async function prepareHome(place: Place, storage: string, uid: number): Promise<string> {
  await using homes = await holdDir(homesDir(place), 0o711, 0);
  const path = homes.join(StorageName.parse(storage));
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(path);
  const mine = process.getuid?.();
  if (!found.isDirectory()) throw new Error(`The home folder ${storage} is not a folder.`);
  if (isRoot() && found.uid === 0 && uid !== 0) {
    // Made just now, or by a run that was cut off here; nobody but root could have put anything into it.
    if ((await readdir(path)).length > 0)
      throw new Error(`The home folder ${storage} belongs to root and is not empty.`);
    await chmod(path, 0o700);
    await lchown(path, uid, uid);
  } else if (found.uid !== (isRoot() ? uid : mine)) {
    throw new Error(`The home folder ${storage} belongs to account ${found.uid}, not to ${isRoot() ? uid : mine}.`);
  }
  return join(homesDir(place), storage);
}

/** Deletes a person's home folder for good. Refuses while a server of theirs runs. */
export async function removeHome(place: Place, storage: string): Promise<void> {
  const name = StorageName.parse(storage);
  for (const ref of await launches(place)) {
    const facts = await look(place, ref);
    if (facts?.meta.storage === name && facts.state === 'alive') {
      throw new Error('A server still uses this home folder. Stop it first.');
    }
  }
  await using homes = await holdDir(homesDir(place), 0o711, 0);
  const doomed = `.removed-${name}-${randomBytes(4).toString('hex')}`;
  await rename(homes.join(name), homes.join(doomed)).catch(ifMissing(undefined));
  // What an earlier call was cut off in goes too. `rm` walks by open folders, so a link planted inside leads nowhere.
  const left = (await readdir(homes.join('.'))).filter((entry) => entry.startsWith(`.removed-${name}-`));
  const paths = left.map((entry) => join(homesDir(place), entry));
  if (paths.length === 0) return;
  // Package caches make their folders read-only, which stops everybody but root.
  if (!isRoot()) await run('chmod', ['-R', 'u+rwX', '--', ...paths]);
  await run('rm', ['-rf', '--', ...paths]);
}
