import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LogFile } from './log-file.ts';

const SOON = { timeout: 30_000, interval: 10 };
const MIB = 1024 * 1024;
const line = `${'x'.repeat(64 * 1024 - 1)}\n`;
const dir = mkdtempSync(join(tmpdir(), 'atrium-log-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Writes so much, and waits until the disk has it. */
async function fill(log: LogFile, bytes: number, has: () => number): Promise<void> {
  const before = has();
  // No more at a time than it holds.
  for (let sent = 0; sent < bytes; ) {
    for (let part = 0; part < MIB; part += line.length) log.write(line);
    sent += MIB;
    await expect.poll(has, SOON).toBe(before + sent);
  }
}

test('two processes that share a file put it aside once, at its own size, and go on in the new one', async () => {
  const path = join(dir, 'access.log');
  const [one, two] = [new LogFile(path), new LogFile(path)];
  const all = () => size(path) + size(`${path}.1`);

  await fill(one, 12 * MIB, all);
  await fill(two, 9 * MIB, all);
  await expect.poll(() => existsSync(`${path}.1`), SOON).toBe(true);
  const aside = size(`${path}.1`);
  expect(aside).toBeGreaterThan(20 * MIB);
  await fill(one, MIB, all);
  await fill(one, MIB, all);

  expect(size(path)).toBeGreaterThanOrEqual(MIB);
  expect(readdirSync(dir)).toEqual(['access.log', 'access.log.1']);
  expect([one.dropped, two.dropped]).toEqual([0, 0]);
  for (const log of [one, two]) log.flush();
});

test('a file that somebody renamed is made anew, and what does not fit is lost and counted', async () => {
  const path = join(dir, 'other.log');
  const log = new LogFile(path);
  await fill(log, MIB, () => size(path));
  renameSync(path, `${path}.old`);

  await fill(log, MIB, () => size(path) + size(`${path}.old`));
  log.write('last\n');
  await expect.poll(() => size(path) > 0 && readFileSync(path, 'utf8').endsWith('last\n'), SOON).toBe(true);
  for (let n = 0; n < 200; n++) log.write(line);

  expect(log.dropped).toBeGreaterThan(0);
});
