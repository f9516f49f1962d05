import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type HeldDir, holdDir, type Place, warmDir } from './layout.ts';

const PROGRAMS = fileURLToPath(new URL('../py', import.meta.url));
const MAX_BYTES = 4 * 1024 * 1024;
/** Of commands that are not configured any more. */
const KEPT_MS = 30 * 24 * 3_600_000;

const Scouted = z.strictObject({
  modules: z.array(z.string()),
  missing: z.array(z.string()),
  kernelModules: z.array(z.string()),
  withoutKernels: z.string(),
  leftOut: z.array(z.string()),
});
/**
 * What a cold start had loaded when it answered, in that order, what it had looked for in vain, what a kernel had loaded
 * at its first cell, why kernels cannot be forked (or ''), and which modules could not be loaded before.
 */
export type Scouted = z.output<typeof Scouted>;
const Kept = z.strictObject({ mark: z.string(), scout: z.string(), ...Scouted.shape });

/**
 * What an earlier run of the hub learned about this command, if the environment is still the one that `mark` describes and
 * it is asked in the same way. Undefined for anything that cannot be believed: then it is found out again.
 */
export async function recall(place: Place, key: string, mark: string): Promise<Scouted | undefined> {
  try {
    await using dir = await hold(place);
    await using file = await open(
      dir.join(nameOf(key)),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    const found = await file.stat();
    // As root it decides what root imports, so nobody else may have had a hand in it.
    const own = found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
    if (!own || !found.isFile() || found.size > MAX_BYTES) return undefined;
    const { mark: its, scout, ...scouted } = Kept.parse(JSON.parse(await file.readFile('utf8')));
    return its === mark && scout === (await scoutHash()) ? scouted : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps it for the next run of the hub, in a file that only this account reads and writes. */
export async function remember(place: Place, key: string, mark: string, scouted: Scouted): Promise<void> {
  await using dir = await hold(place);
  const path = dir.join(nameOf(key));
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await using file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  await file.writeFile(JSON.stringify({ mark, scout: await scoutHash(), ...scouted } satisfies z.input<typeof Kept>));
  await rename(draft, path);
  for (const name of await readdir(dir.join('.'))) {
    if (!OURS.test(name)) continue;
    if ((await stat(dir.join(name))).mtimeMs < Date.now() - KEPT_MS) await rm(dir.join(name), { force: true });
  }
}

const hold = (place: Place): Promise<HeldDir> => holdDir(warmDir(place), 0o700, 0);

const OURS = /^[0-9a-f]{64}\.json(\.new)?$/;
const nameOf = (key: string) => `${createHash('sha256').update(key).digest('hex')}.json`;

/** Another release of this plug-in may look for other things, and manage what this one could not. */
async function scoutHash(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(PROGRAMS)).filter((name) => name.endsWith('.py'));
  for (const name of names.sort()) hash.update(await readFile(join(PROGRAMS, name)));
  return hash.digest('hex');
}
