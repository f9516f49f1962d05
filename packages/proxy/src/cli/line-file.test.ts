import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { testDir, until } from '../test-kit.ts';
import { LineFile } from './line-file.ts';

const text = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

test('lines are appended whole and in order, and go into a new file once it was renamed', async () => {
  await using dir = await testDir();
  const path = join(dir.path, 'access.log');
  const file = new LineFile(path);
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => `${JSON.stringify({ n: from + at })}\n`);

  for (const line of lines(0, 20_000)) file.write(line);
  await until('all is there', () => text(path) === lines(0, 20_000).join(''));
  renameSync(path, `${path}.1`);
  file.write('old\n');
  await until('the old file goes on', () => text(`${path}.1`).endsWith('old\n'));
  file.reopen();
  file.write('new\n');
  file.flush();

  expect(text(path)).toBe('new\n');
  expect(file.dropped).toBe(0);
  expect(() => new LineFile(join(dir.path, 'no/such/folder'))).toThrow(/ENOENT/);
});

test.skipIf(process.platform !== 'linux')(
  'a reader that does not read costs lines, which are counted, and neither memory nor time',
  async () => {
    await using dir = await testDir();
    const path = join(dir.path, 'pipe');
    execFileSync('mkfifo', [path]);
    expect(() => new LineFile(path)).toThrow(/ENXIO/);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const file = new LineFile(path, 512 * 1024);
    const line = `${'x'.repeat(1023)}\n`;

    for (let n = 0; n < 1000; n++) file.write(line);
    expect(file.dropped).toBe(1000 - 512);

    // What waits is not lost: it comes when somebody reads.
    const buffer = Buffer.alloc(1 << 20);
    let bytes = 0;
    await until('everything that was not dropped has come', () => {
      try {
        bytes += readSync(reader, buffer);
      } catch {
        // Nothing there at this moment.
      }
      return bytes === 512 * 1024;
    });
    file.write('last\n');
    await until('there is room again', () => {
      try {
        return buffer.toString('latin1', 0, readSync(reader, buffer)) === 'last\n';
      } catch {
        return false;
      }
    });
    closeSync(reader);
  },
);

test('atrium-proxy writes it where it is told to, and opens it anew on SIGHUP', async () => {
  await using dir = await testDir();
  const path = join(dir.path, 'access.log');
  // As it is called: the signal has to reach the proxy, not a process that started it.
  const program = fileURLToPath(new URL('../../bin/atrium-proxy.mjs', import.meta.url));
  const flags = ['--ip', '127.0.0.1', '--port', '0', '--api-ip', '127.0.0.1', '--storage-backend', 'memory'];
  const child = spawn(process.execPath, [program, ...flags, '--access-log', path], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    await until('it listens', () => said.includes('/api/routes'));
    const url = /http:\S+/.exec(said)![0];
    expect((await fetch(`${url}/lab?token=abc`)).status).toBe(404);
    await until('the line is there', () => text(path).endsWith('\n'));
    renameSync(path, `${path}.1`);
    child.kill('SIGHUP');
    await until('there is a new file', () => existsSync(path));
    await fetch(`${url}/other`);
    await until('it has a line', () => text(path).endsWith('\n'));

    expect(JSON.parse(text(`${path}.1`))).toMatchObject({ method: 'GET', path: '/lab?token=*', status: 404 });
    expect(JSON.parse(text(path))).toMatchObject({ path: '/other' });
  } finally {
    child.kill('SIGKILL');
  }
});
