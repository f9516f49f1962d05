import { expect, test } from 'vitest';
import { findUser, updateUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name);

onBothDatabases((on) => {
  test('[3.9 POST /groups] makes several with people in them, all or none', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/users', { usernames: ['ada', 'bob'] });

    const made = await admin('POST', '/groups', { groups: ['a', 'b'], users: ['ada', 'bob'] });
    expect(made).toMatchObject({
      status: 201,
      body: [
        { kind: 'group', name: 'a', users: ['ada', 'bob'], properties: {}, roles: [] },
        { kind: 'group', name: 'b', users: ['ada', 'bob'] },
      ],
    });
    expect(await admin('POST', '/groups', { groups: ['new', 'a'] })).toMatchObject({
      status: 409,
      body: { message: 'Group a already exists' },
    });
    expect(await admin('POST', '/groups', { groups: ['new'], users: ['nobody'] })).toMatchObject({
      status: 400,
      body: { message: 'No such user: nobody' },
    });
    expect(names((await admin('GET', '/groups')).body)).toEqual(['a', 'b']);
  });

  test('[3.9 /groups/g] is made, read and deleted; people know it at once', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/users/Ada');

    expect(await admin('POST', '/groups/nbgrader-math')).toMatchObject({
      status: 201,
      body: { kind: 'group', name: 'nbgrader-math', users: [], properties: {}, roles: [] },
    });
    expect((await admin('POST', '/groups/nbgrader-math')).status).toBe(409);
    expect(await admin('POST', '/groups/a%20b', { name: 'a b', users: ['Ada'], roles: ['x'] })).toMatchObject({
      status: 201,
      body: { name: 'a b', users: ['Ada'] },
    });
    expect(await admin('GET', '/users/Ada')).toMatchObject({ body: { groups: ['a b'] } });
    expect((await admin('GET', '/groups/a%20b')).status).toBe(200);
    expect((await admin('DELETE', '/groups/a%20b')).status).toBe(204);
    expect(await admin('GET', '/groups/a%20b')).toMatchObject({ status: 404, body: { message: 'No such group: a b' } });
    expect((await admin('DELETE', '/groups/a%20b')).status).toBe(404);
    expect(await admin('GET', '/users/Ada')).toMatchObject({ body: { groups: [] } });
  });

  test('[3.9 /groups/g/users] adds and removes, as often as one likes, and answers with the group', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/users', { usernames: ['ada', 'bob'] });
    await admin('POST', '/groups/course');

    for (let twice = 0; twice < 2; twice += 1) {
      const added = await admin('POST', '/groups/course/users', { users: ['ada', 'bob'] });
      expect(added).toMatchObject({ status: 200, body: { name: 'course', users: ['ada', 'bob'] } });
      expect(added.headers.get('content-type')).toContain('application/json');
    }
    for (let twice = 0; twice < 2; twice += 1) {
      const removed = await admin('DELETE', '/groups/course/users', { users: ['bob'] });
      expect(removed).toMatchObject({ status: 200, body: { users: ['ada'] } });
    }
    for (const method of ['POST', 'DELETE']) {
      expect(await admin(method, '/groups/course/users', { users: ['ada', 'nobody'] })).toMatchObject({
        status: 400,
        body: { message: 'No such user: nobody' },
      });
      expect((await admin(method, '/groups/course/users', {})).status).toBe(400);
      expect((await admin(method, '/groups/course/users')).status).toBe(400);
      expect(await admin(method, '/groups/none/users', { users: ['ada'] })).toMatchObject({
        status: 404,
        body: { message: 'No such group: none' },
      });
    }
    expect(await admin('GET', '/groups/course')).toMatchObject({ body: { users: ['ada'] } });
  });

  test('[3.9 PUT /groups/g/properties] replaces all of them', async () => {
    await using hub = await apiHub({ on, controller: false });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/groups/course');

    const put = (body: unknown) => admin('PUT', '/groups/course/properties', body);
    expect(await put({ a: { deep: [1, null] }, b: 'x' })).toMatchObject({
      status: 200,
      body: { properties: { a: { deep: [1, null] }, b: 'x' } },
    });
    expect((await put({ c: true })).body).toMatchObject({ name: 'course', properties: { c: true } });
    for (const body of [[], 'x', 1, null]) expect((await put(body)).status).toBe(400);
    expect((await admin('GET', '/groups/course')).body).toMatchObject({ properties: { c: true } });
  });

  test('[3.9 GET /groups] a filter lists and counts what it covers; the keys are those of the scopes', async () => {
    await using hub = await apiHub({
      on,
      controller: false,
      config: { roles: [{ name: 'tutors', groups: ['b'] }] },
    });
    const admin = await hub.api({ name: 'root', admin: true });
    await admin('POST', '/groups', { groups: ['a', 'b', 'c'] });
    const list = async (scopes: string[], path = '/groups') => (await hub.api({ name: 'root' }, scopes))('GET', path);

    expect((await list(['list:groups'])).body).toEqual([
      { kind: 'group', name: 'a' },
      { kind: 'group', name: 'b' },
      { kind: 'group', name: 'c' },
    ]);
    expect((await list(['list:groups!group=b', 'list:groups!group=c', 'read:groups!group=c'])).body).toEqual([
      { kind: 'group', name: 'b' },
      { kind: 'group', name: 'c', users: [], properties: {} },
    ]);
    expect((await list(['read:roles:groups'], '/groups/b')).body).toEqual({
      kind: 'group',
      name: 'b',
      roles: ['tutors'],
    });
    expect((await list(['list:groups!user=ada'])).status).toBe(403);
    expect((await list(['read:groups!group=a'])).status).toBe(403);
    expect(names((await list(['list:groups'], '/groups?offset=1&limit=1')).body)).toEqual(['b']);
    expect((await list(['list:groups'], '/groups?limit=x')).status).toBe(400);
  });
});

test('[3.9 GET /groups] pages', async () => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true });
  await admin('POST', '/groups', { groups: ['a', 'b', 'c'] });
  const { token } = (
    await admin('POST', '/users/root/tokens', { scopes: ['list:groups!group=a', 'list:groups!group=c'] })
  ).body as { token: string };

  const answer = await fetch(`${hub.origin}/hub/api/groups?limit=1`, {
    headers: { authorization: `token ${token}`, accept: 'application/jupyterhub-pagination+json' },
  });

  expect(await answer.json()).toEqual({
    items: [{ kind: 'group', name: 'a' }],
    _pagination: {
      offset: 0,
      limit: 1,
      total: 2,
      next: { offset: 1, limit: 1, url: `${hub.origin}/hub/api/groups?limit=1&offset=1` },
    },
  });
});

test('[3.9 groups] a filtered scope covers its group alone; what is outside reads like what is not there', async () => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true });
  await admin('POST', '/users/ada');
  await admin('POST', '/groups', { groups: ['mine', 'other'] });
  const some = await hub.api({ name: 'root' }, ['groups!group=mine', 'delete:groups!group=mine']);
  const none = await hub.api({ name: 'root' }, ['list:users']);

  expect((await some('POST', '/groups/mine/users', { users: ['ada'] })).status).toBe(200);
  for (const [method, path, body] of [
    ['GET', '/groups/other', undefined],
    ['GET', '/groups/nothing', undefined],
    ['POST', '/groups/other/users', { users: ['ada'] }],
    ['PUT', '/groups/other/properties', {}],
    ['DELETE', '/groups/other', undefined],
  ] as const) {
    expect(await some(method, path, body), path).toMatchObject({
      status: 404,
      body: { message: 'No access to resources or resources not found' },
    });
    expect((await none(method, path, body)).status, path).toBe(403);
  }
  expect((await some('POST', '/groups', { groups: ['new'] })).status).toBe(403);
  expect((await some('POST', '/groups/mine2')).status).toBe(403);
  expect((await some('DELETE', '/groups/mine')).status).toBe(204);
});

test('[3.9 groups] what the configuration or a sign-in says is not undone here', async () => {
  await using hub = await apiHub({ controller: false, config: { groups: { biology: { users: ['ada'] } } } });
  const admin = await hub.api({ name: 'root', admin: true });
  await admin('POST', '/users/ada');
  const { db } = hub.ctx;
  await updateUser(db, (await findUser(db, 'ada'))?.id ?? 0, { authGroups: ['physics'] });

  expect(names((await admin('GET', '/groups')).body)).toEqual(['biology', 'physics']);
  for (const group of ['biology', 'physics']) {
    expect((await admin('POST', `/groups/${group}`)).status).toBe(409);
    expect((await admin('DELETE', `/groups/${group}/users`, { users: ['ada'] })).status).toBe(400);
    expect((await admin('DELETE', `/groups/${group}`)).status).toBe(400);
  }
});

test.each([
  ['POST', '/groups', undefined],
  ['POST', '/groups', { groups: [] }],
  ['POST', '/groups', { groups: 'abc' }],
  ['POST', '/groups', { groups: [1] }],
  ['POST', '/groups', { groups: ['a/b'] }],
  ['POST', '/groups', { groups: ['x'], odd: 1 }],
  ['POST', '/groups/x', { properties: {} }],
  ['POST', '/groups/x', { users: 'ada' }],
  ['POST', '/groups/x', []],
])('[3.9 groups] %s %s %j is a bad request, and makes nothing', async (method, path, body) => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true });

  expect(await admin(method, path, body)).toMatchObject({ status: 400, body: { status: 400 } });
  expect((await admin('GET', '/groups')).body).toEqual([]);
});
