import { testBrowser } from '@atrium/hub/testing';
import { describe, expect, test } from 'vitest';
import { NO_SERVERS, type TestCli, testCli } from '../testing/cli.ts';

const LONG = 90_000;

/** Signs in by the form, as a browser does: 302 when it worked. */
async function signIn(url: string, username: string, password: string): Promise<number> {
  return (await testBrowser(url).submit('/hub/login', { username, password })).status;
}

/** The same story is told with a hub and without. */
async function accountsStory(cli: TestCli): Promise<void> {
  const added = await cli.run(
    ['user', 'add', 'Ada', '--admin', '--password-stdin', '--json'],
    'correct horse battery\n',
  );
  const invited = await cli.json<{ link: string }>('user', 'add', 'bob');
  const twice = await cli.run(['user', 'add', 'bob']);
  const weak = await cli.run(['user', 'passwd', 'ada', '--password-stdin'], 'short');
  const issued = await cli.run(['token', 'ada', '--scopes', 'read:users', '--expires-in', '1h']);
  const unknown = await cli.run(['token', 'nobody']);
  const explained = await cli.json<{ allowed: boolean }>('auth', 'explain', 'carol');
  const first = await cli.run(['auth', 'explain', 'ada']);
  const removed = await cli.run(['user', 'remove', 'bob']);

  expect(added).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(added.out)).toEqual({ name: 'ada', admin: true, link: null, linkExpiresAt: null });
  expect(invited.link).toMatch(/\/hub\/reset\?token=\w+$/);
  expect(twice).toMatchObject({ code: 1, out: '' });
  expect(weak.code).toBe(1);
  expect(weak.err).toContain('characters');
  expect(issued).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
  expect(unknown).toMatchObject({ code: 1, out: '', err: expect.stringContaining('There is no user nobody') });
  expect(explained.allowed).toBe(false);
  // With nothing that keeps servers apart, this one may still come in.
  expect(first.out).toMatch(/account +allows +It is the first administrator/);
  expect(removed).toMatchObject({ code: 0, out: 'Removed bob. The home folder is kept.\n' });
  expect(await cli.json('user', 'list')).toEqual([expect.objectContaining({ name: 'ada', admin: true })]);
}

describe('accounts and tokens from the command line', () => {
  test('without a hub, in the database; a hub that starts later knows them', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);

    await accountsStory(cli);

    const up = await cli.up();
    expect(await signIn(up.url, 'ada', 'correct horse battery')).toBe(302);
  });

  test('with a running hub, through its control socket', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);
    const up = await cli.up();

    await accountsStory(cli);
    const changed = await cli.run(['user', 'passwd', 'ada', '--password-stdin'], 'another staple entirely');

    expect(changed.code).toBe(0);
    expect(await signIn(up.url, 'ada', 'correct horse battery')).toBe(403);
    expect(await signIn(up.url, 'ada', 'another staple entirely')).toBe(302);
  });
});
