import { expect } from 'vitest';
import { eventually } from '../client.ts';
import { section } from '../suite.ts';
import { BADGE_TOKEN } from '../world.ts';

type Named = { name: string };
const names = (list: Named[]) => list.map(({ name }) => name);

export const users = section('REST, people', (row) => {
  row(['3.3/user-read', '3.5/read'], async ({ main }) => {
    const one = await main.person();
    const model = (await (await main.scoped(['read:users']))('GET', `/users/${one}`)).json();
    expect(model).toMatchObject({
      ...{ kind: 'user', name: one, admin: false, roles: ['user'], groups: [], server: null, pending: null },
      created: expect.stringMatching(/Z$/),
    });
    expect(model).toHaveProperty('last_activity');
    expect(model).not.toHaveProperty('servers');
    expect((await main.as(BADGE_TOKEN)('GET', `/users/${one}`)).status).toBe(403);
  });

  row('3.3/user-info', async ({ main }) => {
    const one = await main.person();
    expect((await main.root('GET', `/users/${one}`)).json()).toHaveProperty('user_info', null);
  });

  row(
    ['3.3/user-name', '3.3/user-groups', '3.3/user-activity', '3.3/user-servers', '3.3/user-roles'],
    async ({ main }) => {
      const one = await main.person();
      for (const [scope, wanted] of [
        ['read:users:name', ['admin', 'kind', 'name']],
        ['read:users:groups', ['groups', 'kind', 'name']],
        ['read:users:activity', ['kind', 'last_activity', 'name']],
        ['read:roles:users', ['admin', 'kind', 'name', 'roles']],
      ] as const) {
        const model = (await (await main.scoped([`${scope}!user=${one}`]))('GET', `/users/${one}`)).json();
        const keys = Object.keys(model).filter((key) => key !== 'user_info');
        expect([scope, keys.sort()]).toEqual([scope, wanted]);
      }
      // read:servers includes read:users:name.
      const model = (await (await main.scoped([`read:servers!user=${one}`]))('GET', `/users/${one}`)).json();
      expect(model).toMatchObject({ kind: 'user', name: one, servers: {} });
      expect(model).not.toHaveProperty('last_activity');
    },
  );

  row('3.3/user-info-told', async ({ main }) => {
    const name = main.fresh('info-');
    await main.signIn(name);
    expect((await main.root('GET', `/users/${name}`)).json().user_info).toEqual({ display_name: 'Ina Fo' });
  });

  row('3.3/user-auth-state-kept', async ({ main }) => {
    const name = main.fresh('info-');
    await main.signIn(name);
    expect((await main.root('GET', `/users/${name}`)).json().auth_state).toEqual({ key: 'of-elsewhere' });
    const [listed] = (await main.root('GET', `/users?name_filter=${name}`)).json();
    expect(listed).toMatchObject({ name, auth_state: null });
  });

  row('3.3/user-auth-state', async ({ main }) => {
    const one = await main.person();
    const as = await main.scoped([`admin:auth_state!user=${one}`, `read:users!user=${one}`]);
    expect((await as('GET', `/users/${one}`)).json()).toHaveProperty('auth_state', null);
    const without = await main.scoped([`read:users!user=${one}`]);
    expect((await without('GET', `/users/${one}`)).json()).not.toHaveProperty('auth_state');
  });

  row(['3.3/servers-active', '3.3/servers-filtered'], async ({ main }) => {
    const one = await main.person();
    await Promise.all([main.start(one), main.start(one, 'two')]);
    const filtered = await main.scoped([`read:servers!server=${one}/two`, `read:users:name!user=${one}`]);
    const seen = async (query = '', as = main.root) =>
      Object.keys((await as('GET', `/users/${one}${query}`)).json().servers).sort();
    expect(await seen()).toEqual(['', 'two']);
    expect((await main.root('DELETE', `/users/${one}/server`)).status).toBe(204);
    expect(await seen()).toEqual(['two']);
    expect(await seen('?include_stopped_servers')).toEqual(['', 'two']);
    expect(await seen('?include_stopped_servers=0')).toEqual(['two']);
    expect(await seen('?include_stopped_servers=1', filtered)).toEqual(['two']);
  });

  row(['3.5/list', '3.5/list-filtered'], async ({ main }) => {
    const group = main.fresh('g');
    const [one, other, third] = await Promise.all([main.person(), main.person(), main.person()]);
    await main.root('POST', `/groups/${group}`, { users: [one] });
    const as = await main.scoped([`list:users!group=${group}`, `list:users!user=${other}`]);
    expect(names((await as('GET', '/users')).json()).sort()).toEqual([one, other].sort());
    expect(names((await main.root('GET', `/users?name_filter=${third}`)).json())).toEqual([third]);
  });

  row('3.5/list-other-filter', async ({ main }) => {
    const as = await main.scoped(['list:users!server=ada/x']);
    expect((await as('GET', '/users')).status).toBe(403);
  });

  row('3.5/list-state', async ({ main }) => {
    const prefix = main.fresh('state');
    const held = `held-${prefix}`;
    const [ready, named, idle] = [`${prefix}a`, `${prefix}b`, `${prefix}c`];
    expect((await main.root('POST', '/users', { usernames: [ready, named, idle, held] })).status).toBe(201);
    const waiting = main.root('POST', `/users/${held}/server`);
    await Promise.all([main.start(ready), main.start(named, 'x')]);
    await eventually(
      async () => (await main.root('GET', `/users/${held}`)).json().pending,
      (seen) => seen === 'spawn',
    );
    const listed = async (state: string) =>
      names((await main.root('GET', `/users?state=${state}&name_filter=${prefix}`)).json()).sort();
    expect(await listed('ready')).toEqual([ready, named].sort());
    expect(await listed('active')).toEqual([held, ready, named].sort());
    expect(await listed('inactive')).toEqual([idle]);
    expect((await main.root('GET', '/users?state=asleep')).status).toBe(400);
    main.gate.open(held);
    await waiting;
  });

  row(['3.5/list-sort', '3.5/list-name-filter'], async ({ main }) => {
    const prefix = main.fresh('sort');
    for (const end of ['c', 'a', 'b']) await main.root('POST', `/users/${prefix}${end}`);
    const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
    await main.root('POST', `/users/${prefix}b/activity`, { last_activity: at(20) });
    await main.root('POST', `/users/${prefix}a/activity`, { last_activity: at(10) });
    const listed = async (sort: string) =>
      names((await main.root('GET', `/users?sort=${sort}&name_filter=${prefix.toUpperCase()}`)).json())
        .map((name) => name.at(-1))
        .join('');
    expect(await listed('id')).toBe('cab');
    expect(await listed('-id')).toBe('bac');
    expect(await listed('name')).toBe('abc');
    expect(await listed('-name')).toBe('cba');
    expect(await listed('last_activity')).toBe('cab');
    expect(await listed('-last_activity')).toBe('bac');
    expect((await main.root('GET', '/users?sort=size')).status).toBe(400);
  });

  row(['3.5/create-many', '3.5/create-many-all-exist'], async ({ main }) => {
    const prefix = main.fresh('many');
    const [a, b] = [`${prefix}a`, `${prefix}b`];
    const first = await main.root('POST', '/users', { usernames: [a.toUpperCase()] });
    expect([first.status, names(first.json())]).toEqual([201, [a]]);
    const second = await main.root('POST', '/users', { usernames: [a, b], admin: true });
    expect([second.status, second.json()]).toMatchObject([201, [{ name: b, admin: true }]]);
    expect((await main.root('POST', '/users', { usernames: [a, b] })).status).toBe(409);
  });

  row(['3.5/create-many-none', '3.5/create-many-invalid'], async ({ main }) => {
    for (const body of [{ usernames: [] }, {}, undefined]) {
      expect((await main.root('POST', '/users', body)).status).toBe(400);
    }
    const one = await main.root('POST', '/users', { usernames: ['a/b'] });
    expect([one.status, one.json().message]).toEqual([400, 'Invalid username: a/b']);
    const two = await main.root('POST', '/users', { usernames: ['a/b', 'c/d'] });
    expect([two.status, two.json().message]).toEqual([400, 'Invalid usernames: a/b, c/d']);
  });

  row('3.5/create-many-no-list', async ({ main }) => {
    expect((await main.root('POST', '/users', { usernames: 'abc' })).status).toBe(400);
    expect((await main.root('POST', '/users', { usernames: [1] })).status).toBe(400);
  });

  row(['3.5/create-many-admin', '3.5/create-admin', '3.5/change-admin'], async ({ main }) => {
    const [one, target] = await Promise.all([main.person(), main.person()]);
    // Somebody who may do everything with people and is no administrator: a member of a group with that role.
    await main.root('POST', '/groups/people-staff/users', { users: [one] });
    const as = main.as(await main.token(one));
    const fresh = main.fresh();
    expect((await as('POST', '/users', { usernames: [fresh], admin: true })).status).toBe(403);
    expect((await as('POST', `/users/${fresh}`, { admin: true })).status).toBe(403);
    expect((await as('POST', `/users/${fresh}`)).status).toBe(201);
    expect((await as('PATCH', `/users/${target}`, { admin: true })).status).toBe(403);
    expect((await as('PATCH', '/users/ada', { name: 'ada2' })).status).toBe(403);
  });

  row(['3.5/create', '3.5/create-exists'], async ({ main }) => {
    const name = main.fresh('Upper');
    const made = await main.root('POST', `/users/${name}`);
    expect([made.status, made.json()]).toMatchObject([201, { kind: 'user', name, admin: false, groups: [] }]);
    expect((await main.root('GET', `/users/${name}`)).status).toBe(200);
    const again = await main.root('POST', `/users/${name}`);
    expect([again.status, again.json().message]).toEqual([409, expect.stringContaining(name)]);
  });

  row(['3.5/create-invalid', '3.5/create-keys'], async ({ main }) => {
    const bad = await main.root('POST', '/users/%20edge');
    expect([bad.status, bad.json().message]).toEqual([400, 'Failed to create user:  edge']);
    const name = main.fresh();
    const keys = await main.root('POST', `/users/${name}`, { admin: false, shoe_size: 7 });
    expect([keys.status, keys.json().message]).toEqual([400, expect.stringMatching(/^Invalid JSON keys/)]);
    expect((await main.root('POST', `/users/${name}`, { admin: 'yes' })).status).toBe(400);
    expect((await main.root('GET', `/users/${name}`)).status).toBe(404);
  });

  row('3.5/change', async ({ main }) => {
    const one = await main.person();
    const fresh = main.fresh('New');
    const changed = await main.root('PATCH', `/users/${one}`, { name: fresh, admin: true });
    const name = fresh.toLowerCase();
    expect([changed.status, changed.json()]).toMatchObject([200, { name, admin: true, auth_state: null }]);
    expect((await main.root('GET', `/users/${one}`)).status).toBe(404);
    expect((await main.root('GET', `/users/${name}`)).json().admin).toBe(true);
  });

  row('3.5/change-name-same', async ({ main }) => {
    const one = await main.person();
    const same = await main.root('PATCH', `/users/${one}`, { name: one, admin: false });
    expect([same.status, same.json().name]).toEqual([200, one]);
    expect((await main.root('GET', `/users/${one}`)).status).toBe(200);
  });

  row(['3.5/change-name-invalid', '3.5/change-name-taken', '3.5/change-no-body'], async ({ main }) => {
    const [one, other] = await Promise.all([main.person(), main.person()]);
    const bad = await main.root('PATCH', `/users/${one}`, { name: 'a/b' });
    expect([bad.status, bad.json().message]).toEqual([400, expect.stringMatching(/^Invalid username: '?a\/b'?$/)]);
    expect((await main.root('PATCH', `/users/${one}`, { name: other })).status).toBe(400);
    expect((await main.root('PATCH', `/users/${one}`)).status).toBe(400);
    expect((await main.root('GET', `/users/${one}`)).status).toBe(200);
  });

  row('3.5/change-memberships', async ({ main }) => {
    const one = await main.person();
    expect((await main.root('PATCH', `/users/${one}`, { groups: ['no-such-group'] })).status).toBe(400);
    expect((await main.root('PATCH', `/users/${one}`, { roles: ['no-such-role'] })).status).toBe(400);
  });

  row(['3.5/delete', '3.5/delete-self'], async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    expect((await main.send('GET', `/user/${one}/env`)).status).toBe(200);
    expect((await main.root('DELETE', `/users/${one}`)).status).toBe(204);
    expect((await main.root('GET', `/users/${one}`)).status).toBe(404);
    await eventually(
      async () => (await main.send('GET', `/user/${one}/env`)).status,
      (status) => status !== 200,
    );
    const ada = main.as(await main.token('ada'));
    expect((await ada('DELETE', '/users/ada')).status).toBe(400);
  });

  row(['3.5/tokens-list', '3.5/token-read', '3.5/token-delete', '3.3/token-model'], async ({ main }) => {
    const one = await main.person();
    const made = (await main.root('POST', `/users/${one}/tokens`, { note: 'first', expires_in: 60 })).json();
    const as = main.as(await main.token(one, { note: 'used' }));
    expect((await as('GET', '/user')).status).toBe(200);
    const { api_tokens: listed } = (await main.root('GET', `/users/${one}/tokens`)).json();
    expect(listed.map(({ note }: { note: string }) => note).sort()).toEqual(['first', 'used']);
    const model = (await main.root('GET', `/users/${one}/tokens/${made.id}`)).json();
    expect(model).toMatchObject({
      ...{ user: one, kind: 'api_token', roles: [], note: 'first', session_id: null, last_activity: null },
      id: expect.stringMatching(/^a\d+$/),
      scopes: expect.any(Array),
      oauth_client: expect.any(String),
      created: expect.stringMatching(/Z$/),
      expires_at: expect.stringMatching(/Z$/),
    });
    expect(model).not.toHaveProperty('token');
    expect((await as('DELETE', `/users/${one}/tokens/${made.id}`)).status).toBe(204);
    expect((await main.as(made.token)('GET', '/user')).status).toBe(403);
    for (const id of ['a999999', 'x1', made.id]) {
      expect((await main.root('GET', `/users/${one}/tokens/${id}`)).status).toBe(404);
      expect((await main.root('DELETE', `/users/${one}/tokens/${id}`)).status).toBe(404);
    }
  });

  row('3.5/admin-access', async ({ main }) => {
    const one = await main.person();
    expect((await main.root('POST', `/users/${one}/admin-access`)).status).toBe(403);
  });
});
