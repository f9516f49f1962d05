import { expect, test } from 'vitest';
import { GOOD, loginHub, seen, signInWith } from '../login/test-hub.ts';
import { isXsrfSafe } from './xsrf.ts';

test.each([
  ['GET', {}, true],
  ['HEAD', {}, true],
  ['OPTIONS', {}, true],
  ['POST', {}, false],
  ['DELETE', {}, false],
  ['GET', { 'sec-fetch-mode': 'navigate' }, true],
  ['POST', { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' }, false],
  ['GET', { 'sec-fetch-mode': 'websocket' }, true],
  ['GET', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin' }, true],
  ['GET', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' }, false],
  ['GET', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-site' }, false],
  ['GET', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' }, false],
  ['GET', { 'sec-fetch-mode': 'no-cors' }, false],
  ['HEAD', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin' }, false],
  ['GET', { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' }, false],
  ['GET', { 'sec-fetch-mode': 'same-origin', 'sec-fetch-site': 'same-origin' }, false],
  ['POST', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin' }, false],
])('%s with %j: safe by itself %s', (method, headers, safe) => {
  expect(isXsrfSafe(method, headers)).toBe(safe);
});

/** Somebody signed in, and a way to call the API with their cookies. */
async function signedIn() {
  const hub = await loginHub();
  await hub.person('ada');
  const browser = hub.browser();
  await signInWith(browser, 'ada', GOOD);
  const token = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
  const call = async (query: string, headers: Record<string, string> = {}, method = 'GET') =>
    seen(await browser.fetch(`/hub/api/user${query}`, { method, headers: { 'sec-fetch-mode': 'cors', ...headers } }));
  return { browser, call, token, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

test('the token is taken from the query and from either header, and what is wrong with it is said', async () => {
  await using ada = await signedIn();

  expect((await ada.call(`?_xsrf=${ada.token}`)).status).toBe(200);
  expect((await ada.call('', { 'x-xsrftoken': ada.token })).status).toBe(200);
  expect((await ada.call('', { 'x-csrftoken': ada.token })).status).toBe(200);
  const missing = await ada.call('');
  const wrong = await ada.call('?_xsrf=x');
  expect([missing.status, wrong.status]).toEqual([403, 403]);
  expect(JSON.parse(missing.text).message).toBe("'_xsrf' argument missing from GET");
  expect(JSON.parse(wrong.text).message).toBe('XSRF cookie does not match GET argument');
});

test('a cookie that a person’s server planted beside ours does no harm, and does not help', async () => {
  await using ada = await signedIn();
  const planted = { name: '_xsrf', path: '/hub/api/', value: 'planted' };
  ada.browser.cookies.set('_xsrf /hub/api/', planted);

  expect((await ada.call(`?_xsrf=${ada.token}`)).status).toBe(200);
  expect((await ada.call('?_xsrf=planted')).status).toBe(403);
});

test('the token without its cookie is refused', async () => {
  await using ada = await signedIn();
  for (const key of ada.browser.cookies.keys()) if (key.startsWith('_xsrf ')) ada.browser.cookies.delete(key);

  expect((await ada.call(`?_xsrf=${ada.token}`)).status).toBe(403);
});

test('a script of somebody’s server, which has our origin, reads no token out of any page', async () => {
  await using ada = await signedIn();
  const read = async (path: string, headers: Record<string, string>) =>
    (await seen(await ada.browser.fetch(path, { headers: { accept: 'text/html', ...headers } }))).text;
  const modes = [
    { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' },
    { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' },
    { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'script' },
  ];

  for (const path of ['/hub/signup', '/hub/user/ada/', '/hub/home', '/hub/change-password', '/hub/token']) {
    expect(await read(path, { 'sec-fetch-mode': 'navigate' })).toContain(ada.token);
    for (const headers of modes) expect(await read(path, headers)).not.toContain(ada.token);
  }
});

test('the cookie is given only to navigations, and stays as it is once signed in', async () => {
  await using ada = await signedIn();
  const setsCookie = async (mode: string | undefined) => {
    const headers: Record<string, string> = mode === undefined ? {} : { 'sec-fetch-mode': mode };
    if (mode !== undefined && mode !== 'navigate') headers['x-xsrftoken'] = ada.token;
    const response = await ada.browser.fetch('/hub/home', { headers });
    return response.headers.getSetCookie().some((line) => line.startsWith('_xsrf='));
  };

  expect(await setsCookie('navigate')).toBe(false);
  const keep = new Map(ada.browser.cookies);
  for (const mode of ['cors', 'navigate', undefined]) {
    ada.browser.cookies.clear();
    for (const [key, cookie] of keep) ada.browser.cookies.set(key, cookie);
    if (mode !== 'cors') ada.browser.cookies.delete('_xsrf /hub/');
    expect(await setsCookie(mode), String(mode)).toBe(mode !== 'cors');
  }
});
