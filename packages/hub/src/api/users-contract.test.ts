import { defineAuthenticator } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { startTestHub, type TestHub } from '../testing/index.ts';
import { apiHub, onBothDatabases, PASSWORD } from './test-hub.ts';

type Answer = { status: number; body: unknown };
const names = ({ body }: Answer) => (body as { name: string }[]).map(({ name }) => name);
const message = ({ body }: Answer) => (body as { message: string }).message;

async function tokenOf(hub: TestHub, name: string, body: object = {}): Promise<{ id: string; token: string }> {
  const api = await hub.api({ name });
  return (await api('POST', `/users/${name}/tokens`, body)).body as { id: string; token: string };
}

onBothDatabases((on) => {
  test('[3.4 GET /user] who asks, with everything the request may do, resolved', async () => {
    await using hub = await apiHub({ on, controller: false });
    const ada = await hub.api({ name: 'ada' });
    const narrow = await hub.api({ name: 'ada' }, []);

    const self = (await ada('GET', '/user')).body as { scopes: string[] };
    expect(self).toMatchObject({
      kind: 'user',
      name: 'ada',
      admin: false,
      groups: [],
      roles: ['user'],
      session_id: null,
      token_id: expect.stringMatching(/^a\d+$/),
    });
    expect(self.scopes).toEqual([...self.scopes].sort());
    expect(self.scopes).toContain('access:servers!user=ada');
    expect(self.scopes.filter((scope) => /^(self|inherit)$|!(user|server)$/.test(scope))).toEqual([]);
    expect(Object.keys((await narrow('GET', '/user')).body as object).sort()).toEqual(
      ['admin', 'groups', 'kind', 'name', 'scopes', 'session_id', 'token_id', 'user_info'].sort(),
    );
    expect((await fetch(`${hub.origin}/hub/api/user`)).status).toBe(403);
  });

  test('[3.4 GET /info] is for who has read:hub', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });

    expect((await admin('GET', '/info')).body).toEqual({
      version: expect.any(String),
      python: expect.any(String),
      sys_executable: expect.any(String),
      spawner: { class: 'echo', version: expect.any(String) },
      authenticator: { class: 'shared-password', version: expect.any(String) },
    });
    expect((await ada('GET', '/info')).status).toBe(403);
  });

  test('[3.4 GET /authorizations/token/t] says whose a token is, to who has one', async () => {
    await using hub = await apiHub({ on, controller: false });
    const ada = await hub.api({ name: 'ada' });
    const { token } = await tokenOf(hub, 'bob');

    expect(await ada('GET', `/authorizations/token/${token}`)).toMatchObject({
      status: 200,
      body: { kind: 'user', name: 'bob', groups: [], admin: false },
    });
    expect((await ada('GET', `/authorizations/token/${token}x`)).status).toBe(404);
    expect((await fetch(`${hub.origin}/hub/api/authorizations/token/${token}`)).status).toBe(403);
    for (const path of ['/authorizations/token', `/authorizations/token/${token}`]) {
      expect((await ada('POST', path)).status).toBe(404);
    }
  });

  test('[3.4 GET /authorizations/cookie/name/value] says whose a login cookie is', async () => {
    await using hub = await apiHub({ on, controller: false });
    const ada = await hub.api({ name: 'ada' });
    const browser = hub.browser();
    const page = await (await browser.fetch('/hub/login')).text();
    const xsrf = /name="_xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    await browser.fetch('/hub/login', {
      method: 'POST',
      body: new URLSearchParams({ username: 'ada', password: PASSWORD, _xsrf: xsrf }),
    });
    const cookie = browser.cookies.get('jupyterhub-hub-login /hub/')?.value ?? 'none';

    expect(await ada('GET', `/authorizations/cookie/jupyterhub-hub-login/${cookie}`)).toMatchObject({
      status: 200,
      body: { kind: 'user', name: 'ada' },
    });
    expect((await ada('GET', `/authorizations/cookie/other/${cookie}`)).status).toBe(404);
    expect((await ada('GET', '/authorizations/cookie/jupyterhub-hub-login/wrong')).status).toBe(404);
    expect((await ada('GET', '/authorizations/cookie/jupyterhub-hub-login')).status).toBe(404);
    const byCookie = await browser.fetch(`/hub/api/authorizations/cookie/jupyterhub-hub-login/${cookie}`);
    expect(byCookie.status).toBe(403);
  });

  test('[3.5 GET /users] states, part of a name, order and pages', async () => {
    await using hub = await apiHub({ on });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/users', { usernames: ['cleo', 'ada', 'bob'] });
    expect((await admin('POST', '/users/ada/servers/lab')).status).toBe(201);
    const list = async (query: string) => names(await admin('GET', `/users?${query}`));

    expect(await list('state=ready')).toEqual(['ada']);
    expect(await list('state=active')).toEqual(['ada']);
    expect(await list('state=inactive')).toEqual(['root', 'cleo', 'bob']);
    expect(await list('name_filter=O')).toEqual(['root', 'cleo', 'bob']);
    expect(await list('sort=-id')).toEqual(['bob', 'ada', 'cleo', 'root']);
    expect(await list('sort=name&limit=2')).toEqual(['ada', 'bob']);
    expect((await list('sort=last_activity')).at(-1)).toBe('root');
    expect(await list('limit=-2')).toEqual(['root', 'cleo']);
    expect(await list('limit=0')).toEqual(['root']);
    for (const query of ['state=odd', 'sort=odd', 'offset=x', 'limit=1.5']) {
      expect((await admin('GET', `/users?${query}`)).status, query).toBe(400);
    }
    const filtered = async (...scopes: string[]) => (await hub.api({ name: 'root' }, scopes))('GET', '/users');
    expect(names(await filtered('list:users!user=bob'))).toEqual(['bob']);
    expect((await filtered('list:users!server=bob/')).status).toBe(403);
    expect((await filtered('read:users')).status).toBe(403);
  });

  test('[3.5 POST /users] answers those that are new; administrators are made by administrators', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'registrar', scopes: ['admin:users'], users: ['ada'] }] },
    });
    await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });
    const post = (body?: unknown) => ada('POST', '/users', body);

    const made = await post({ usernames: ['Bob', 'ada', 'EVE'] });
    expect([made.status, names(made)]).toEqual([201, ['bob', 'eve']]);
    expect((await post({ usernames: ['bob', 'eve'] })).status).toBe(409);
    expect(message(await post({ usernames: ['a/b'] }))).toBe('Invalid username: a/b');
    expect(message(await post({ usernames: ['..', 'x', 'a/b'] }))).toBe('Invalid usernames: .., a/b');
    expect((await ada('GET', '/users/x')).status).toBe(404);
    expect(await post({ usernames: ['x'], admin: true })).toMatchObject({ status: 403 });
    for (const body of [undefined, {}, { usernames: [] }, { usernames: 'abc' }, { usernames: [1] }, []]) {
      expect((await post(body)).status, JSON.stringify(body)).toBe(400);
    }
    const some = await hub.api({ name: 'root' }, ['admin:users!user=new']);
    expect((await some('POST', '/users', { usernames: ['new'] })).status).toBe(403);
  });

  test('[3.5 POST /users/u] makes one under exactly this name', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'registrar', scopes: ['admin:users'], users: ['ada'] }] },
    });
    const admin = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });

    expect(await ada('POST', '/users/Grace%20H', { name: 'x', groups: [], roles: [], auth_state: null })).toMatchObject(
      {
        status: 201,
        body: { kind: 'user', name: 'Grace H', admin: false, roles: ['user'], groups: [] },
      },
    );
    expect(message(await ada('POST', '/users/Grace%20H'))).toBe('User Grace H already exists');
    expect((await ada('POST', '/users/Grace%20H')).status).toBe(409);
    expect(await ada('POST', '/users/%20x')).toMatchObject({
      status: 400,
      body: { message: 'Failed to create user:  x' },
    });
    expect(message(await ada('POST', '/users/x', { shoe: 1 }))).toMatch(/^Invalid JSON keys/);
    expect((await ada('POST', '/users/x', { admin: 1 })).status).toBe(400);
    expect((await ada('POST', '/users/x', { admin: true })).status).toBe(403);
    expect(await admin('POST', '/users/x', { admin: true })).toMatchObject({ status: 201, body: { admin: true } });
    const some = await hub.api({ name: 'root' }, ['admin:users!user=new']);
    expect((await some('POST', '/users/new')).status).toBe(201);
    expect((await some('POST', '/users/other')).status).toBe(404);
  });

  test('[3.5 PATCH /users/u] renames, keeps what is the person’s, and leaves an unchanged name alone', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });
    await admin('POST', '/users/bob');
    await admin('POST', '/groups/course', { users: ['ada'] });
    const patch = (body?: unknown, name = 'ada') => admin('PATCH', `/users/${name}`, body);

    expect(await patch({ name: 'ada', admin: false })).toMatchObject({
      status: 200,
      body: { name: 'ada', auth_state: null },
    });
    expect(await patch({ name: ' Lovelace ' })).toMatchObject({
      status: 200,
      body: { name: 'lovelace', groups: ['course'] },
    });
    expect(await ada('GET', '/user')).toMatchObject({
      status: 200,
      body: { name: 'lovelace', scopes: expect.arrayContaining(['servers!user=lovelace']) },
    });
    expect((await admin('GET', '/users/ada')).status).toBe(404);
    expect(await patch({ name: 'bob' }, 'lovelace')).toMatchObject({
      status: 400,
      body: { message: 'User bob already exists, username must be unique' },
    });
    expect(message(await patch({ name: 'a/b' }, 'lovelace'))).toBe("Invalid username: 'a/b'");
    for (const body of [undefined, [], { name: 1 }, { groups: ['x'] }, { roles: ['admin'] }, { shoe: 1 }]) {
      expect((await patch(body, 'lovelace')).status, JSON.stringify(body)).toBe(400);
    }
    expect((await patch({ name: 'x' }, 'nobody')).status).toBe(404);
  });

  test('[3.5 PATCH /users/u] and DELETE: administrators are touched by administrators alone', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'registrar', scopes: ['admin:users'], users: ['ada'] }] },
    });
    const admin = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });
    await admin('POST', '/users/bob');

    expect((await ada('PATCH', '/users/root', { name: 'toor' })).status).toBe(403);
    expect((await ada('PATCH', '/users/bob', { admin: true })).status).toBe(403);
    expect((await ada('DELETE', '/users/root')).status).toBe(403);
    expect((await ada('PATCH', '/users/bob', { name: 'rob' })).status).toBe(200);
    expect(await admin('PATCH', '/users/rob', { admin: true })).toMatchObject({ body: { roles: ['admin', 'user'] } });
    expect((await ada('DELETE', '/users/ada')).status).toBe(400);
    expect((await admin('DELETE', '/users/rob')).status).toBe(204);
    expect((await admin('DELETE', '/users/rob')).status).toBe(404);
  });

  test('[3.5 DELETE /users/u] stops what runs first; its tokens are gone with it', async () => {
    await using hub = await apiHub({ on });
    const admin = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });
    expect((await ada('POST', '/users/ada/server')).status).toBe(201);

    expect((await admin('DELETE', '/users/ada')).status).toBe(204);

    expect((await ada('GET', '/user')).status).toBe(403);
    const left = await hub.ctx.db.selectFrom('servers').select('id').execute();
    expect(left).toEqual([]);
  });

  test('[3.5 GET /users/u/tokens] the least lately used first, without those that have expired', async () => {
    const time = { at: Date.UTC(2026, 0, 1) };
    const sleep = (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    await using hub = await apiHub({ on, controller: false, clock: { now: () => time.at, sleep } });
    const ada = await hub.api({ name: 'ada' });
    const make = async (note: string, more: object = {}) => {
      time.at += 120_000;
      await ada('POST', '/users/ada/tokens', { note, ...more });
    };
    await make('first');
    await make('short', { expires_in: 60 });
    await make('last');

    time.at += 120_000;
    const { api_tokens: tokens } = (await ada('GET', '/users/ada/tokens')).body as {
      api_tokens: { note: string; user: string; kind: string }[];
    };
    expect(tokens.map(({ note }) => note).filter((note) => note !== 'test')).toEqual(['first', 'last']);
    expect(tokens[0]).toMatchObject({ user: 'ada', kind: 'api_token' });
    expect(tokens[0]).not.toHaveProperty('service');
  });

  test('[3.3 auth_state] is kept sealed where the configuration says so, and shown of one person, to administrators', async () => {
    await using hub = await apiHub({ on, controller: false, config: { keepAuthState: true } });
    const admin = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });
    const state = { access_token: 'from elsewhere', groups: ['x'] };

    expect(await admin('PATCH', '/users/ada', { auth_state: state })).toMatchObject({
      status: 200,
      body: { name: 'ada', auth_state: state },
    });
    expect(await admin('GET', '/users/ada')).toMatchObject({ body: { auth_state: state } });
    expect((await admin('GET', '/users')).body).toMatchObject([{ auth_state: null }, { auth_state: null }]);
    expect((await ada('GET', '/users/ada')).body).not.toHaveProperty('auth_state');
    const rows = await hub.ctx.db.selectFrom('users').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain('elsewhere');
    await admin('PATCH', '/users/ada', { auth_state: null });
    expect(await admin('GET', '/users/ada')).toMatchObject({ body: { auth_state: null } });
  });

  test('[3.5 users] signs that no database keeps in a text are nobody’s name, and never our fault', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/groups/course');
    const asked: [string, string, unknown, number][] = [
      ['GET', '/users/a%00b', undefined, 400],
      ['POST', '/users/a%00b', undefined, 400],
      ['POST', '/users', { usernames: ['a\u0000b'] }, 400],
      ['PATCH', '/users/root', { name: 'a\u0000b' }, 400],
      ['DELETE', '/users/a%00b', undefined, 400],
      ['GET', '/users/a%00b/tokens', undefined, 400],
      ['POST', '/users/a%00b/tokens', undefined, 400],
      ['GET', '/users?name_filter=a%00b', undefined, 200],
      ['GET', '/groups/a%00b', undefined, 400],
      ['POST', '/groups/a%00b', undefined, 400],
      ['POST', '/groups/course/users', { users: ['a\u0000b'] }, 400],
      ['POST', '/groups/a%00b/users', { users: ['root'] }, 400],
      ['PUT', '/groups/course/properties', { a: 'b\u0000' }, 200],
      ['POST', '/users/root/tokens', { note: 'a\u0000b' }, 400],
      ['GET', '/authorizations/token/a%00b', undefined, 400],
      ['GET', '/authorizations/cookie/jupyterhub-hub-login/a%00b', undefined, 400],
    ];
    for (const [method, path, body, status] of asked) {
      expect((await admin(method, path, body)).status, `${method} ${path} ${JSON.stringify(body)}`).toBe(status);
    }
  });

  test('[3.5 POST /users/u/admin-access] is refused: scopes say who may open whose servers', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });

    expect(await admin('POST', '/users/ada/admin-access')).toMatchObject({ status: 403 });
    expect((await ada('POST', '/users/root/admin-access')).status).toBe(404);
  });
});

test('[3.7 tokens] a filtered tokens scope covers the people of its filter, and groups’', async () => {
  await using hub = await apiHub({
    controller: false,
    config: {
      roles: [{ name: 'minter', scopes: ['tokens!group=course'], users: ['ada'] }],
      groups: { course: { users: ['bob'] } },
    },
  });
  const ada = await hub.api({ name: 'ada' });
  await hub.api({ name: 'bob' });
  await hub.api({ name: 'eve' });

  expect(await ada('POST', '/users/bob/tokens', { scopes: ['read:users!user'] })).toMatchObject({
    status: 201,
    body: {
      user: 'bob',
      note: 'Requested via api by user ada',
      scopes: expect.arrayContaining(['read:users!user=bob']),
    },
  });
  expect(await ada('POST', '/users/eve/tokens')).toMatchObject({
    status: 403,
    body: { message: 'User eve not found or no permissions to generate tokens' },
  });
  expect(await ada('POST', '/users/bob/tokens', { scopes: ['list:users'] })).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^Not assigning requested scopes/) },
  });
});

test('[3.3 auth_state] is what the sign-in service said last', async () => {
  let said = 0;
  const authenticator = defineAuthenticator({
    id: 'elsewhere',
    config: z.strictObject({}),
    form: z.object({ username: z.string(), password: z.string() }),
    create: () => ({
      authenticate: async ({ username }) => {
        said += 1;
        return { name: username, authState: { said } };
      },
    }),
  });
  await using hub = await startTestHub({
    spawner: echoSpawner(),
    authenticator: authenticator(),
    controller: false,
    config: { keepAuthState: true, access: { allowAll: true } },
  });
  const admin = await hub.api({ name: 'root', admin: true });
  for (const expected of [1, 2]) {
    const signedIn = await fetch(`${hub.origin}/hub/api/users/ada/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { username: 'ada', password: 'x' } }),
    });
    expect(signedIn.status).toBe(201);
    expect(await admin('GET', '/users/ada')).toMatchObject({ body: { auth_state: { said: expected } } });
  }
});

test('[3.3 auth_state] is refused where it is not kept', async () => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true });

  expect((await admin('PATCH', '/users/root', { auth_state: { a: 1 } })).status).toBe(400);
  expect((await admin('PATCH', '/users/root', { auth_state: null })).status).toBe(200);
});

test('[3.4 GET /authorizations/token/t] the log never holds the token, known or not', async () => {
  const { pino } = await import('pino');
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  await using hub = await apiHub({ controller: false, log });
  const ada = await hub.api({ name: 'ada' });

  expect((await ada('GET', '/authorizations/token/0123456789abcdef')).status).toBe(404);

  expect(lines.some((line) => line.includes('/authorizations/token/:token'))).toBe(true);
  expect(lines.filter((line) => line.includes('0123456789abcdef'))).toEqual([]);
});
