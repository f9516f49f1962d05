import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import type { HubConfigInput } from '../config/schema.ts';
import { startTestHub, type TestHub } from '../testing/index.ts';

const WAIT = { timeout: 20_000, interval: 50 };
const HUB = 'hub.example.org';

const open = (config: Partial<HubConfigInput> = {}) =>
  startTestHub({
    spawner: echoSpawner(),
    authenticator: sharedPassword({ password: new Secret('x') }),
    config: { access: { allowAll: true }, subdomainHost: `https://${HUB}`, ...config },
  });

/** A browser that keeps the cookies of each host apart; no proxy stands here, so it says itself that it came by TLS. */
function personAt(hub: TestHub) {
  const hosts = new Map<string, ReturnType<TestHub['browser']>>();
  return async (url: string, { headers, ...init }: RequestInit = {}) => {
    const { host, pathname, search } = new URL(url);
    const browser = hosts.get(host) ?? hub.browser();
    hosts.set(host, browser);
    const sent = { ...(headers as Record<string, string>), host, 'x-forwarded-proto': 'https' };
    const reply = await browser.fetch(pathname + search, { ...init, headers: sent });
    const { status } = reply;
    const location = reply.headers.get('location') ?? '';
    return { status, location, headers: reply.headers, text: await reply.text(), cookies: browser.cookies };
  };
}

async function signedIn(hub: TestHub, name: string) {
  const visit = personAt(hub);
  const login = `https://${HUB}${hub.ctx.urls.hub}login`;
  const { cookies } = await visit(login);
  const xsrf = [...cookies.values()].find((cookie) => cookie.name === '_xsrf')?.value ?? '';
  const body = new URLSearchParams({ _xsrf: xsrf, username: name, password: 'x' });
  const reply = await visit(login, { method: 'POST', body });
  return { visit, set: reply.headers.getSetCookie() };
}

test("the hub's pages are at its own host only; programs with a token are answered on any", async () => {
  await using hub = await open();
  const visit = personAt(hub);
  const ada = await hub.api({ name: 'ada' });
  const seen = async (url: string, init?: RequestInit) => {
    const { status, location } = await visit(url, init);
    return `${status} ${location}`.trim();
  };

  for (const path of ['/', '/hub/home', '/hub/login?next=/hub/home', '/hub/static/x/atrium.css', '/user/ada/lab?x=1'])
    expect(await seen(`https://ada.${HUB}${path}`)).toBe(`302 https://${HUB}${path}`);
  expect(await seen(`https://ADA.${HUB}/hub/home`)).toBe(`302 https://${HUB}/hub/home`);
  expect(await seen(`https://ada.${HUB}/hub/login`, { method: 'POST' })).toBe('404');
  expect(await seen(`https://ada.${HUB}/services/nothing/`)).toBe('404');
  expect(await seen(`https://ada.${HUB}/user/ada/api`, { method: 'POST' })).toBe('403');
  expect(await seen(`https://ada.${HUB}/hub/api/`)).toBe('200');
  expect((await ada('GET', '/user')).status).toBe(200);

  const { body } = await ada('POST', '/users/ada/tokens', { note: 'x' });
  const headers = { authorization: `token ${(body as { token: string }).token}` };
  const gone = await visit(`https://ada.${HUB}/hub/user/ada/api/kernels`, { headers });
  expect(gone.status).toBe(424);
  expect(JSON.parse(gone.text).message).toContain(`Restart the server at https://${HUB}/hub/spawn/ada`);
});

test('signing in gives the hub a cookie that no other host can set, and one that services on theirs can read', async () => {
  await using hub = await open();
  const { visit, set } = await signedIn(hub, 'ada');

  const cookie = (name: string) => set.find((line) => line.startsWith(`${name}=`)) ?? '';
  expect(cookie('__Host-jupyterhub-hub-login')).toMatch(/; Path=\/; .*HttpOnly; Secure/);
  expect(cookie('__Host-jupyterhub-hub-login')).not.toContain('Domain');
  expect(cookie('jupyterhub-session-id')).toContain(`; Path=/; Domain=${HUB};`);
  const home = await visit(`https://${HUB}/hub/home`);
  expect(home.status).toBe(200);
  expect(home.headers.get('content-security-policy')).toContain(`form-action 'self' https://*.${HUB};`);

  const out = (await visit(`https://${HUB}/hub/logout`)).headers.getSetCookie();
  expect(out.find((line) => line.startsWith('jupyterhub-session-id='))).toContain(`Domain=${HUB}; Max-Age=0`);
  expect((await visit(`https://${HUB}/hub/home`)).status).toBe(302);
});

test("a server is at its owner's host, for browsers, for programs and for itself", async () => {
  await using hub = await open({ basePath: '/lab/' });
  const { visit } = await signedIn(hub, 'has@at');
  const host = `https://u-hasat--29a6393.${HUB}`;
  const start = await visit(`https://${HUB}/lab/hub/spawn`);
  expect(start.location).toBe('/lab/hub/spawn-pending/has@at');
  await expect.poll(async () => (await visit(`https://${HUB}${start.location}`)).status, WAIT).toBe(302);

  expect((await visit(`https://${HUB}${start.location}`)).location).toBe(`${host}/lab/user/has@at/`);
  expect((await visit(`https://${HUB}/lab/hub/`)).location).toBe(`${host}/lab/user/has@at/`);
  expect((await visit(`https://${HUB}/lab/hub/user/has@at/tree?x=1`)).location).toBe(
    `${host}/lab/user/has@at/tree?x=1&redirects=1`,
  );
  expect((await visit(`https://${HUB}/lab/hub/home`)).text).toContain(`href="${host}/lab/user/has@at/"`);
  const root = await hub.api({ name: 'root', admin: true });
  const { body } = await root('GET', '/users/has@at');
  expect(body).toMatchObject({
    server: `${host}/lab/user/has@at/`,
    servers: {
      '': {
        url: `${host}/lab/user/has@at/`,
        full_url: `${host}/lab/user/has@at/`,
        progress_url: '/lab/hub/api/users/has@at/server/progress',
        full_progress_url: `https://${HUB}/lab/hub/api/users/has@at/server/progress`,
      },
    },
  });
  const routes = (await root('GET', '/proxy')).body as Record<string, unknown>;
  expect(Object.keys(routes)).toContain(`u-hasat--29a6393.${HUB}/lab/user/has@at/`);
  const client = await hub.ctx.db.selectFrom('oauth_clients').select('redirect_uri').executeTakeFirstOrThrow();
  expect(client.redirect_uri).toBe(`${host}/lab/user/has@at/oauth_callback`);
});

test('a service is at a host of its own, and whoever asks for it at the hub is led there', async () => {
  const service = { name: 'grader', url: 'http://127.0.0.1:9', apiToken: new Secret('twelve-letters'), display: true };
  await using hub = await open({ services: [service], extraUserScopes: ['access:services'] });
  const { visit } = await signedIn(hub, 'ada');
  const host = `https://grader--service.${HUB}`;

  expect((await visit(`https://${HUB}/services/grader/a?b=1`)).location).toBe(`${host}/services/grader/a?b=1`);
  expect((await visit(`https://${HUB}/services/none/`)).status).toBe(404);
  expect((await visit(`https://${HUB}/hub/home`)).text).toContain(`href="${host}/services/grader/"`);
  const query = new URLSearchParams({ client_id: 'service-grader', response_type: 'code', state: 's' });
  const asked = await visit(`https://${HUB}/hub/api/oauth2/authorize?${query}`);
  expect(asked.status).toBe(200);
  expect(asked.text).toContain(`${host}/services/grader/oauth_callback`);
});
