import { chown, cp, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing } from '../errors.ts';
import { run } from './run.ts';

const ROOT = 0;

/**
 * Gives a home to its account. A home whose top belongs to another number came back under a new one (the hub's database
 * was rebuilt), so all that belonged to that number follows; links are changed, never followed.
 */
export async function giveHome(home: string, uid: number): Promise<void> {
  const { uid: owner } = await lstat(home);
  if (owner === uid) return;
  if (owner !== ROOT) await run(['chown', '--recursive', '--no-dereference', `--from=${owner}`, `${uid}:${uid}`, home]);
  await chown(home, uid, uid);
}

/** Puts the usual files into a new home; what is there already stays as it is. */
export async function fillHome(home: string, skeleton: string, uid: number): Promise<void> {
  for (const name of await readdir(skeleton).catch(ifMissing([] as string[]))) {
    await cp(join(skeleton, name), join(home, name), {
      recursive: true,
      verbatimSymlinks: true,
      force: false,
      errorOnExist: false,
    });
    await run(['chown', '--recursive', '--no-dereference', `${uid}:${uid}`, join(home, name)]);
  }
}
