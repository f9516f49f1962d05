import { appendFile, chmod, chown, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closeWarmStarts } from './helper.ts';
import { warmDir } from './layout.ts';
import { openOn, type ProcessWorld, untilReady, warmWorld } from './test-world.ts';
import { recall, remember } from './warm-memory.ts';

let world: ProcessWorld & { readonly script: string };
beforeEach(async () => {
  world = await warmWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const FOUND = {
  modules: ['json', 'uuid'],
  missing: ['nowhere'],
  kernelModules: ['json'],
  withoutKernels: '',
  leftOut: ['uuid'],
};
const files = async () => (await readdir(warmDir(world.place))).map((name) => join(warmDir(world.place), name));

/** Another run of the hub, as far as templates know. */
async function nextRun() {
  closeWarmStarts(world.place.dataDir);
  const spawner = await openOn(world);
  return untilReady(spawner);
}

test('what was learned is known again, of this command and this environment only', async () => {
  await remember(world.place, 'key', 'mark', FOUND);

  expect(await recall(world.place, 'key', 'mark')).toEqual(FOUND);
  expect(await recall(world.place, 'other', 'mark')).toBeUndefined();
  expect(await recall(world.place, 'key', 'another mark')).toBeUndefined();
});

test('what somebody else could have written is not believed', async () => {
  await remember(world.place, 'key', 'mark', FOUND);
  const [file = ''] = await files();
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  for (const mode of [0o620, 0o602, 0o640]) {
    await chmod(file, mode);
    expect(await recall(world.place, 'key', 'mark'), mode.toString(8)).toBeUndefined();
  }
  const text = await readFile(file, 'utf8');
  await rm(file);
  const elsewhere = join(world.place.dataDir, 'elsewhere');
  await writeFile(elsewhere, text, { mode: 0o600 });
  await symlink(elsewhere, file);
  expect(await recall(world.place, 'key', 'mark')).toBeUndefined();
  await rm(file);
  for (const broken of ['', '{', text.slice(0, -5), text.replace('"modules":[', '"modules":[7,')]) {
    await writeFile(file, broken, { mode: 0o600 });
    expect(await recall(world.place, 'key', 'mark'), broken.slice(0, 60)).toBeUndefined();
  }
  await writeFile(file, text, { mode: 0o600 });
  expect(await recall(world.place, 'key', 'mark')).toEqual(FOUND);
});

test.skipIf(process.getuid?.() !== 0)('as root, a folder that belongs to another account is left alone', async () => {
  await remember(world.place, 'key', 'mark', FOUND);
  await chown(warmDir(world.place), 1_900_001_001, 1_900_001_001);

  expect(await recall(world.place, 'key', 'mark')).toBeUndefined();
  await expect(remember(world.place, 'key', 'mark', FOUND)).rejects.toThrow('belongs to account 1900001001');
});

test('what belongs to commands that are not configured any more goes after a month', async () => {
  await remember(world.place, 'old', 'mark', FOUND);
  const [old = ''] = await files();
  const then = new Date(Date.now() - 31 * 24 * 3_600_000);
  await utimes(old, then, then);

  await remember(world.place, 'new', 'mark', FOUND);

  expect(await files()).toHaveLength(1);
  expect(await recall(world.place, 'new', 'mark')).toEqual(FOUND);
});

test('the next run of the hub loads its template without a scout; another environment has one again', {
  timeout: 120_000,
}, async () => {
  const first = await untilReady(await openOn(world));
  const [file = ''] = await files();
  const kept = JSON.parse(await readFile(file, 'utf8'));
  // By this it can be seen whether it was asked.
  await writeFile(file, JSON.stringify({ ...kept, modules: kept.modules.slice(0, -3) }));

  const second = await nextRun();
  await appendFile(world.script, '# changed\n');
  const third = await nextRun();

  expect(second.modules).toBeLessThan(first.modules!);
  expect(third.modules).toBe(first.modules);
});

test('what was learned and does not do any more is found out again', { timeout: 120_000 }, async () => {
  const first = await untilReady(await openOn(world));
  const [file = ''] = await files();
  const kept = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...kept, modules: ['gone'] }));

  const second = await nextRun();

  expect(second.modules).toBe(first.modules);
  expect(JSON.parse(await readFile(file, 'utf8')).modules).toEqual(kept.modules);
});
