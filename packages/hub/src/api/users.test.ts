import { expect, test } from 'vitest';
import { findUser, updateUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

const name = (model: unknown) => (model as { name: string }).name;
const names = (list: unknown) => (list as unknown[]).map(name);
const keys = (model: unknown) => Object.keys(model as object).sort();

onBothDatabases((on) => {
  test('users are created, read, changed, listed and deleted', async () => {
    await using hub = await apiHub({ on });
    const admin = await hub.api({ name: 'root', admin: true });

    const created = await admin('POST', '/users', { usernames: ['Ada', 'bob', 'ada'] });
    expect([created.status, names(created.body)]).toEqual([201, ['ada', 'bob']]);
    expect(await admin('POST', '/users', { usernames: ['ada', 'eve'] })).toMatchObject({ status: 201 });
    expect(await admin('POST', '/users', { usernames: ['ada', 'eve'] })).toMatchObject({ status: 409 });
    expect((await admin('POST', '/users/Grace%20H')).status).toBe(201);
    expect((await admin('POST', '/users/Grace%20H')).status).toBe(409);
    expect(names((await admin('GET', '/users')).body)).toEqual(['root', 'ada', 'bob', 'eve', 'Grace H']);

    expect(await admin('PATCH', '/users/bob', { name: 'Robert', admin: true })).toMatchObject({
      status: 200,
      body: { name: 'robert', admin: true, roles: ['admin', 'user'], auth_state: null },
    });
    expect(await admin('PATCH', '/users/robert', { name: 'robert' })).toMatchObject({
      status: 200,
      body: { name: 'robert' },
    });
    expect((await admin('PATCH', '/users/robert', { name: 'ada' })).status).toBe(400);

    expect((await admin('DELETE', '/users/eve')).status).toBe(204);
    expect(await admin('GET', '/users/eve')).toMatchObject({ status: 404 });
    expect(await admin('DELETE', '/users/root')).toMatchObject({ status: 400 });
  });

  test('the list filters, sorts and pages', async () => {
    await using hub = await apiHub({ on });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/users', { usernames: ['cleo', 'ada', 'bob', 'abe'] });
    expect((await admin('POST', '/users/ada/server')).status).toBe(201);
    const list = async (query: string) => names((await admin('GET', `/users?${query}`)).body);

    expect(await list('name_filter=A')).toEqual(['ada', 'abe']);
    expect(await list('name_filter=%25')).toEqual([]);
    expect(await list('state=ready')).toEqual(['ada']);
    expect(await list('state=active')).toEqual(['ada']);
    expect(await list('state=inactive&sort=-name')).toEqual(['root', 'cleo', 'bob', 'abe']);
    expect(await list('sort=name&offset=1&limit=2')).toEqual(['ada', 'bob']);
    expect((await list('sort=-last_activity'))[0]).toBe('root');
    expect((await admin('GET', '/users?state=odd')).status).toBe(400);
    expect((await admin('GET', '/users?sort=odd')).status).toBe(400);
    expect(await admin('GET', '/users?limit=x')).toMatchObject({
      body: { message: 'Invalid argument type, offset and limit must be integers' },
    });
  });

  test('a token that is limited to some people or groups lists those', async () => {
    await using hub = await apiHub({ on });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/users', { usernames: ['ada', 'bob', 'eve'] });
    const { db } = hub.ctx;
    await updateUser(db, (await findUser(db, 'bob'))?.id ?? 0, { authGroups: ['Physics'] });
    await updateUser(db, (await findUser(db, 'eve'))?.id ?? 0, { authGroups: ['physics'] });
    const some = await hub.api({ name: 'root' }, [
      'list:users!user=ada',
      'list:users!group=Physics',
      'read:users!group=Physics',
    ]);

    expect(names((await some('GET', '/users')).body)).toEqual(['ada', 'bob']);
    expect(await some('GET', '/users/bob')).toMatchObject({ status: 200, body: { groups: ['Physics'] } });
    expect((await some('GET', '/users/eve')).status).toBe(404);
  });
});

test('the position in a list is told to who asks, with an address to go on', async () => {
  await using hub = await apiHub();
  const admin = await hub.api({ name: 'root', admin: true });
  await admin('POST', '/users', { usernames: ['a', 'b', 'c'] });
  const token = (await admin('POST', '/users/root/tokens')).body as { token: string };
  const get = async (url: string, accept: string) =>
    (await fetch(url, { headers: { authorization: `Bearer ${token.token}`, accept } })).json();
  const accept = 'text/html, application/jupyterhub-pagination+json';

  const first = (await get(`${hub.origin}/hub/api/users?limit=3&sort=id`, accept)) as {
    items: unknown[];
    _pagination: { next: { url: string } };
  };
  const second = await get(first._pagination.next.url, accept);

  expect(names(first.items)).toEqual(['root', 'a', 'b']);
  expect(first._pagination).toMatchObject({ offset: 0, limit: 3, total: 4, next: { offset: 3, limit: 3 } });
  expect(second).toMatchObject({ items: [{ name: 'c' }], _pagination: { offset: 3, next: null } });
  expect(await get(`${hub.origin}/hub/api/users`, 'application/jupyterhub-pagination+json;q=1')).toHaveLength(4);
});

test('what a model shows depends on the scopes', async () => {
  await using hub = await apiHub();
  const admin = await hub.api({ name: 'root', admin: true });
  await admin('POST', '/users', { usernames: ['ada'] });
  await admin('POST', '/users/ada/servers/lab');
  await admin('PUT', '/users/ada/servers/idle');
  const seen = async (...scopes: string[]) => {
    const api = await hub.api({ name: 'root' }, scopes);
    return keys((await api('GET', '/users/ada')).body);
  };

  const identity = ['admin', 'kind', 'name', 'user_info'];
  expect(await seen('read:users:name')).toEqual(identity);
  expect(await seen('read:users:groups')).toEqual(['groups', 'kind', 'name']);
  expect(await seen('read:users:activity')).toEqual(['kind', 'last_activity', 'name']);
  expect(await seen('read:servers')).toEqual([...identity, 'servers'].sort());
  expect(await seen('read:roles:users')).toEqual(['admin', 'kind', 'name', 'roles']);
  expect(await seen('read:users')).toEqual(
    [...identity, 'created', 'groups', 'last_activity', 'pending', 'roles', 'server'].sort(),
  );

  const readServers = await hub.api({ name: 'root' }, ['read:servers']);
  const servers = async (path: string) =>
    Object.keys(((await readServers('GET', path)).body as { servers: object }).servers);
  expect(await servers('/users/ada')).toEqual(['lab']);
  expect((await servers('/users/ada?include_stopped_servers')).sort()).toEqual(['idle', 'lab']);
  expect(await servers('/users/ada?include_stopped_servers=0')).toEqual(['lab']);
});

test('who may not see somebody is told the same as when there is nobody', async () => {
  await using hub = await apiHub();
  await hub.api({ name: 'ada' });
  const bob = await hub.api({ name: 'bob' });
  const admin = await hub.api({ name: 'root', admin: true });

  const [foreign, missing, unknown] = [
    await bob('GET', '/users/ada'),
    await bob('GET', '/users/nobody'),
    await admin('GET', '/users/nobody'),
  ];

  expect([foreign.status, missing.status, unknown.status]).toEqual([404, 404, 404]);
  expect((foreign.body as { message: string }).message).toBe('No access to resources or resources not found');
  expect((missing.body as { message: string }).message).toBe((foreign.body as { message: string }).message);
  expect(await bob('GET', '/users')).toMatchObject({
    status: 403,
    body: { message: 'Action is not authorized with current scopes; requires any of [list:users]' },
  });
  expect((await bob('POST', '/users', { usernames: ['x'] })).status).toBe(403);
  expect((await bob('DELETE', '/users/bob')).status).toBe(403);
});

test.each([
  ['POST', '/users', undefined, 400],
  ['POST', '/users', { usernames: [] }, 400],
  ['POST', '/users', { usernames: 'abc' }, 400],
  ['POST', '/users', { usernames: [1] }, 400],
  ['POST', '/users', { usernames: ['ok', 'a/b'] }, 400],
  ['POST', '/users', { usernames: ['ok'], odd: 1 }, 400],
  ['POST', '/users/%252E%252E', undefined, 400],
  ['POST', '/users/%20x', undefined, 400],
  ['POST', '/users/x', { shoe_size: 44 }, 400],
  ['POST', '/users/x', { admin: 'yes' }, 400],
  ['PATCH', '/users/root', undefined, 400],
  ['PATCH', '/users/root', { groups: ['x'] }, 400],
  ['PATCH', '/users/root', { name: 'a/b' }, 400],
  ['PATCH', '/users/nobody', { name: 'x' }, 404],
  ['DELETE', '/users/nobody', undefined, 404],
])('%s %s %j is answered %i', async (method, path, body, status) => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true });

  expect(await admin(method, path, body)).toMatchObject({ status, body: { status } });
  expect(await admin('GET', '/users')).toMatchObject({ body: [{ name: 'root' }] });
});

test('accounts are managed by whoever holds that scope, administrators only by administrators', async () => {
  await using hub = await apiHub({ controller: false });
  await hub.api({ name: 'root', admin: true });
  const { token } = (await (await hub.api({ name: 'root' }))('POST', '/users/root/tokens', { scopes: ['admin:users'] }))
    .body as {
    token: string;
  };
  await hub.ctx.db.updateTable('users').set({ admin: 0 }).where('name', '=', 'root').execute();
  const demoted = await fetch(`${hub.origin}/hub/api/users`, { headers: { authorization: `token ${token}` } });

  expect(demoted.status).toBe(403);
});
