import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { testPostgres } from '../../../../tools/test-machine.ts';
import { testDatabase } from '../../../../tools/test-postgres.ts';
import { NO_SERVERS, testCli } from '../testing/cli.ts';

const LONG = 90_000;

test('what is backed up while the hub runs comes back elsewhere, and again over what is there', {
  timeout: LONG,
}, async () => {
  await using cli = testCli(NO_SERVERS);
  const up = await cli.up();
  const { token } = await (async () => {
    await cli.run(['user', 'add', 'ada', '--admin']);
    return cli.json<{ token: string }>('token', 'ada');
  })();
  const home = join(cli.places.dataDir, 'homes', 'ada-1');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'notes.ipynb'), '{}');
  const file = join(cli.dir, 'backup.tar.gz');
  // Somebody waits for the keys where the file is going to grow.
  symlinkSync(join(cli.dir, 'trap'), join(cli.dir, '.backup.tar.gz.part'));

  await cli.json('backup', file);
  const whileRunning = await cli.run(['restore', file]);
  await cli.run(['user', 'add', 'late']);
  await up.end();
  const unforced = await cli.run(['restore', file]);
  const restored = await cli.json<{ aside: string }>('restore', file, '--force');

  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(join(cli.dir, 'trap'))).toBe(false);
  expect(whileRunning).toMatchObject({ code: 1, err: expect.stringContaining('Stop it first') });
  expect(unforced).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') });
  expect(readFileSync(join(restored.aside, 'homes', 'ada-1', 'notes.ipynb'), 'utf8')).toBe('{}');
  expect(readFileSync(join(home, 'notes.ipynb'), 'utf8')).toBe('{}');
  const again = await cli.up();
  expect((await cli.json<{ name: string }[]>('user', 'list')).map(({ name }) => name)).toEqual(['ada']);
  const answer = await fetch(new URL('hub/api/user', again.url), { headers: { authorization: `token ${token}` } });
  expect(answer.status).toBe(200);
});

test('a file that is no backup changes nothing', { timeout: LONG }, async () => {
  await using cli = testCli(NO_SERVERS);
  const file = join(cli.dir, 'atrium.config.ts');

  const refused = await cli.run(['restore', file]);

  expect(refused).toMatchObject({ code: 1, out: '' });

  mkdirSync(cli.places.dataDir);
  const nowhere = await cli.run(['backup', join(cli.dir, 'not', 'there.tar.gz')]);
  expect(nowhere.err).toBe(`There is no folder ${join(cli.dir, 'not')}.\n`);
});

const postgres = testPostgres();
const hasDump = postgres !== undefined && existsSync(join(postgres, 'pg_dump'));

test.skipIf(!hasDump)('a PostgreSQL database is part of it', { timeout: LONG }, async () => {
  process.env.PATH = `${postgres}${delimiter}${process.env.PATH}`;
  await using database = await testDatabase();
  await using cli = testCli(
    `import { defineConfig, echoSpawner } from 'atrium';
     export default defineConfig({ database: '${database.url}', spawner: echoSpawner() });`,
  );
  await cli.run(['user', 'add', 'ada']);
  const file = join(cli.dir, 'backup.tar.gz');
  await cli.json('backup', file);
  await cli.run(['user', 'add', 'late']);

  await cli.json('restore', file, '--force');

  expect((await cli.json<{ name: string }[]>('user', 'list')).map(({ name }) => name)).toEqual(['ada']);
});

test('a file that is no archive changes nothing and says so', async () => {
  await using cli = testCli(NO_SERVERS);
  const file = join(cli.dir, 'junk.tar.gz');
  writeFileSync(file, 'not an archive');

  const refused = await cli.run(['restore', file]);

  expect(refused.code).toBe(1);
  expect(refused.err).toContain('it is damaged, or not a backup that atrium backup made. Nothing was changed.');
});
