import type { FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { apiHub, PASSWORD } from '../api/test-hub.ts';
import { buildApp } from './app.ts';

test('every reply says which hub it is, and nobody may frame it', async () => {
  await using hub = await apiHub({ controller: false });

  const reply = await fetch(`${hub.origin}/hub/api`);

  expect(reply.status).toBe(200);
  expect(await reply.json()).toEqual({ version: '6.1.1' });
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    'x-jupyterhub-version': '6.1.1',
    'content-type': 'application/json',
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'accept, content-type, authorization',
    'content-security-policy': "frame-ancestors 'none'; report-uri /hub/security/csp-report; default-src 'none'",
    etag: expect.stringMatching(/^"/),
    'x-request-id': expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  const again = await fetch(`${hub.origin}/hub/api/`, {
    headers: { 'if-none-match': reply.headers.get('etag') ?? '' },
  });
  expect([again.status, await again.text()]).toEqual([304, '']);
});

test('the proxy’s request id is kept', async () => {
  await using hub = await apiHub({ controller: false });

  const reply = await fetch(`${hub.origin}/hub/api/user`, { headers: { 'x-request-id': 'abc-123-xyz' } });

  expect(await reply.json()).toEqual({
    status: 403,
    message: 'Missing or invalid credentials.',
    code: 'not_authenticated',
    request_id: 'abc-123-xyz',
  });
});

test.each([
  ['GET', '/hub/api/nothing', 404],
  ['DELETE', '/hub/api/info', 405],
  ['HEAD', '/hub/api/user', 405],
  ['HEAD', '/hub/api/health', 200],
  ['GET', '/hub/api/health', 200],
  ['OPTIONS', '/hub/api/users/x/anything', 200],
  ['PUT', '/hub/api/users', 405],
  ['QUERY', '/hub/api/users', 405],
  ['PUT', '/hub/api/', 405],
  ['PATCH', '/hub/api/atrium/announcements/current', 405],
  ['QUERY', '/hub/api/nothing', 404],
  ['GET', '/hub/api/users/x/', 404],
  ['GET', '/hub/api/user?token=x', 403],
  ['GET', `/hub/api/users/${'x'.repeat(300)}`, 403],
  ['GET', `/hub/api/users/${'x'.repeat(2000)}`, 414],
  ['GET', '/hub/api/users/%zz', 400],
  ['GET', '/hub/%ff', 400],
])('%s %s is answered %i without anybody signed in', async (method, path, status) => {
  await using hub = await apiHub({ controller: false });

  const reply = await fetch(`${hub.origin}${path}`, { method });

  expect(reply.status).toBe(status);
  expect(reply.headers.get('x-jupyterhub-version')).toBe('6.1.1');
  expect(reply.headers.has('allow')).toBe(status === 405);
});

test('what is not there with this method says with which it is', async () => {
  await using hub = await apiHub({ controller: false });

  const reply = await fetch(`${hub.origin}/hub/api/groups/x/users`, { method: 'PUT' });

  expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'DELETE, POST, OPTIONS']);
});

test('a head as large as the proxy lets through is read', async () => {
  await using hub = await apiHub({ controller: false });

  const reply = await fetch(`${hub.origin}/hub/login?x=${'y'.repeat(20_000)}`, {
    headers: { 'x-z': 'z'.repeat(40_000) },
  });

  expect(reply.status).toBe(200);
});

test('what is not under the API fails with a page', async () => {
  await using hub = await apiHub({ controller: false });

  const reply = await fetch(`${hub.origin}/hub/nothing`);

  expect(reply.status).toBe(404);
  expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await reply.text()).toContain(reply.headers.get('x-request-id'));
});

test('a body is JSON whatever it says it is; one that is not is refused, but only to whoever may ask', async () => {
  await using hub = await apiHub({ controller: false });
  const admin = await hub.api({ name: 'root', admin: true });
  const { token } = (await admin('POST', '/users/root/tokens')).body as { token: string };
  const post = (body: string | Uint8Array<ArrayBuffer>, type: string, authorization: string) =>
    fetch(`${hub.origin}/hub/api/users`, { method: 'POST', body, headers: { 'content-type': type, authorization } });
  const good = JSON.stringify({ usernames: ['ada'] });

  expect((await post(good, 'application/x-www-form-urlencoded', `token ${token}`)).status).toBe(201);
  for (const bad of ['{', Uint8Array.of(0x22, 0xff, 0x22)]) {
    const reply = await post(bad, 'application/json', `token ${token}`);
    expect(await reply.json()).toMatchObject({ status: 400, message: 'Invalid JSON in body of request' });
  }
  expect((await post('{', 'application/json', 'token wrong')).status).toBe(403);
  expect((await post('', 'application/json', `token ${token}`)).status).toBe(400);
});

test.each(['token {}', 'Token {}', 'bearer {}', 'BEARER {}'])('the header "%s" is understood', async (form) => {
  await using hub = await apiHub({ controller: false });
  const ada = await hub.api({ name: 'ada' });
  const { token } = (await ada('POST', '/users/ada/tokens')).body as { token: string };

  const reply = await fetch(`${hub.origin}/hub/api/user`, { headers: { authorization: form.replace('{}', token) } });

  expect(await reply.json()).toMatchObject({ name: 'ada' });
});

test('a browser that is signed in uses the API with its XSRF token, a foreign form does not', async () => {
  await using hub = await apiHub({ controller: false });
  const browser = hub.browser();
  expect((await browser.submit('/hub/login', { username: 'ada', password: PASSWORD })).status).toBe(302);
  await browser.fetch('/hub/home');
  const xsrf = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
  const make = (headers: Record<string, string>, query = '') =>
    browser.fetch(`/hub/api/users/ada/tokens${query}`, { method: 'POST', body: '{}', headers });
  const json = { 'content-type': 'application/json' };
  const message = async (reply: Response) => ((await reply.json()) as { message: string }).message;

  expect((await make({ ...json, 'x-xsrftoken': xsrf })).status).toBe(201);
  expect((await make(json, `?_xsrf=${xsrf}`)).status).toBe(201);
  expect(await message(await make(json))).toBe("'_xsrf' argument missing from POST");
  expect(await message(await make({ ...json, 'x-xsrftoken': 'x' }))).toBe('XSRF cookie does not match POST argument');
  expect(await message(await make({ 'content-type': 'text/plain', 'x-xsrftoken': xsrf }))).toBe(
    'Missing or invalid credentials.',
  );
  const get = (headers: Record<string, string>) => browser.fetch('/hub/api/user', { headers });
  expect(await (await get({})).json()).toMatchObject({ name: 'ada', token_id: null, session_id: expect.any(String) });
  expect((await get({ 'sec-fetch-mode': 'cors' })).status).toBe(403);
  expect((await get({ 'sec-fetch-mode': 'cors', 'x-xsrftoken': xsrf })).status).toBe(200);
  expect((await get({ authorization: 'token wrong' })).status).toBe(200);
});

test('a page sends whoever is not signed in to sign in, and back', async () => {
  await using hub = await apiHub({ controller: false });
  const reply = await fetch(`${hub.origin}/hub/home?a=1&b=2`, { redirect: 'manual' });

  expect(reply.status).toBe(302);
  expect(reply.headers.get('location')).toBe(`/hub/login?next=${encodeURIComponent('/hub/home?a=1&b=2')}`);
});

test('a route that does not say who may use it stops the boot', async () => {
  await using hub = await apiHub({ controller: false });
  const boot = async (register: (app: FastifyInstance) => void) => {
    const app = buildApp(hub.ctx, register);
    try {
      await app.ready();
    } finally {
      await app.close();
    }
  };

  await expect(boot((app) => app.get('/x', async () => ''))).rejects.toThrow('GET /x must say who may use it');
  await expect(boot((app) => app.get('/x', { config: { public: true, page: true } }, async () => ''))).rejects.toThrow(
    '/x',
  );
  await expect(boot((app) => app.get('/x', { config: { scopes: [] } }, async () => ''))).resolves.toBeUndefined();
});

test('a bug is a bare 500: what went wrong is for the log', async () => {
  await using hub = await apiHub({ controller: false });
  const app = buildApp(hub.ctx, (routes) =>
    routes.get('/hub/api/bug', { config: { public: true } }, async () => {
      throw new TypeError('the secret is 42');
    }),
  );

  const reply = await app.inject('/hub/api/bug');
  await app.close();

  expect(reply.statusCode).toBe(500);
  expect(reply.json()).toMatchObject({ status: 500, message: 'Internal Server Error', code: 'internal' });
});

test('a database that cannot be reached is told apart from a bug', async () => {
  const hub = await apiHub({ controller: false });
  const app = buildApp(hub.ctx, (routes) =>
    routes.get('/hub/api/gone', { config: { public: true } }, async () => {
      throw Object.assign(new Error('disk full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
    }),
  );
  await using _hub = hub;

  const reply = await app.inject('/hub/api/gone');
  await app.close();

  expect(reply.json()).toMatchObject({ status: 507, code: 'disk_full' });
});
