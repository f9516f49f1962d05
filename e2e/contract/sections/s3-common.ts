import { expect } from 'vitest';
import { section } from '../suite.ts';
import { READER_TOKEN, ROOT_TOKEN } from '../world.ts';

const PAGED = { accept: 'application/jupyterhub-pagination+json' };
const PEP_440 = /^\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+([._-][a-z0-9]+)*)?$/i;

export const common = section('REST, common behaviour', (row) => {
  row('3/slashes', async ({ main }) => {
    const statuses = await Promise.all(['', '/', '/user/', '/users/', '/info/'].map((path) => main.root('GET', path)));
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 404, 404, 404]);
  });

  row(['3.1/version-header', '3.1/headers'], async ({ main, strict }) => {
    for (const hub of [main, strict]) {
      for (const path of ['/', '/user', '/nothing', '/users']) {
        const { headers } = await hub.root('GET', path);
        expect(headers['x-jupyterhub-version']).toMatch(PEP_440);
        const allowed = String(headers['access-control-allow-headers']).split(/, */).sort();
        expect(allowed).toEqual(['accept', 'authorization', 'content-type']);
        expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
        expect(headers['content-security-policy']).toContain(`report-uri ${hub.hub}security/csp-report`);
        expect(headers['content-security-policy']).toContain("default-src 'none'");
      }
    }
  });

  row('3.1/json', async ({ main }) => {
    const { headers } = await main.root('GET', '/user');
    expect(headers['content-type']).toBe('application/json');
    expect(headers.etag).toMatch(/^(W\/)?"[^"]+"$/);
  });

  row('3.1/token-header', async ({ main }) => {
    for (const scheme of ['token', 'TOKEN', 'Bearer', 'bearer']) {
      const { status } = await main.nobody('GET', '/user', undefined, { authorization: `${scheme} ${ROOT_TOKEN}` });
      expect([scheme, status]).toEqual([scheme, 200]);
    }
    expect((await main.nobody('GET', '/user', undefined, { authorization: ROOT_TOKEN })).status).toBe(403);
  });

  row('3.1/no-token-in-address', async ({ main }) => {
    expect((await main.nobody('GET', `/user?token=${ROOT_TOKEN}`)).status).toBe(403);
    const page = await main.send('GET', `${main.hub}home?token=${ROOT_TOKEN}`);
    expect(page.status).toBe(302);
  });

  row('3.1/token-before-cookie', async ({ main }) => {
    const [one, other] = await Promise.all([main.person(), main.person()]);
    const browser = await main.signIn(one);
    const token = await main.token(other);
    const ask = async (authorization: string) => {
      const answer = await browser.fetch('/hub/api/user', { headers: { authorization } });
      return [answer.status, ((await answer.json()) as { name?: string }).name];
    };
    expect(await ask(`token ${token}`)).toEqual([200, other]);
    expect(await ask('token wrong')).toEqual([200, one]);
  });

  row('3.1/token-length', async ({ main }) => {
    const ask = (token: string) => main.as(token)('GET', '/user');
    expect((await ask('a'.repeat(65))).status).toBe(403);
    expect((await ask('a'.repeat(64))).status).toBe(403);
    const long = main.fresh('long');
    const made = await main.root('POST', `/services/${long}`, { api_token: 'a'.repeat(32) + long });
    expect(made.status).toBe(201);
    expect((await ask('a'.repeat(32) + long)).status).toBe(200);
    expect((await ask('a'.repeat(32) + long + 'b'.repeat(64))).status).toBe(403);
  });

  row(['3.1/error-shape', '3.1/no-credentials'], async ({ main }) => {
    for (const answer of [await main.nobody('GET', '/users'), await main.as('wrong')('POST', '/users/x')]) {
      expect(answer.status).toBe(403);
      expect(answer.json()).toMatchObject({ status: 403, message: 'Missing or invalid credentials.' });
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
    }
  });

  row('3.1/no-scope', async ({ main }) => {
    const one = await main.person();
    const { status, json } = await main.as(await main.token(one))('GET', '/users');
    expect(status).toBe(403);
    expect(json().message).toBe('Action is not authorized with current scopes; requires any of [list:users]');
    const several = await main.as(READER_TOKEN)('GET', `/groups/class`);
    expect(several.status).toBe(403);
    for (const scope of ['read:groups', 'read:groups:name', 'read:roles:groups']) {
      expect(several.json().message).toContain(scope);
    }
  });

  row('3.1/filtered-away', async ({ main }) => {
    const [one, other] = await Promise.all([main.person(), main.person()]);
    const as = main.as(await main.token(one));
    const there = await as('GET', `/users/${other}`);
    const nowhere = await as('GET', '/users/nobody-of-this-name');
    expect([there.status, nowhere.status]).toEqual([404, 404]);
    expect(there.json().message).toBe('No access to resources or resources not found');
    expect(nowhere.json().message).toBe(there.json().message);
    expect((await as('GET', `/users/${one}`)).status).toBe(200);
  });

  row('3.1/missing', async ({ main }) => {
    for (const path of ['/users/nobody-of-this-name', '/groups/none', '/services/none']) {
      const answer = await main.root('GET', path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.json().status).toBe(404);
    }
  });

  row('3.1/filtered-no-subject', async ({ main }) => {
    const as = await main.scoped(['admin:users!user=x', 'admin:groups!group=x']);
    expect((await as('POST', '/users', { usernames: ['y'] })).status).toBe(403);
    expect((await as('POST', '/groups', { groups: ['y'] })).status).toBe(403);
  });

  row(['3.1/unknown-path', '3.1/wrong-method'], async ({ main }) => {
    const unknown = await main.root('GET', '/no/such/thing');
    expect([unknown.status, unknown.json().status]).toEqual([404, 404]);
    for (const [method, path] of [
      ['PUT', '/users'],
      ['DELETE', '/info'],
      ['POST', '/user'],
    ] as const) {
      const answer = await main.root(method, path);
      expect([method, path, answer.status, answer.json().status]).toEqual([method, path, 405, 405]);
    }
  });

  row('3.1/head', async ({ main }) => {
    const heads = await Promise.all(['/users', '/user', '/groups', '/info'].map((path) => main.root('HEAD', path)));
    expect(heads.map(({ status }) => status)).toEqual([405, 405, 405, 405]);
  });

  row('3.1/options', async ({ main }) => {
    for (const path of ['/users', '/users/somebody/server', '/']) {
      const { status, text } = await main.nobody('OPTIONS', path);
      expect([path, status, text]).toEqual([path, 200, '']);
    }
  });

  row('3.1/bad-json', async ({ main }) => {
    const name = main.fresh();
    const bad = await main.root('POST', '/users', '{"usernames": [', { 'content-type': 'application/json' });
    expect([bad.status, bad.json().message]).toEqual([400, 'Invalid JSON in body of request']);
    expect((await main.root('GET', `/users/${name}`)).status).toBe(404);
  });

  row('3.1/bad-utf8', async ({ main }) => {
    const body = Buffer.from([0xff, 0xfe, 0x7b, 0x7d]);
    const bad = await main.root('POST', '/users', body, { 'content-type': 'application/json' });
    expect([bad.status, bad.json().message]).toEqual([400, 'Invalid JSON in body of request']);
  });

  row('3.1/reason', async ({ main }) => {
    expect((await main.root('PUT', '/users')).json().message).toBe('Method Not Allowed');
    expect((await main.root('GET', '/no/such/thing')).json().message).toBe('Not Found');
  });

  row('3.1/empty-type', async ({ main }) => {
    const one = await main.person();
    for (const answer of [
      await main.root('POST', main.server(one)),
      await main.root('DELETE', main.server(one)),
      await main.root('DELETE', `/users/${one}`),
    ]) {
      expect([answer.text, answer.headers['content-type'] ?? 'text/plain']).toEqual([
        '',
        expect.stringMatching(/^text\/plain/),
      ]);
    }
  });

  row(['3.2/time-out', '3.2/time-in'], async ({ main }) => {
    const one = await main.person();
    const { created } = (await main.root('GET', `/users/${one}`)).json();
    expect(created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/);
    const base = Math.floor(Date.now() / 1000) * 1000;
    const second = (after: number) => new Date(base + after * 1000).toISOString().slice(0, 19);
    const hour = (after: number) => new Date(base + after * 1000 + 3_600_000).toISOString().slice(0, 19);
    for (const [given, seen] of [
      [second(1), `${second(1)}Z`],
      [`${second(2)}.012`, `${second(2)}.012000Z`],
      [`${second(3)}.5Z`, `${second(3)}.500000Z`],
      [`${hour(4)}+01:00`, `${second(4)}Z`],
    ]) {
      expect((await main.root('POST', `/users/${one}/activity`, { last_activity: given })).status).toBe(200);
      expect((await main.root('GET', `/users/${one}`)).json().last_activity).toBe(seen);
    }
  });

  row(['3.2/pages', '3.2/pages-exact', '3.2/pages-next'], async ({ main }) => {
    const prefix = main.fresh('page');
    const names = ['a', 'b', 'c'].map((each) => prefix + each);
    expect((await main.root('POST', '/users', { usernames: names })).status).toBe(201);
    const path = `/users?name_filter=${prefix}&limit=2`;
    const bare = (await main.root('GET', path)).json();
    expect(bare.map((one: { name: string }) => one.name)).toEqual(names.slice(0, 2));
    const accept = { accept: `text/plain, ${PAGED.accept}, application/json` };
    const paged = (await main.root('GET', path, undefined, accept)).json();
    expect(paged.items).toEqual(bare);
    const { next, ...pagination } = paged._pagination;
    expect(pagination).toEqual({ offset: 0, limit: 2, total: 3 });
    expect(next).toMatchObject({ offset: 2, limit: 2 });
    const url = new URL(next.url);
    expect([url.origin, url.pathname]).toEqual([main.origin, '/hub/api/users']);
    expect(Object.fromEntries(url.searchParams)).toEqual({ name_filter: prefix, limit: '2', offset: '2' });
    const last = (
      await main.send('GET', url.pathname + url.search, {
        headers: { ...accept, authorization: `token ${ROOT_TOKEN}` },
      })
    ).json();
    expect(last.items.map((one: { name: string }) => one.name)).toEqual(names.slice(2));
    expect(last._pagination.next).toBeNull();
    const weighed = await main.root('GET', path, undefined, { accept: `${PAGED.accept};q=1` });
    expect(Array.isArray(weighed.json())).toBe(true);
  });

  row(['3.2/pages-numbers', '3.2/pages-negative', '3.2/pages-default'], async ({ main }) => {
    for (const query of ['limit=x', 'offset=1.5', 'limit=']) {
      const { status, json } = await main.root('GET', `/users?${query}`);
      if (query === 'limit=') continue;
      expect([query, status, json().message]).toEqual([
        query,
        400,
        'Invalid argument type, offset and limit must be integers',
      ]);
    }
    const page = async (query: string) =>
      (await main.root('GET', `/users?${query}`, undefined, PAGED)).json()._pagination;
    expect(await page('offset=-1&limit=-2')).toMatchObject({ offset: 1, limit: 2 });
    expect(await page('limit=0')).toMatchObject({ limit: 1 });
    expect(await page('limit=1000')).toMatchObject({ limit: 200 });
    expect(await page('')).toMatchObject({ limit: 50 });
  });

  row('3.2/pages-where', async ({ main }) => {
    const get = async (path: string) => (await main.root('GET', path, undefined, PAGED)).json();
    for (const path of ['/users', '/groups']) expect(Array.isArray((await get(path)).items)).toBe(true);
    const routes = await get('/proxy');
    expect(routes._pagination).toBeDefined();
    expect(Array.isArray(routes.items)).toBe(false);
    const services = await get('/services');
    expect(services._pagination).toBeUndefined();
    expect(services.root).toMatchObject({ name: 'root' });
  });
});
