import { expect, test } from 'vitest';
import { apiHub, PASSWORD } from '../api/test-hub.ts';
import type { TestBrowser, TestHub } from '../testing/index.ts';

const SHARING = ['shares!user', 'read:users:name', 'read:groups:name'];
const sharers = { name: 'sharer', users: ['ada'], groups: [], services: [] };

/** Ada may share her servers, bob may not; both are signed in. */
async function world(scopes: string[] = SHARING) {
  const hub = await apiHub({ config: { namedServers: { limit: 3 }, roles: [{ ...sharers, scopes }] } });
  const ada = await signedIn(hub, 'ada');
  const bob = await signedIn(hub, 'bob');
  return { hub, ada, bob, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

async function signedIn(hub: TestHub, name: string): Promise<TestBrowser> {
  const browser = hub.browser();
  expect((await browser.submit('/hub/login', { username: name, password: PASSWORD })).status).toBe(302);
  return browser;
}

/** Sends a form of the share page, and reads the page that follows. */
async function send(browser: TestBrowser, action: string, fields: Record<string, string>): Promise<[number, string]> {
  await browser.fetch('/hub/share');
  const xsrf = [...browser.cookies.values()].find((one) => one.name === '_xsrf')?.value ?? '';
  const body = new URLSearchParams({ _xsrf: xsrf, ...fields });
  const reply = await browser.fetch(`/hub/share/${action}`, { method: 'POST', body });
  const to = reply.headers.get('location');
  return [reply.status, await (to === null ? reply : await browser.fetch(to)).text()];
}

/** What the button that takes it back sends. */
const undoIn = (page: string) =>
  Object.fromEntries(
    ['scopes', 'mark'].map((name) => [name, new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? '']),
  );

const codeIn = (page: string) => /accept-share\?code=([\w-]{43})/.exec(page)?.[1] ?? '';

test('an owner shares with somebody, sees who it is, takes it back, and takes that back', async () => {
  await using all = await world();
  const { ada, bob, hub } = all;
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/groups/course', { users: [] });
  expect(await (await ada.fetch('/hub/home')).text()).toContain('href="/hub/share?server="');
  expect(await (await ada.fetch('/hub/share')).text()).toContain('Only you.');

  expect(await send(ada, 'add', { name: 'Bob' })).toEqual([303, expect.stringContaining('bob can use it now.')]);
  expect(await send(ada, 'add', { name: 'course', kind: 'group' })).toEqual([
    303,
    expect.stringContaining('Everybody in the group course'),
  ]);
  expect(await (await bob.fetch('/hub/home')).text()).toContain('Server of ada');
  expect(await send(ada, 'add', { name: 'nobody' })).toEqual([400, expect.stringContaining('nobody called nobody')]);
  expect(await send(ada, 'add', { name: ' ' })).toEqual([400, expect.stringContaining('Write a name.')]);
  expect(await send(ada, 'add', { name: 'ada' })).toEqual([400, expect.stringContaining('share with yourself')]);

  const [status, revoked] = await send(ada, 'revoke', { kind: 'user', name: 'bob' });
  expect(status).toBe(303);
  expect(revoked).toContain('bob cannot use it any more');
  expect(revoked).toContain('Undo');
  expect(await (await bob.fetch('/hub/home')).text()).not.toContain('Server of ada');
  expect((await send(ada, 'add', { kind: 'user', name: 'bob', ...undoIn(revoked) }))[0]).toBe(303);

  await bob.fetch('/hub/home');
  const xsrf = [...bob.cookies.values()].find((one) => one.name === '_xsrf')?.value ?? '';
  const body = new URLSearchParams({ _xsrf: xsrf, owner: 'ada', server: '' });
  const left = await bob.fetch('/hub/share/leave', { method: 'POST', body });
  expect(await (await bob.fetch(left.headers.get('location') ?? '')).text()).toContain('You have left: Server of ada.');
  expect(await (await ada.fetch('/hub/share')).text()).not.toContain('value="bob"');
});

test('only what was just taken back is offered to be given back: a link that somebody wrote offers nothing', async () => {
  await using all = await world([...SHARING, 'read:servers!user']);
  const { ada, hub } = all;
  const read = async (browser: TestBrowser, query: Record<string, string>) =>
    (await browser.fetch(`/hub/share?${new URLSearchParams({ done: 'revoked', kind: 'user', ...query })}`)).text();
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/groups/course', { users: [] });
  const scopes = 'access:servers read:servers';
  expect((await root('POST', '/shares/ada/', { user: 'bob', scopes: scopes.split(' ') })).status).toBe(200);
  const [, revoked] = await send(ada, 'revoke', { kind: 'user', name: 'bob' });
  const undo = undoIn(revoked);
  expect(undo).toEqual({ scopes, mark: expect.stringMatching(/^[\w-]{43}$/) });
  const { mark = '' } = undo;
  expect(await read(ada, { name: 'bob', scopes, mark })).toContain('Undo');

  const other = await signedIn(hub, 'ada');
  for (const [browser, query] of [
    [ada, { name: 'bob', scopes }],
    [ada, { name: 'bob', scopes, mark: `${mark.slice(1)}x` }],
    [ada, { name: 'bob', scopes: 'access:servers admin:servers', mark }],
    [ada, { name: 'root', scopes, mark }],
    [ada, { name: 'course', kind: 'group', scopes, mark }],
    // Her own, but of another browser: nobody's link can know it, and a copied address is no order.
    [other, { name: 'bob', scopes, mark }],
  ] as const) {
    const page = await read(browser, query);
    expect(page).not.toContain('Undo');
    expect(page).not.toContain('cannot use it any more');
  }
  for (const fields of [{ scopes }, { scopes: 'access:servers', mark }]) {
    expect((await send(ada, 'add', { kind: 'user', name: 'bob', ...fields }))[0]).toBe(400);
  }
  expect(await (await ada.fetch('/hub/share')).text()).toContain('Only you.');

  expect((await send(ada, 'add', { kind: 'user', name: 'bob', ...undo }))[0]).toBe(303);
  expect((await root('GET', '/shares/ada/')).body).toMatchObject({
    items: [{ user: { name: 'bob' }, scopes: scopes.split(' ').map((scope) => `${scope}!server=ada/`) }],
  });
});

test('who may not know names learns none from the address, and gets no button that would refuse', async () => {
  await using all = await world(['shares!user']);
  const { ada, hub } = all;
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/groups/course', { users: [] });
  await root('POST', '/shares/ada/', { user: 'bob' });

  const [, revoked] = await send(ada, 'revoke', { kind: 'user', name: 'bob' });
  expect(revoked).toContain('bob cannot use it any more');
  expect(revoked).not.toContain('Undo');
  const told = async (kind: string, name: string) => {
    const page = await ada.fetch(`/hub/share?done=revoked&kind=${kind}&name=${name}&scopes=access:servers`);
    return (await page.text()).includes('role="status"');
  };
  expect([await told('user', 'root'), await told('user', 'bob'), await told('user', 'nobody')]).toEqual([
    false,
    false,
    false,
  ]);
  expect([await told('group', 'course'), await told('group', 'nothing')]).toEqual([false, false]);
});

test('who may not share sees with whom they do, and can change nothing; others see nothing', async () => {
  await using all = await world(['shares!user']);
  const { ada, bob } = all;

  const page = await (await bob.fetch('/hub/share')).text();
  expect(page).toContain('You may not share servers.');
  expect(page).not.toContain('/hub/share/add');
  expect((await send(bob, 'add', { name: 'ada' }))[0]).toBe(403);
  expect((await send(bob, 'add', { user: 'ada', name: 'bob' }))[0]).toBe(403);
  expect((await bob.fetch('/hub/share?user=ada')).status).toBe(404);
  expect((await bob.fetch('/hub/share?server=nothing')).status).toBe(404);
  expect(await (await bob.fetch('/hub/home')).text()).not.toContain('/hub/share?');
  // Names are for those who may know them, whether there is such a person or not.
  for (const name of ['bob', 'nobody']) {
    expect(await send(ada, 'add', { name })).toEqual([403, expect.stringContaining('by a link only')]);
  }
});

test('[5.1 accept-share] a link is accepted once or often, by others only, until it is deleted', async () => {
  await using all = await world();
  const { hub, ada, bob } = all;
  const [made, page] = await send(ada, 'link', { expires_in: '3600' });
  const code = codeIn(page);
  expect(made).toBe(200);
  expect(page).toContain(`value="${hub.origin}/hub/accept-share?code=${code}"`);
  expect(await (await ada.fetch('/hub/share')).text()).not.toContain(code);
  expect((await send(ada, 'link', { expires_in: '7' }))[0]).toBe(400);

  const url = `/hub/accept-share?code=${code}`;
  const stranger = await hub.browser().fetch(url);
  expect([stranger.status, stranger.headers.get('location')]).toEqual([
    302,
    `/hub/login?next=${encodeURIComponent(url)}`,
  ]);
  const seen = await bob.fetch(url);
  expect([seen.status, await seen.text()]).toEqual([200, expect.stringContaining('ada shares a server with you')]);
  expect((await bob.fetch('/hub/accept-share')).status).toBe(400);
  expect((await bob.fetch(`/hub/accept-share?code=${'x'.repeat(43)}`)).status).toBe(404);
  expect((await ada.fetch(url)).status).toBe(403);
  expect((await ada.submit(url, {})).status).toBe(400);
  expect((await bob.submit(`/hub/accept-share?code=${'x'.repeat(43)}`, {})).status).toBe(400);
  expect((await bob.fetch(url, { method: 'POST', body: new URLSearchParams() })).status).toBe(403);

  for (let twice = 0; twice < 2; twice += 1) {
    const accepted = await bob.submit(url, {});
    expect([accepted.status, accepted.headers.get('location')]).toEqual([302, '/user/ada/']);
  }
  const onward = await bob.submit(url, { next: '/user/ada/lab/tree/notes.ipynb' });
  expect(onward.headers.get('location')).toBe('/user/ada/lab/tree/notes.ipynb');
  expect((await bob.submit(url, { next: 'https://elsewhere.example/' })).headers.get('location')).toBe('/user/ada/');
  expect(await (await ada.fetch('/hub/share')).text()).toContain('used 4 times');

  const id = /name="id" value="(sc_\d+)"/.exec(await (await ada.fetch('/hub/share')).text())?.[1] ?? '';
  expect(await send(ada, 'unlink', { id })).toEqual([303, expect.stringContaining('The link is deleted.')]);
  expect((await bob.fetch(url)).status).toBe(404);
  expect(await (await bob.fetch('/hub/home')).text()).toContain('Server of ada');
});
