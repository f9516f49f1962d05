import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret, scopeList } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { describe, expect, test } from 'vitest';
import { apiHub, onBothDatabases } from '../api/test-hub.ts';
import { ConfigError, loadConfig } from '../config/load.ts';
import { addToGroup, createGroup, removeFromGroup } from '../groups/groups.service.ts';
import { clientIdOf } from '../servers/controller/env.ts';
import type { ServiceRow } from '../services/services.service.ts';
import { findServiceById } from '../services/services.service.ts';
import type { TestHub } from '../testing/index.ts';
import { issueToken, scopesOfPrincipal } from '../tokens/tokens.service.ts';
import { asService, asUser } from '../users/principal.ts';
import { findUser } from '../users/users.service.ts';
import { openRoles } from './roles.service.ts';

type Self = { name: string; kind: string; roles?: string[]; scopes: string[] };
type Api = Awaited<ReturnType<TestHub['api']>>;

const selfOf = async (api: Api) => (await api('GET', '/user')).body as Self;
const scopesOf = async (api: Api) => (await selfOf(api)).scopes;

async function serviceOf(hub: TestHub, name: string, admin = false): Promise<ServiceRow> {
  const { db, clock } = hub.ctx;
  const { id } = await db
    .insertInto('services')
    .values({ name, admin: admin ? 1 : 0, created: clock.now() })
    .returning('id')
    .executeTakeFirstOrThrow();
  const service = await findServiceById(db, id);
  if (!service) throw new Error(`no service ${name}`);
  return service;
}

async function callAs(hub: TestHub, service: ServiceRow, scopes = ['inherit']) {
  const { token } = await issueToken(hub.ctx, { owner: asService(service), scopes, note: 'test' });
  return async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${hub.origin}/hub/api${path}`, {
      method,
      headers: { authorization: `token ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : text) as unknown, headers: response.headers };
  };
}

onBothDatabases((on) => {
  test('[4.4 roles] a role of the configuration counts for the people it names', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'helpdesk', scopes: ['list:users', 'read:users:activity!user=bob'], users: ['Ada'] }] },
    });
    const ada = await hub.api({ name: 'ada' });
    const bob = await hub.api({ name: 'bob' });

    expect((await ada('GET', '/users')).status).toBe(200);
    expect(await ada('GET', '/users/bob')).toMatchObject({ status: 200, body: { last_activity: null } });
    expect((await selfOf(ada)).roles).toEqual(['user', 'helpdesk']);
    expect((await bob('GET', '/users')).status).toBe(403);
  });

  test('[4.3 group roles] what a group may do, its people may, from the moment they are in it until they leave', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'course-staff', scopes: ['read:users!group=course'], groups: ['staff'] }] },
    });
    const ada = await hub.api({ name: 'ada' });
    const limited = await hub.api({ name: 'ada' }, ['self']);
    await hub.api({ name: 'bob' });
    await createGroup(hub.ctx, 'course', ['bob']);
    await createGroup(hub.ctx, 'staff');
    const seesBob = async (api: Api) => (await api('GET', '/users/bob')).status;
    expect(await seesBob(ada)).toBe(404);

    await addToGroup(hub.ctx, 'staff', ['ada']);
    expect([await seesBob(ada), await seesBob(limited)]).toEqual([200, 404]);
    expect((await selfOf(ada)).roles).toEqual(['user']);
    await removeFromGroup(hub.ctx, 'course', ['bob']);
    expect(await seesBob(ada)).toBe(404);
    await addToGroup(hub.ctx, 'course', ['bob']);
    await removeFromGroup(hub.ctx, 'staff', ['ada']);
    expect(await seesBob(ada)).toBe(404);
  });

  test('[4.3 tokens] a token loses at once what its owner loses, and gets it back with it', async () => {
    await using hub = await apiHub({ on, controller: false });
    const api = await hub.api({ name: 'root', admin: true }, ['list:users', 'read:hub']);
    const setAdmin = (admin: number) =>
      hub.ctx.db.updateTable('users').set({ admin }).where('name', '=', 'root').execute();
    expect((await api('GET', '/info')).status).toBe(200);

    await setAdmin(0);
    expect((await api('GET', '/info')).status).toBe(403);
    expect(await scopesOf(api)).toEqual(['read:users:groups!user=root', 'read:users:name!user=root']);
    await setAdmin(1);

    expect((await api('GET', '/info')).status).toBe(200);
  });

  test('[4.3 intersection] a group’s filter and a person’s: the person, while they are in the group', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'readers', scopes: ['access:servers!group=course'], users: ['ada'] }] },
    });
    await hub.api({ name: 'bob' });
    await createGroup(hub.ctx, 'course', ['bob']);
    const api = await hub.api({ name: 'ada' }, ['access:servers!user=bob', 'access:servers!server=bob/lab']);

    const access = async () => (await scopesOf(api)).filter((scope) => scope.startsWith('access'));
    expect(await access()).toEqual(['access:servers!server=bob/lab', 'access:servers!user=bob']);
    await removeFromGroup(hub.ctx, 'course', ['bob']);

    expect(await access()).toEqual([]);
  });

  test('[4.4 custom scopes] are held, shown by /user with what they include, and go with the role', async () => {
    const customScopes = {
      'custom:grades:read': { description: 'read grades' },
      'custom:grades:write': { description: 'write grades', subscopes: ['custom:grades:read'] },
    };
    await using hub = await apiHub({
      on,
      controller: false,
      config: {
        customScopes,
        roles: [{ name: 'grader', scopes: ['custom:grades:write!group=course'], users: ['ada'] }],
      },
    });
    const ada = await hub.api({ name: 'ada' });
    const bob = await hub.api({ name: 'bob' });

    expect(await scopesOf(ada)).toEqual(
      expect.arrayContaining(['custom:grades:read!group=course', 'custom:grades:write!group=course']),
    );
    expect((await scopesOf(bob)).filter((scope) => scope.startsWith('custom'))).toEqual([]);
    const ask = (api: Api, name: string, scopes: string[]) => api('POST', `/users/${name}/tokens`, { scopes });
    expect((await ask(ada, 'ada', ['custom:grades:read!group=course'])).status).toBe(201);
    expect((await ask(ada, 'ada', ['custom:grades:read'])).status).toBe(400);
    expect((await ask(bob, 'bob', ['custom:grades:read!group=course'])).status).toBe(400);
    expect((await ask(ada, 'ada', ['custom:other'])).status).toBe(400);
  });

  test('[4.4 services] a service has no default role: who it is, and what the configuration gives it', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'culler', scopes: ['list:users', 'read:servers'], services: ['culler'] }] },
    });
    await hub.api({ name: 'ada' });
    const culler = await callAs(hub, await serviceOf(hub, 'culler'));
    const plain = await callAs(hub, await serviceOf(hub, 'plain'));
    const boss = await callAs(hub, await serviceOf(hub, 'boss', true));

    expect(await selfOf(plain)).toEqual({
      kind: 'service',
      name: 'plain',
      admin: false,
      scopes: ['read:services:name!service=plain'],
      token_id: expect.stringMatching(/^a\d+$/),
      session_id: null,
    });
    expect((await plain('GET', '/users')).status).toBe(403);
    expect((await culler('GET', '/users')).status).toBe(200);
    expect((await culler('POST', '/users/new')).status).toBe(403);
    expect((await boss('POST', '/users/new', { admin: true })).status).toBe(201);
    expect(await boss('POST', '/users/ada/tokens')).toMatchObject({
      status: 201,
      body: { note: 'Requested via api by service boss' },
    });
    expect(await plain('POST', '/users/ada/tokens')).toMatchObject({
      status: 403,
      body: { message: 'Service ada not found or no permissions to generate tokens' },
    });
  });

  test('[4.4 default roles] user and token may be given other scopes', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: {
        roles: [
          { name: 'user', scopes: ['self', 'read:hub'] },
          { name: 'token', scopes: ['read:users!user'] },
        ],
      },
    });
    const ada = await hub.api({ name: 'ada' });

    expect((await ada('GET', '/info')).status).toBe(200);
    const made = (await ada('POST', '/users/ada/tokens')).body as { scopes: string[] };
    expect(made.scopes).toContain('read:users!user=ada');
    expect(made.scopes).not.toContain('read:hub');
  });

  test('[4.3 extra user scopes] are everybody’s, beside what the role user says', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { extraUserScopes: ['access:services', 'read:metrics'] },
    });
    const scopes = await scopesOf(await hub.api({ name: 'ada' }));

    expect(scopes).toEqual(expect.arrayContaining(['access:services', 'read:metrics', 'servers!user=ada']));
    expect(await scopesOf(await callAs(hub, await serviceOf(hub, 'watcher')))).not.toContain('read:metrics');
  });

  test('[4.4 roles] of the database count beside the configuration’s, which says what a role may do', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'both', scopes: ['read:hub'] }] },
    });
    await hub.api({ name: 'ada' });
    const { db } = hub.ctx;
    const ada = await findUser(db, 'ada');
    if (!ada) throw new Error('no ada');
    for (const [name, scopes] of [
      ['admin', ['self']],
      ['both', ['shutdown']],
      ['taken', ['proxy', 'custom:gone']],
    ] as const) {
      const row = { name, description: '', scopes: JSON.stringify(scopes), source: 'import' };
      await db.insertInto('roles').values(row).execute();
    }
    await db
      .insertInto('role_members')
      .values([
        { role_name: 'both', kind: 'user', member: String(ada.id) },
        { role_name: 'taken', kind: 'group', member: 'staff' },
      ])
      .execute();

    // As a hub that starts now reads them.
    const ctx = { ...hub.ctx, roles: await openRoles(hub.ctx) };
    const held = async (groups: string[]) =>
      scopeList(await scopesOfPrincipal(ctx, asUser({ ...ada, groups }))).filter((scope) => !scope.includes('!'));

    expect(ctx.roles.of(asUser(ada))).toEqual(['user', 'both']);
    expect(await held([])).toEqual(['read:hub']);
    expect(await held(['staff'])).toEqual(['proxy', 'read:hub']);
    expect(ctx.roles.find('admin')?.scopes).toContain('admin:users');
  });

  test('[2.1 OAuth tokens] name the server they are for, also where a group’s filter lets their owner in', async () => {
    await using hub = await apiHub({
      on,
      config: { roles: [{ name: 'readers', scopes: ['access:servers!group=course'], users: ['ada'] }] },
    });
    const bob = await hub.api({ name: 'bob' });
    await hub.api({ name: 'ada' });
    await createGroup(hub.ctx, 'course', ['bob']);
    expect((await bob('POST', '/users/bob/server')).status).toBe(201);
    const ada = await findUser(hub.ctx.db, 'ada');
    if (!ada) throw new Error('no ada');
    const clientId = clientIdOf('bob', '');
    const access = async (scopes: string[]) => {
      const { token } = await issueToken(hub.ctx, { owner: asUser(ada), scopes, note: '', clientId });
      const headers = { authorization: `token ${token}` };
      const self = (await (await fetch(`${hub.origin}/hub/api/user`, { headers })).json()) as Self;
      return self.scopes.filter((scope) => scope.startsWith('access:servers!server') || /!group/.test(scope));
    };

    expect(await access([])).toEqual(['access:servers!server=bob/']);
    expect(await access(['inherit'])).toEqual(['access:servers!group=course', 'access:servers!server=bob/']);
    await removeFromGroup(hub.ctx, 'course', ['bob']);
    expect(await access([])).toEqual([]);
  });

  test('[4.2 shorthand] !service in a visitor’s token is the service that has it', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: {
        services: [{ name: 'grader', url: 'http://127.0.0.1:9', apiToken: new Secret('a-token-of-the-grader') }],
        extraUserScopes: ['read:services', 'access:services'],
      },
    });
    await hub.api({ name: 'ada' });
    const ada = await findUser(hub.ctx.db, 'ada');
    if (!ada) throw new Error('no ada');
    const about = { owner: asUser(ada), scopes: ['read:services!service', 'read:servers!server'], note: '' };
    const scopesIn = async (clientId?: string) => {
      const { token } = await issueToken(hub.ctx, { ...about, ...(clientId !== undefined && { clientId }) });
      const headers = { authorization: `token ${token}` };
      return ((await (await fetch(`${hub.origin}/hub/api/user`, { headers })).json()) as Self).scopes;
    };
    const identify = ['read:users:groups!user=ada', 'read:users:name!user=ada'];

    expect(await scopesIn('service-grader')).toEqual([
      'access:services!service=grader',
      'read:services!service=grader',
      'read:services:name!service=grader',
      ...identify,
    ]);
    // Where nothing stands behind a token, the shorthand means nothing.
    expect(await scopesIn()).toEqual(identify);
  });

  test('[4.4 server role] a server’s token may do what the role says, and always report activity', async () => {
    await using hub = await apiHub({ on, config: { roles: [{ name: 'server', scopes: ['read:servers!server'] }] } });
    const ada = await hub.api({ name: 'ada' });
    expect((await ada('POST', '/users/ada/servers/lab')).status).toBe(201);

    const { api_tokens: tokens } = (await ada('GET', '/users/ada/tokens')).body as {
      api_tokens: { note: string; scopes: string[] }[];
    };
    const scopes = tokens.find(({ note }) => note === 'Server at /user/ada/lab/')?.scopes;

    expect(scopes).toEqual(
      expect.arrayContaining(['users:activity!user=ada', 'read:servers!server=ada/lab', 'read:users:name!user=ada']),
    );
    expect(scopes?.filter((scope) => scope.startsWith('access'))).toEqual([]);
  });
});

describe('[4.4 configuration] is refused with', () => {
  const load = (file: object) =>
    loadConfig({
      file,
      defaults: { spawner: echoSpawner(), authenticator: sharedPassword({ password: new Secret('x') }) },
    });
  const problemsOf = (file: object) => {
    try {
      load(file);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  };

  test.each([
    [{ roles: [{ name: 'x y', scopes: [] }] }, /needs a name/],
    [{ roles: [{ name: 'Role', scopes: [] }] }, /needs a name/],
    [{ roles: [{ name: 'admin', scopes: ['self'] }] }, /admin is fixed/],
    [{ roles: [{ name: 'twice' }, { name: 'twice' }] }, /two roles named twice/],
    [{ roles: [{ name: 'odd', scopes: ['no:such'] }] }, /roles: odd: Scope no:such does not exist/],
    [{ roles: [{ name: 'odd', scopes: ['read:users!planet=x'] }] }, /not understood/],
    [{ roles: [{ name: 'odd', scopes: ['custom:unknown'] }] }, /Scope custom:unknown does not exist/],
    [{ customScopes: { 'grades:read': { description: 'x' } } }, /custom scope is named custom:/],
    [{ customScopes: { 'custom:a-': { description: 'x' } } }, /named custom:/],
    [{ customScopes: { 'custom:abc': {} } }, /customScopes/],
    [{ customScopes: { 'custom:abc': { description: 'x', subscopes: ['read:users'] } } }, /other custom scopes only/],
    [{ extraUserScopes: ['no:such'] }, /extraUserScopes: Scope no:such does not exist/],
    [{ extraUserScopes: ['read:hub'], roles: [{ name: 'user', scopes: ['self'] }] }, /write all of them there/],
  ])('%j', (file, said) => {
    expect(problemsOf(file).join('\n')).toMatch(said);
  });

  test('nothing when roles and custom scopes fit', () => {
    const customScopes = { 'custom:abc': { description: 'x' } };
    expect(problemsOf({ customScopes, roles: [{ name: 'r-1~.z', scopes: ['custom:abc!user=ada', 'self'] }] })).toEqual(
      [],
    );
  });
});

test('[4.4 gone] a role that leaves the configuration is nobody’s after the next start, and tokens end with it', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'atrium-roles-'));
  using _ = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
  const before = async () => {
    const roles = [{ name: 'readers', scopes: ['read:hub'], users: ['ada'], groups: ['class'] }];
    const groups = { class: { users: ['bob'] } };
    await using hub = await apiHub({ controller: false, dataDir, config: { roles, groups } });
    return await Promise.all(
      ['ada', 'bob'].map(async (name) => {
        const call = await hub.api({ name });
        expect((await call('GET', '/info')).status).toBe(200);
        expect((await selfOf(call)).roles).toContain(name === 'ada' ? 'readers' : 'user');
        return ((await call('POST', `/users/${name}/tokens`)).body as { token: string }).token;
      }),
    );
  };
  const tokens = await before();

  await using hub = await apiHub({ controller: false, dataDir });

  for (const text of tokens) {
    const ask = (path: string) =>
      fetch(`${hub.origin}/hub/api${path}`, { headers: { authorization: `token ${text}` } });
    expect((await ask('/info')).status).toBe(403);
    const self = (await (await ask('/user')).json()) as Self;
    expect(self.roles).toEqual(['user']);
    expect(self.scopes).not.toContain('read:hub');
  }
});
