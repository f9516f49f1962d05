import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Check } from '../doctor/check.ts';
import { checkBackups, checkClock, checkNode } from '../doctor/machine.ts';
import { NO_SERVERS, testCli } from '../testing/cli.ts';

const LONG = 60_000;

test('doctor looks at everything, running or not, and says what to do', { timeout: LONG }, async () => {
  await using cli = testCli(NO_SERVERS);

  const before = await cli.json<{ ok: boolean; checks: Check[] }>('doctor');
  const up = await cli.up('--host', '0.0.0.0');
  const during = await cli.json<{ checks: Check[] }>('doctor');
  await up.end();
  writeFileSync(join(cli.dir, 'atrium.config.ts'), 'export default { prot: 1 };');
  const broken = await cli.run(['doctor']);

  expect(before.ok).toBe(true);
  expect(before.checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'Node',
      'data directory',
      'disk',
      'clock',
      'configuration',
      'port',
      'encryption',
      'backup',
    ]),
  );
  expect(before.checks).toContainEqual(expect.objectContaining({ name: 'administrator', state: 'warn' }));
  expect(during.checks).toContainEqual({ name: 'port', state: 'ok', message: `Runs at ${up.url}` });
  expect(during.checks).toContainEqual(expect.objectContaining({ name: 'encryption', state: 'warn' }));
  expect(broken).toMatchObject({ code: 1, out: expect.stringContaining('FAIL  configuration: prot: unknown setting') });
});

test('an old Node, a wrong clock and an old backup are told', async () => {
  await using cli = testCli();
  const { places } = cli;
  writeFileSync(join(cli.dir, 'last.json'), JSON.stringify({ at: Date.UTC(2026, 10, 2), file: '/b.tar.gz' }));
  const lastBackup = join(cli.dir, 'last.json');

  expect(checkNode('20.19.0')).toMatchObject({ state: 'fail', message: 'Node 20.19.0 is too old.' });
  expect(checkNode('24.15.0').state).toBe('ok');
  expect(checkClock(places, Date.UTC(1970, 0, 1)).state).toBe('fail');
  expect(checkBackups({ ...places, lastBackup }, Date.UTC(2026, 10, 12))).toMatchObject({
    state: 'warn',
    message: 'The last backup is 10 days old.',
  });
});
