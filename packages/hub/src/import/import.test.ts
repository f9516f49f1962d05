import { password } from '@atrium/auth-password';
import { echoSpawner } from '@atrium/spawner-echo';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { runVerb } from '../commands/commands.service.ts';
import { cryptKeysIn } from '../legacy/fernet.ts';
import { setPassword } from '../login/links.service.ts';
import { findCode, receivedScopes } from '../shares/shares.service.ts';
import { startTestHub, type TestBrowser, type TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { readAuthState } from '../users/auth-state.service.ts';
import { findUser } from '../users/users.service.ts';
import type { ImportReport, TableReport } from './report.ts';
import { readJupyterHub } from './source/read.ts';
import type { Source } from './source/schema.ts';
import { copyToPostgres, type Facts, type MadeDatabase, makeDatabase, VERSIONS } from './testing/test-sources.ts';
import type { UndoReport } from './undo.service.ts';

const LONG = 120_000;

async function newHub(at: number, database?: string): Promise<TestHub> {
  return startTestHub({
    spawner: echoSpawner(),
    authenticator: password({ hashing: { memoryKiB: 64, passes: 1 } }),
    clock: shiftedClock(at),
    controller: false,
    config: { keepAuthState: true },
    ...(database !== undefined && { database }),
  });
}

const take = (hub: TestHub, source: Source, facts: Facts, apply: boolean) =>
  runVerb(hub.ctx, 'import-jupyterhub', {
    source,
    cookieSecret: facts.cookieSecret,
    apply,
  }) as Promise<ImportReport>;

const tableOf = (report: { tables: TableReport[] }, name: string) => report.tables.find(({ table }) => table === name);
const reasons = (table: TableReport | undefined) =>
  (table?.skipped ?? []).flatMap(({ why, names }) => names.map((name) => `${name}: ${why}`)).sort();

/** Who the hub says a token's owner is; the status when it knows none. */
async function ownerOf(hub: TestHub, token: string): Promise<string | number> {
  const response = await fetch(`${hub.origin}/hub/api/user`, { headers: { authorization: `token ${token}` } });
  if (response.status !== 200) return response.status;
  const { kind, name } = (await response.json()) as { kind: string; name: string };
  return `${kind} ${name}`;
}

/** A browser that was signed in at the JupyterHub. */
function browserWith(hub: TestHub, cookie: string): TestBrowser {
  const browser = hub.browser();
  const [name, path] = ['jupyterhub-hub-login', '/hub/'];
  browser.cookies.set(`${name} ${path}`, { name, path, value: cookie });
  return browser;
}

const homeWith = async (hub: TestHub, cookie: string) => (await browserWith(hub, cookie).fetch('/hub/home')).status;

const leftovers = async ({ ctx }: TestHub) =>
  (await ctx.db.selectFrom('legacy_tokens').select('token_id').execute()).length;

describe.for(VERSIONS)('a database of JupyterHub $version', (kind) => {
  /** Made once, and only read. */
  let made: MadeDatabase;
  beforeAll(async () => {
    if (kind.python) made = await makeDatabase(kind);
  }, LONG);
  afterAll(() => made?.[Symbol.dispose]());

  test.skipIf(!kind.python).for(['sqlite', 'postgres'] as const)(
    'is taken over into %s: its tokens, sign-ins, groups, roles and servers go on; once, and back again',
    { timeout: LONG },
    async (dialect, { skip }) => {
      if (dialect === 'postgres' && !hasPostgres) skip();
      const { facts } = made;
      await using place = dialect === 'postgres' ? await testDatabase() : undefined;
      await using hub = await newHub(facts.at, place?.url);
      const { ctx } = hub;

      const source = await readJupyterHub({
        db: `sqlite:///${made.file}`,
        folder: '/',
        cryptKeys: cryptKeysIn(facts.cryptKeys),
      });
      const rehearsal = await take(hub, source, facts, false);
      const before = {
        users: (await ctx.db.selectFrom('users').select('id').execute()).length,
        token: await ownerOf(hub, facts.tokens.ada),
        cookie: await homeWith(hub, facts.cookies.bob),
      };
      const report = await take(hub, source, facts, true);

      expect(source.version).toBe(kind.version);
      expect(before).toEqual({ users: 0, token: 403, cookie: 302 });
      expect(rehearsal).toEqual({ ...report, applied: false });
      expect(tableOf(report, 'users')).toMatchObject({ found: 5, taken: 4, there: 0 });
      expect(reasons(tableOf(report, 'users'))).toEqual([' .. : cannot be a user name here']);
      expect(tableOf(report, 'users')?.changed).toEqual([
        { names: ['Grace.Hopper'], why: expect.stringContaining('capital letters') },
      ]);
      expect(tableOf(report, 'groups')).toMatchObject({ found: 2, taken: 2 });
      expect(tableOf(report, 'user_group_map')).toMatchObject({ found: 3, taken: 3 });
      expect(tableOf(report, 'roles')).toMatchObject({ found: 5, taken: 1, there: 4 });
      expect(tableOf(report, 'services')).toMatchObject({ found: 1, taken: 1 });
      expect(tableOf(report, 'spawners')?.changed.map(({ names }) => names)).toEqual([
        ['bob/My Big Server! → my-big-server'],
        ['eve/'],
      ]);
      expect(tableOf(report, 'api_tokens')).toMatchObject({ found: 7, taken: 4 });
      expect(reasons(tableOf(report, 'api_tokens'))).toEqual([
        'a5 of eve (over): has expired',
        "a6 of eve (Server at /user/eve/): a server's own: it gets another when it starts here",
        'a7 of  ..  (of somebody who cannot be): its owner is not taken over',
      ]);
      expect(tableOf(report, 'auth_state')).toMatchObject({ found: 2, taken: 1 });
      expect(reasons(tableOf(report, 'auth_state'))).toEqual([expect.stringContaining('eve: no key opens it')]);
      const ada = await findUser(ctx.db, 'ada');
      expect(await readAuthState(ctx, ada?.id ?? 0)).toEqual({ access_token: 'of-ada' });
      const stored = await ctx.db.selectFrom('users').select('auth_state').where('name', '=', 'ada').executeTakeFirst();
      expect(stored?.auth_state).not.toContain('of-ada');
      expect(tableOf(report, 'users_info')?.skipped[0]?.why).toContain('NativeAuthenticator');
      expect(report.todo.join('\n')).toContain('stop it there before people come here: eve/');

      expect(await findUser(ctx.db, 'bob')).toMatchObject({
        admin: false,
        groups: ['biology'],
        allowedBy: 'import',
        lastActivity: Date.UTC(2026, 2, 4, 5, 6, 7, 891),
      });

      // The very token text counts, also of one that JupyterHub hashes 16,384 times; then it is stored as ours are.
      expect(await leftovers(hub)).toBe(4);
      const owners = async () =>
        Object.fromEntries(
          await Promise.all(
            Object.entries(facts.tokens).map(async ([name, token]) => [name, await ownerOf(hub, token)] as const),
          ),
        );
      const expected = {
        ada: 'user ada',
        bob: 'user bob',
        configured: 'user bob',
        service: 'service grader',
        expired: 403,
        server: 403,
        bad: 403,
      };
      expect(await owners()).toEqual(expected);
      expect(await leftovers(hub)).toBe(0);
      expect(await owners()).toEqual(expected);
      expect(await ownerOf(hub, `${facts.tokens.ada.slice(0, 4)}${'0'.repeat(28)}`)).toBe(403);

      expect(ada).toMatchObject({ admin: true, groups: ['physics'] });
      const groups = await ctx.db.selectFrom('groups').select(['name', 'properties']).orderBy('name').execute();
      expect(groups.map(({ name, properties }) => [name, JSON.parse(properties)])).toEqual([
        ['biology', { room: 7, tags: ['a', 'b'] }],
        ['physics', {}],
      ]);
      const servers = await ctx.db
        .selectFrom('servers')
        .select(['name', 'display_name', 'user_options', 'phase'])
        .orderBy('name')
        .execute();
      expect(servers.map((row) => ({ ...row, user_options: JSON.parse(row.user_options) }))).toEqual([
        { name: '', display_name: '', phase: 'stopped', user_options: { profile: 'small' } },
        {
          name: 'my-big-server',
          display_name: 'My Big Server!',
          phase: 'stopped',
          user_options: {
            file: { __jupyterhub_bytes__: true, data: Buffer.from('bytes of a file').toString('base64').concat('\n') },
          },
        },
        { name: 'thesis', display_name: 'thesis', phase: 'stopped', user_options: { profile: 'big', seats: 3 } },
      ]);

      // Shares follow their servers, under whatever name; a code that was given out is good here.
      const shares = kind.version === '4' ? 0 : 2;
      expect(tableOf(report, 'shares')).toMatchObject({ found: shares, taken: shares, skipped: [] });
      expect(tableOf(report, 'share_codes')).toMatchObject({ taken: shares / 2, skipped: [] });
      if (facts.shareCode) {
        const scopesOf = async (name: string) => {
          const user = await findUser(ctx.db, name);
          return user ? receivedScopes(ctx, user) : [];
        };
        expect(await scopesOf('eve')).toEqual(['access:servers!server=bob/thesis']);
        expect(await scopesOf('ada')).toEqual([
          'access:servers!server=bob/my-big-server',
          'read:servers!server=bob/my-big-server',
        ]);
        expect(await findCode(ctx, `${facts.shareCode.slice(0, 4)}${'x'.repeat(39)}`)).toBeUndefined();
        for (let twice = 0; twice < 2; twice += 1) {
          expect(await findCode(ctx, facts.shareCode)).toMatchObject({ server: { owner: 'bob', name: 'thesis' } });
        }
      }

      // Whoever is signed in there is signed in here, in as many requests at once as a browser likes.
      const { bob: cookie, again, ...wrong } = facts.cookies;
      expect(await Promise.all([1, 2, 3].map(() => homeWith(hub, cookie)))).toEqual([200, 200, 200]);
      expect(await Promise.all(Object.values(wrong).map((one) => homeWith(hub, one)))).toEqual([302, 302, 302, 302]);
      const tampered = cookie.replace(/\|44:./, (text) => `${text.slice(0, -1)}A`);
      expect(await homeWith(hub, tampered)).toBe(302);
      await browserWith(hub, cookie).fetch('/hub/logout');
      expect(await homeWith(hub, cookie)).toBe(302);
      expect(await homeWith(hub, again)).toBe(200);

      const second = await take(hub, source, facts, true);
      expect(second.tables.filter(({ taken }) => taken > 0)).toEqual([]);
      expect(tableOf(second, 'api_tokens')).toMatchObject({ there: 4 });

      // What somebody has changed, and what it hangs on, stays.
      await ctx.db.updateTable('servers').set({ display_name: 'My thesis' }).where('name', '=', 'thesis').execute();
      const eve = await findUser(ctx.db, 'eve');
      if (eve) await setPassword(ctx, eve, 'green otter paints trams');
      const undoing = (await runVerb(ctx, 'import-undo', { apply: false })) as UndoReport;
      const undone = (await runVerb(ctx, 'import-undo', { apply: true })) as UndoReport;
      expect(undone).toEqual({ ...undoing, applied: true });
      expect(reasons(tableOf(undone, 'server'))).toEqual(['["bob","thesis"]: was changed here since']);
      expect(reasons(tableOf(undone, 'user'))).toEqual(['bob: has a server here', 'eve: has a password here']);
      expect(tableOf(undone, 'token')).toMatchObject({ taken: 4 });
      const left = await ctx.db.selectFrom('users').select(['name', 'groups']).orderBy('name').execute();
      expect(left).toEqual([
        { name: 'bob', groups: '[]' },
        { name: 'eve', groups: '[]' },
      ]);
      expect(await ownerOf(hub, facts.tokens.configured)).toBe(403);
      expect(await homeWith(hub, again)).toBe(302);
      for (const table of [
        'groups',
        'roles',
        'services',
        'api_tokens',
        'shares',
        'share_codes',
        'import_items',
        'legacy_logins',
      ] as const) {
        expect([table, await ctx.db.selectFrom(table).selectAll().execute()]).toEqual([table, []]);
      }
      await expect(runVerb(ctx, 'import-undo', { apply: true })).rejects.toThrow('Nothing was taken over');
    },
  );

  test.skipIf(!kind.python || !hasPostgres)('says the same from PostgreSQL', { timeout: LONG }, async () => {
    await using place = await testDatabase();
    await copyToPostgres(made.file, place.url);
    const keys = cryptKeysIn(made.facts.cryptKeys);
    const url = place.url.replace('postgres://', 'postgresql+psycopg2://');

    const [here, there] = [
      await readJupyterHub({ db: made.file, folder: '/', cryptKeys: keys }),
      await readJupyterHub({ db: url, folder: '/', cryptKeys: keys }),
    ];

    expect({ ...there, from: '' }).toEqual({ ...here, from: '' });
    expect(there.from).toMatch(/^PostgreSQL .+\/test_/);
  });
});
