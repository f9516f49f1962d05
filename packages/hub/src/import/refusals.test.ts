import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { afterAll, describe, expect, test } from 'vitest';
import { runVerb } from '../commands/commands.service.ts';
import type { Exported } from '../export/export.service.ts';
import { cryptKeysIn } from '../legacy/fernet.ts';
import { cookieSecretIn, openSignedCookie } from '../legacy/signed-cookie.ts';
import { matchesTokenHash, parseTokenHash } from '../legacy/token-hash.ts';
import { startTestHub } from '../testing/index.ts';
import type { ImportReport } from './report.ts';
import { readJupyterHub } from './source/read.ts';
import { sourcePlace } from './source/where.ts';
import { makeDatabase, VERSIONS } from './testing/test-sources.ts';

const dir = mkdtempSync(join(tmpdir(), 'atrium-refusals-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A database that says it is of this revision. */
function ofRevision(name: string, ...revisions: string[]): string {
  const file = join(dir, `${name}.sqlite`);
  const db = new DatabaseSync(file);
  db.exec('create table alembic_version (version_num varchar(32) not null)');
  for (const revision of revisions) db.prepare('insert into alembic_version values (?)').run(revision);
  db.close();
  return file;
}

describe('what --db may be', () => {
  test.for([
    ['jupyterhub.sqlite', { kind: 'sqlite', file: '/srv/jupyterhub.sqlite' }],
    ['sqlite:///jupyterhub.sqlite', { kind: 'sqlite', file: '/srv/jupyterhub.sqlite' }],
    ['sqlite:////var/lib/jupyterhub.sqlite?x=1', { kind: 'sqlite', file: '/var/lib/jupyterhub.sqlite' }],
    ['postgresql+psycopg2://hub@db/hub', { kind: 'postgres', url: 'postgresql://hub@db/hub' }],
  ] as const)('%s', ([text, place]) => {
    expect(sourcePlace(text, '/srv')).toEqual(place);
  });

  test.for([
    ['postgresql://hub:pa55@db/hub', 'Leave the password out'],
    ['postgresql://hub@db/hub?password=pa55', 'Leave the password out'],
    ['mysql+pymysql://hub@db/hub', 'of the kind mysql cannot be read'],
    ['sqlite:///:memory:', 'without a file'],
    ['', 'wants the file'],
  ] as const)('%s is refused', ([text, words]) => {
    const refuse = () => sourcePlace(text, '/srv');
    expect(refuse).toThrow(words);
    expect(refuse).not.toThrow('pa55');
  });

  test.for([
    ['JupyterHub 3', () => ofRevision('three', '651f5419b74d'), /of JupyterHub 3\. .*4 \(0eee8c825d24\).*upgrade-db/],
    ['a newer JupyterHub', () => ofRevision('newer', 'ffffffffffff'), /has revision ffffffffffff\. Those of/],
    ['a database without a version', () => ofRevision('none'), /says no version/],
    ['half a database', () => ofRevision('half', 'f460b0348206'), /has no table users/],
    ['no file', () => join(dir, 'nothing.sqlite'), /There is no file/],
    [
      'another file',
      () => {
        const file = join(dir, 'text.sqlite');
        writeFileSync(file, 'this is no database, however long it may be '.repeat(100));
        return file;
      },
      /cannot be read as a SQLite database/,
    ],
  ] as const)('%s is refused in words', async ([, make, words]) => {
    await expect(readJupyterHub({ db: make(), folder: dir })).rejects.toThrow(words);
  });
});

describe('secrets of the other hub', () => {
  test('keys and secrets that are none are refused without being shown', () => {
    expect(() => cryptKeysIn('too-short')).toThrow(/^(?!.*too-short).*Crypt key 1 is none/);
    expect(() => cryptKeysIn(' ; ')).toThrow('no key');
    expect(() => cookieSecretIn('abcd')).toThrow('too short');
    const bytes = Buffer.alloc(32, 7);
    const forms = [bytes.toString('hex'), `${bytes.toString('base64url')}=`, 'k'.repeat(32)];
    expect(cryptKeysIn(forms.join(';')).map((key) => key.reveal())).toEqual([
      bytes.toString('hex'),
      bytes.toString('hex'),
      Buffer.from('k'.repeat(32)).toString('hex'),
    ]);
  });

  test('a hash that would keep us busy, or is of no known kind, matches nothing', () => {
    // sha512 of the salt's letters and "token", made by JupyterHub's hash_token
    expect(parseTokenHash('sha512:99999:ab:00')).toBeUndefined();
    expect(parseTokenHash('md99:1:ab:00')).toBeUndefined();
    expect(parseTokenHash('sha512:1:ab')).toBeUndefined();
    expect(matchesTokenHash('sha512:1:ab:00', 'x'.repeat(65))).toBe(false);
  });

  test('what was signed for another cookie is no login', () => {
    const secret = cookieSecretIn('33'.repeat(32));
    expect(openSignedCookie('2|1:0|10:1700000000|5:other|4:YWJj|00', 'jupyterhub-hub-login', secret)).toBeUndefined();
    expect(openSignedCookie('', 'jupyterhub-hub-login', secret)).toBeUndefined();
  });
});

describe('a hub that already has people', () => {
  const newHub = () =>
    startTestHub({
      spawner: echoSpawner(),
      authenticator: sharedPassword({ password: new Secret('x') }),
      controller: false,
    });
  const [four] = VERSIONS;
  if (!four) throw new Error('There is always one.');

  test('keeps them as they are; what fails leaves nothing behind; everything goes out again', async () => {
    using made = await makeDatabase(four);
    await using hub = await newHub();
    await hub.api({ name: 'ada' });
    const source = await readJupyterHub({ db: made.file, folder: dir });
    const users = async () =>
      (await hub.ctx.db.selectFrom('users').select('name').orderBy('name').execute()).map(({ name }) => name);

    // The same token twice: the database refuses it in the middle of everything.
    const broken = { ...source, tokens: [...source.tokens, ...source.tokens] };
    await expect(runVerb(hub.ctx, 'import-jupyterhub', { source: broken, apply: true })).rejects.toThrow();
    expect(await users()).toEqual(['ada']);

    const report = (await runVerb(hub.ctx, 'import-jupyterhub', { source, apply: true })) as ImportReport;
    expect(report.tables.find(({ table }) => table === 'users')).toMatchObject({
      taken: 3,
      there: 1,
      changed: [{ names: ['ada'], why: expect.stringContaining('not here') }, expect.anything()],
    });
    expect(report.tables.find(({ table }) => table === 'sign-ins of browsers')?.skipped[0]?.why).toContain(
      'without --cookie-secret-file',
    );
    expect(await users()).toEqual(['Grace.Hopper', 'ada', 'bob', 'eve']);

    const { tables } = (await runVerb(hub.ctx, 'export', {})) as Exported;
    const rowsOf = (name: string) => tables.find(({ table }) => table === name)?.rows;
    expect(rowsOf('users')?.map(({ name }) => name)).toEqual(expect.arrayContaining(['ada', 'bob', 'eve']));
    expect(rowsOf('groups')).toContainEqual(
      expect.objectContaining({ name: 'biology', properties: { room: 7, tags: ['a', 'b'] } }),
    );
    expect(rowsOf('sessions')).toBeUndefined();
    expect(tables.map(({ table }) => table).filter((name) => name.startsWith('user_names'))).toEqual([]);
    expect(rowsOf('imports')?.[0]).not.toHaveProperty('cookie_secret');
    expect(JSON.stringify(tables)).not.toContain(made.facts.tokens.ada);
  });
});
