import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import type { TestBrowser } from '../../../packages/hub/src/testing/browser.ts';
import type { Hub } from '../hub.ts';
import { codeFor, exchange, quiet, visitor } from '../oauth.ts';
import { section } from '../suite.ts';
import { PASSWORD } from '../world.ts';

const cookie = (browser: TestBrowser, name: string) =>
  [...browser.cookies.values()].find((each) => each.name === name)?.value ?? '';
const SCRIPT = { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };

/** What a reply sets, by name: the attributes, lower case. */
function setBy(headers: { getSetCookie(): string[] }): Map<string, string[]> {
  return new Map(
    headers.getSetCookie().map((line) => {
      const [pair = '', ...attributes] = line.split(/; */);
      return [pair.slice(0, pair.indexOf('=')), attributes.map((each) => each.toLowerCase())];
    }),
  );
}

const DAY_S = 86_400;

/** The login cookie as it is when the sign-in was so many days ago: signed then, or kept by the hub since then. */
async function agedLogin(hub: Hub, user: string, value: string, days: number): Promise<string> {
  if (hub.kind === 'atrium') {
    const db = new DatabaseSync(hub.database, { timeout: 10_000 });
    const created = Date.now() - days * DAY_S * 1000;
    db.prepare(
      `update sessions set expires_at = expires_at - created + ?, created = ?
         where user_id = (select id from users where name = ?)`,
    ).run(created, created, user);
    db.close();
    // What it remembers of its file lasts until it writes.
    await hub.person();
    return value;
  }
  const secret = Buffer.from(readFileSync(join(dirname(hub.database), 'cookie_secret'), 'utf8').trim(), 'hex');
  const [version, key, , ...rest] = value.replaceAll('"', '').split('|');
  const signed = [version, key, `10:${Math.floor(Date.now() / 1000) - days * DAY_S}`, ...rest.slice(0, -1), ''].join(
    '|',
  );
  return `"${signed}${createHmac('sha256', secret).update(signed).digest('hex')}"`;
}

export const cookies = section('cookies and XSRF', (row) => {
  row(['2.5/session-cookie', '2.5/login-cookie', '2.5/no-xsrf-at-base'], async ({ main, strict }) => {
    for (const hub of [main, strict]) {
      const browser = hub.browser();
      await browser.fetch(`${hub.hub}login`);
      const form = { username: await hub.person(), password: PASSWORD, _xsrf: cookie(browser, '_xsrf') };
      const reply = await browser.fetch(`${hub.hub}login`, { method: 'POST', body: new URLSearchParams(form) });
      expect(reply.status).toBe(302);
      const set = setBy(reply.headers);
      const session = set.get('jupyterhub-session-id') ?? [];
      expect(session).toEqual(expect.arrayContaining(['httponly', `path=${hub.base}`]));
      expect(session.join()).not.toMatch(/expires|max-age/);
      expect(cookie(browser, 'jupyterhub-session-id')).toMatch(/^[0-9a-f]{32}$/);
      const login = set.get('jupyterhub-hub-login') ?? [];
      expect(login).toEqual(expect.arrayContaining(['httponly', `path=${hub.hub}`]));
      expect(login.join()).toMatch(/expires|max-age/);
      const paths = [...browser.cookies.values()].filter(({ name }) => name === '_xsrf').map(({ path }) => path);
      expect(paths).toEqual([hub.hub]);
    }
  });

  row('2.5/login-cookie-value', async ({ main }) => {
    const browser = await main.signIn(await main.person());
    const value = cookie(browser, 'jupyterhub-hub-login').replaceAll('"', '');
    expect(value).toMatch(/^2\|1:0\|10:\d{10}\|20:jupyterhub-hub-login\|\d+:[\w+/=-]+\|[0-9a-f]{64}$/);
  });

  row('2.5/login-cookie-age', async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    const value = cookie(browser, 'jupyterhub-hub-login');
    const home = async (age: number) => {
      const aged = await agedLogin(main, one, value, age);
      return (await main.send('GET', '/hub/home', { headers: { cookie: `jupyterhub-hub-login=${aged}` } })).status;
    };
    expect([await home(13), await home(15)]).toEqual([200, 302]);
  });

  row('2.5/services-cookie', async ({ main }) => {
    const browser = main.browser();
    const before = [(await browser.fetch('/hub/login')).headers];
    const user = await main.person();
    before.push((await browser.submit('/hub/login', { username: user, password: PASSWORD })).headers);
    expect(before.flatMap((headers) => [...setBy(headers).keys()])).not.toContain('jupyterhub-services');
    const gone = setBy((await browser.fetch('/hub/logout')).headers).get('jupyterhub-services') ?? [];
    expect(gone).toContain('path=/services');
    expect(gone.join()).toMatch(/max-age=0|expires=/);
  });

  row('2.5/xsrf-cookie', async ({ main }) => {
    const browser = main.browser();
    const set = setBy((await browser.fetch('/hub/login')).headers).get('_xsrf') ?? [];
    expect(set).toEqual(expect.arrayContaining(['path=/hub/', 'max-age=3600']));
    expect(set).not.toContain('httponly');
    expect(decodeURIComponent(cookie(browser, '_xsrf')).replaceAll('"', '')).toMatch(/^[\w=|:.-]+$/);
  });

  row(['2.6/token-header', '2.6/changing', '2.6/carriers'], async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    await browser.fetch('/hub/home');
    const xsrf = cookie(browser, '_xsrf');
    const activity = JSON.stringify({ last_activity: new Date().toISOString() });
    const post = async (query: string, headers: Record<string, string> = {}) => {
      const reply = await browser.fetch(`/hub/api/users/${one}/activity${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: activity,
      });
      return [reply.status, reply.status === 403 ? ((await reply.json()) as { message: string }).message : ''];
    };
    expect(await post('')).toEqual([403, "'_xsrf' argument missing from POST"]);
    expect(await post('?_xsrf=wrong')).toEqual([403, 'XSRF cookie does not match POST argument']);
    expect(await post(`?_xsrf=${encodeURIComponent(xsrf)}`)).toEqual([200, '']);
    expect(await post('', { 'x-xsrftoken': xsrf })).toEqual([200, '']);
    expect(await post('', { 'x-csrftoken': xsrf })).toEqual([200, '']);
    const authorization = `token ${await main.token(one)}`;
    expect(await post('', { authorization })).toEqual([200, '']);
  });

  row('2.6/anonymous-agent', async ({ main }) => {
    const username = await main.person();
    const browser = main.browser();
    const as = (agent: string) => ({ 'user-agent': agent });
    await browser.fetch('/hub/login', { headers: as('one/1') });
    const body = () => new URLSearchParams({ username, password: PASSWORD, _xsrf: cookie(browser, '_xsrf') });
    const post = async (agent: string) => {
      const kept = new Map(browser.cookies);
      const { status } = await browser.fetch('/hub/login', { method: 'POST', headers: as(agent), body: body() });
      for (const [key, value] of kept) browser.cookies.set(key, value);
      return status;
    };
    expect(await post('another/2')).toBe(403);
    expect(await post('one/1')).toBe(302);
  });

  row(['2.6/tokens-deferred', '2.6/no-content-type'], async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    await browser.fetch('/hub/home');
    const post = async (headers: Record<string, string>) =>
      (await browser.fetch(`/hub/api/users/${one}/tokens`, { method: 'POST', headers })).status;
    expect(await post({})).toBe(403);
    expect(await post({ 'x-xsrftoken': cookie(browser, '_xsrf') })).toBe(201);
  });

  row(['2.6/navigation', '2.6/no-cors'], async ({ main }) => {
    const browser = await main.signIn(await main.person());
    await browser.fetch('/hub/home');
    const get = async (headers: Record<string, string>) => (await browser.fetch('/hub/api/user', { headers })).status;
    expect(await get({})).toBe(200);
    expect(await get({ 'sec-fetch-mode': 'navigate' })).toBe(200);
    expect(await get(SCRIPT)).toBe(403);
    expect(await get({ ...SCRIPT, 'sec-fetch-mode': 'same-origin' })).toBe(403);
    expect(await get({ 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await get({ 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await get({ 'sec-fetch-mode': 'websocket' })).toBe(200);
  });

  row(['2.6/anonymous-token', '2.6/several-cookies'], async ({ main }) => {
    const one = await main.person();
    const browser = main.browser();
    await browser.fetch('/hub/login');
    const before = cookie(browser, '_xsrf');
    await browser.submit('/hub/login', { username: one, password: PASSWORD });
    await browser.fetch('/hub/home');
    const after = cookie(browser, '_xsrf');
    expect(after).not.toBe(before);
    const all = [...browser.cookies.values()].filter(({ name }) => name !== '_xsrf');
    const ask = async (carried: string, ...xsrf: string[]) => {
      const pairs = [...xsrf.map((value) => `_xsrf=${value}`), ...all.map(({ name, value }) => `${name}=${value}`)];
      const headers = { cookie: pairs.join('; '), 'x-xsrftoken': carried, ...SCRIPT };
      return (await main.nobody('GET', '/user', undefined, headers)).status;
    };
    expect(await ask(after, after)).toBe(200);
    expect(await ask(before, before)).toBe(403);
    expect(await ask(after, 'of-another-path', after)).toBe(200);
  });

  row('2.6/content-type', async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    await browser.fetch('/hub/home');
    const post = async (headers: Record<string, string>, body?: string) => {
      const init = { method: 'POST', headers: { 'x-xsrftoken': cookie(browser, '_xsrf'), ...headers } };
      return (await browser.fetch(`/hub/api/users/${one}/tokens`, body === undefined ? init : { ...init, body }))
        .status;
    };
    expect(await post({ 'content-type': 'text/plain' }, '{}')).toBe(403);
    expect(await post({ 'content-type': 'application/json' }, '{}')).toBe(201);
  });

  row('2.6/login-form', async ({ main }) => {
    const browser = main.browser();
    const body = new URLSearchParams({ username: await main.person(), password: PASSWORD });
    const reply = await browser.fetch('/hub/login', { method: 'POST', body });
    expect([reply.status, await reply.text()]).toEqual([403, expect.stringMatching(/expired|try again/i)]);
    expect(cookie(browser, 'jupyterhub-hub-login')).toBe('');
  });

  row('2.6/set-when', async ({ main }) => {
    const names = async (headers: Record<string, string>) => [
      ...setBy((await main.browser().fetch('/hub/login', { headers })).headers).keys(),
    ];
    expect(await names({})).toContain('_xsrf');
    expect(await names({ 'sec-fetch-mode': 'navigate' })).toContain('_xsrf');
    expect(await names(SCRIPT)).not.toContain('_xsrf');
  });

  row(['2.7/logout', '2.7/tokens'], async ({ main }) => {
    const { browser, name } = await visitor(main);
    const client = quiet(main);
    const token = (await exchange(main, client, await codeFor(main, browser, client))).json().access_token;
    const kept = await main.token(name);
    expect((await main.as(token)('GET', '/user')).status).toBe(200);
    const reply = await browser.fetch('/hub/logout');
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/hub/login']);
    expect([...setBy(reply.headers).keys()]).toEqual(
      expect.arrayContaining(['jupyterhub-session-id', 'jupyterhub-hub-login', 'jupyterhub-services', '_xsrf']),
    );
    expect(cookie(browser, 'jupyterhub-session-id')).toBe('');
    expect(cookie(browser, 'jupyterhub-hub-login')).toBe('');
    expect((await browser.fetch('/hub/home')).status).toBe(302);
    expect((await main.as(token)('GET', '/user')).status).toBe(403);
    expect((await main.as(kept)('GET', '/user')).status).toBe(200);
  });
});
