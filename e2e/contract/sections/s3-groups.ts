import { expect } from 'vitest';
import { eventually, send } from '../client.ts';
import { section } from '../suite.ts';

const PAGED = { accept: 'application/jupyterhub-pagination+json' };
type Named = { name: string };

export const groups = section('REST, groups and services', (row, alone) => {
  row(['3.3/group-model', '3.9/group-read'], async ({ main }) => {
    const [name, one] = [main.fresh('g'), await main.person()];
    await main.root('POST', `/groups/${name}`, { users: [one] });
    await main.root('PUT', `/groups/${name}/properties`, { room: 7 });
    const seen = async (scope: string) => (await (await main.scoped([scope]))('GET', `/groups/${name}`)).json();
    expect(await seen('read:groups')).toEqual({ kind: 'group', name, users: [one], properties: { room: 7 } });
    expect(await seen('read:groups:name')).toEqual({ kind: 'group', name });
    expect(await seen('read:roles:groups')).toEqual({ kind: 'group', name, roles: [] });
    const missing = await main.root('GET', '/groups/none');
    expect([missing.status, missing.json().message]).toEqual([404, 'No such group: none']);
  });

  row('3.9/groups-list', async ({ main }) => {
    const name = main.fresh('g');
    await main.root('POST', `/groups/${name}`);
    const all = (await main.root('GET', '/groups')).json().map((group: Named) => group.name);
    expect(all).toEqual(expect.arrayContaining([name, 'class']));
    const filtered = await main.scoped([`list:groups!group=${name}`]);
    expect((await filtered('GET', '/groups')).json().map((group: Named) => group.name)).toEqual([name]);
    expect((await (await main.scoped(['list:groups!user=ada']))('GET', '/groups')).status).toBe(403);
  });

  row('3.9/groups-total', async ({ main }) => {
    const filtered = await main.scoped(['list:groups!group=class']);
    const { items, _pagination } = (await filtered('GET', '/groups', undefined, PAGED)).json();
    expect([items.length, _pagination.total]).toEqual([1, 1]);
  });

  row(['3.9/groups-create', '3.9/groups-create-bad'], async ({ main }) => {
    const [a, b, one] = [main.fresh('g'), main.fresh('g'), await main.person()];
    const made = await main.root('POST', '/groups', { groups: [a, b], users: [one] });
    expect([made.status, made.json()]).toMatchObject([
      201,
      [
        { name: a, users: [one] },
        { name: b, users: [one] },
      ],
    ]);
    for (const body of [{ groups: [] }, {}]) expect((await main.root('POST', '/groups', body)).status).toBe(400);
    const taken = await main.root('POST', '/groups', { groups: [a] });
    expect([taken.status, taken.json().message]).toEqual([409, `Group ${a} already exists`]);
    const unknown = await main.root('POST', '/groups', { groups: [main.fresh('g')], users: ['nobody-of-this-name'] });
    expect(unknown.status).toBe(400);
  });

  row('3.9/groups-create-all-or-none', async ({ main }) => {
    const fresh = main.fresh('g');
    expect((await main.root('POST', '/groups', { groups: [fresh, 'class'] })).status).toBe(409);
    expect((await main.root('GET', `/groups/${fresh}`)).status).toBe(404);
  });

  row(['3.9/group-create', '3.9/group-create-bad', '3.9/group-create-keys', '3.9/group-delete'], async ({ main }) => {
    const [a, b, one] = [main.fresh('g'), main.fresh('g'), await main.person()];
    const bare = await main.root('POST', `/groups/${a}`);
    expect([bare.status, bare.json()]).toMatchObject([201, { kind: 'group', name: a, users: [], properties: {} }]);
    expect((await main.root('POST', `/groups/${b}`, { users: [one] })).json().users).toEqual([one]);
    expect((await main.root('POST', `/groups/${a}`)).status).toBe(409);
    for (const body of [{ users: ['nobody-of-this-name'] }, { properties: {} }, { size: 1 }]) {
      expect([body, (await main.root('POST', `/groups/${main.fresh('g')}`, body)).status]).toEqual([body, 400]);
    }
    const named = await main.root('POST', `/groups/${main.fresh('g')}`, {
      name: 'other',
      roles: ['admin'],
      users: [one],
    });
    expect([named.status, named.json()]).toMatchObject([201, { users: [one], roles: [] }]);
    expect(named.json().name).not.toBe('other');
    expect((await main.root('DELETE', `/groups/${a}`)).status).toBe(204);
    expect((await main.root('DELETE', `/groups/${a}`)).status).toBe(404);
  });

  row(['3.9/group-users', '3.9/group-users-bad', '3.9/group-properties'], async ({ main }) => {
    const [name, one] = [main.fresh('g'), await main.person()];
    await main.root('POST', `/groups/${name}`);
    const path = `/groups/${name}/users`;
    for (const [method, users] of [
      ['POST', [one]],
      ['POST', [one]],
      ['DELETE', []],
      ['DELETE', []],
    ] as const) {
      const { status, json, headers } = await main.root(method, path, { users: [one] });
      expect([method, status, json().users]).toEqual([method, 200, users]);
      expect(headers['content-type']).toMatch(/^application\/json/);
    }
    for (const method of ['POST', 'DELETE']) {
      expect((await main.root(method, path, {})).status).toBe(400);
      const unknown = await main.root(method, path, { users: ['nobody-of-this-name'] });
      expect([unknown.status, unknown.json().message]).toEqual([400, 'No such user: nobody-of-this-name']);
    }
    const put = (body: unknown) => main.root('PUT', `/groups/${name}/properties`, body);
    expect((await put({ a: 1, b: { c: [2] } })).json().properties).toEqual({ a: 1, b: { c: [2] } });
    expect((await put({ d: 3 })).json().properties).toEqual({ d: 3 });
    expect((await put(['x'])).status).toBe(400);
  });

  row(['3.3/service-model', '3.9/services-list', '3.9/service-read'], async ({ main }) => {
    const listed = (await main.root('GET', '/services')).json();
    expect(listed.outside).toMatchObject({ kind: 'service', name: 'outside', prefix: '/services/outside/' });
    const seen = async (scope: string) => (await (await main.scoped([scope]))('GET', '/services/outside')).json();
    expect(await seen('read:services')).toMatchObject({
      ...{ kind: 'service', name: 'outside', admin: false, url: main.gate.url, prefix: '/services/outside/' },
      ...{ command: [], info: { room: 7 }, display: true },
    });
    expect(await seen('read:services')).not.toHaveProperty('roles');
    expect(await seen('read:services:name')).toEqual({ kind: 'service', name: 'outside', admin: false });
    expect(await seen('read:roles:services')).toEqual({ kind: 'service', name: 'outside', admin: false, roles: [] });
    const managed = (await main.root('GET', '/services/helper')).json();
    expect(managed.command.at(-1)).toContain('tiny-server');
    expect(managed.pid).toBeGreaterThan(1);
    const missing = await main.root('GET', '/services/none');
    expect([missing.status, missing.json().message]).toEqual([404, 'No such service: none']);
  });

  row(['3.9/service-create', '3.9/service-create-bad', '3.9/service-delete'], async ({ main }) => {
    const name = main.fresh('service');
    const token = `the-secret-of-${name}`;
    const body = { url: main.gate.url, api_token: token, info: { a: 1 }, display: false };
    const made = await main.root('POST', `/services/${name}`, body);
    expect([made.status, made.json()]).toMatchObject([
      201,
      { kind: 'service', name, url: main.gate.url, prefix: `/services/${name}/`, info: { a: 1 }, display: false },
    ]);
    expect((await main.as(token)('GET', '/user')).json()).toMatchObject({ kind: 'service', name });
    expect((await main.root('POST', `/services/${name}`, body)).status).toBe(409);
    for (const bad of [{ command: ['true'] }, { oauth_client_id: 'wrong-id', api_token: `${token}x` }, 'x', {}]) {
      const { status } = await main.root('POST', `/services/${main.fresh('service')}`, bad);
      expect([bad, status]).toEqual([bad, 400]);
    }
    const one = await main.person();
    await main.root('POST', '/groups/service-staff/users', { users: [one] });
    const narrow = main.as(await main.token(one));
    const wide = await narrow('POST', `/services/${main.fresh('service')}`, {
      ...{ api_token: `${token}y`, oauth_client_allowed_scopes: ['admin:users'] },
    });
    expect(wide.status).toBe(400);
    const gone = await main.root('DELETE', `/services/${name}`);
    expect([gone.status, gone.text]).toEqual([200, '']);
    expect((await main.as(token)('GET', '/user')).status).toBe(403);
    expect((await main.root('DELETE', `/services/${name}`)).status).toBe(404);
    expect((await main.root('DELETE', '/services/outside')).status).toBe(405);
  });

  row('3.9/service-create-name', async ({ main }) => {
    for (const bad of ['%2e%2e%2e', '%20x', 'a%2525b']) {
      const { status } = await main.root('POST', `/services/${bad}`, { api_token: 'a-token-of-somebody' });
      expect([bad, status]).toEqual([bad, 400]);
    }
  });

  row('3.9/service-create-token', async ({ main }) => {
    const body = { api_token: 'x'.repeat(65) };
    expect((await main.root('POST', `/services/${main.fresh('service')}`, body)).status).toBe(400);
  });

  row('3.9/proxy-read', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const routes = (await main.root('GET', '/proxy?limit=200')).json();
    expect(routes[`/user/${one}/`]).toMatchObject({
      routespec: `/user/${one}/`,
      target: expect.any(String),
      data: { user: one, server_name: '' },
    });
    expect((await (await main.scoped(['read:hub']))('GET', '/proxy')).status).toBe(403);
  });

  alone(['3.9/proxy-repair', '3.9/proxy-change-valid'], async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const answers = async () => (await main.send('GET', `/user/${one}/first`)).status;
    const { proxyApi: api } = main;
    if (api) {
      const headers = { authorization: `token ${api.token}` };
      expect((await send(api.url, 'DELETE', `/api/routes/user/${one}`, { headers })).status).toBe(204);
      expect(await answers()).not.toBe(200);
    }
    expect((await main.root('POST', '/proxy')).status).toBe(200);
    await eventually(answers, (status) => status === 200);
    const body = api ? { api_url: api.url, auth_token: api.token } : { api_url: 'http://127.0.0.1:1' };
    expect((await main.root('PATCH', '/proxy', body)).status).toBe(200);
    await eventually(answers, (status) => status === 200);
  });

  alone(['3.9/proxy-check', '3.9/proxy-change'], async ({ main }) => {
    expect((await main.root('POST', '/proxy')).status).toBe(200);
    for (const body of [['x'], 'x', '']) expect((await main.root('PATCH', '/proxy', body)).status).toBe(400);
  });
});
