import { createHash } from 'node:crypto';
import { systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { type ApiHubOptions, apiHub, onBothDatabases, PASSWORD } from '../api/test-hub.ts';
import type { TestBrowser, TestHub } from '../testing/index.ts';

const CALLBACK = '/user/ada/oauth_callback';
const CLIENT = 'jupyterhub-user-ada';

/** Ada's server runs; `secret` is its token. People sign in with `person(name)`. */
async function withServer(options: ApiHubOptions = {}) {
  const hub = await apiHub(options);
  const ada = await hub.api({ name: 'ada' });
  expect((await ada('POST', '/users/ada/server')).status).toBe(201);
  const server = await hub.ctx.db.selectFrom('servers').selectAll().executeTakeFirstOrThrow();
  const secret = hub.ctx.keys.serverToken(server.id, server.generation, server.token_number).reveal();
  return { hub, ada, secret, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

async function signedIn(hub: TestHub, name: string): Promise<TestBrowser> {
  const browser = hub.browser();
  expect((await browser.submit('/hub/login', { username: name, password: PASSWORD })).status).toBe(302);
  return browser;
}

const authorizeUrl = (changes: Record<string, string | undefined> = {}) => {
  const parameters = {
    client_id: CLIENT,
    redirect_uri: CALLBACK,
    response_type: 'code',
    state: 'st-ate_1',
    ...changes,
  };
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `/hub/api/oauth2/authorize?${new URLSearchParams(given)}`;
};

/** Where the browser is sent, as path and parameters. */
function sentTo(reply: Response): { path: string; query: Record<string, string> } {
  expect(reply.status).toBe(302);
  const url = new URL(reply.headers.get('location') ?? '', 'http://hub');
  return { path: url.pathname, query: Object.fromEntries(url.searchParams) };
}

async function codeFor(browser: TestBrowser, changes: Record<string, string> = {}): Promise<string> {
  const { path, query } = sentTo(await browser.fetch(authorizeUrl(changes)));
  expect(path).toBe(CALLBACK);
  expect(query).toEqual({ code: expect.stringMatching(/^[a-z0-9]{30}$/), state: 'st-ate_1' });
  return query.code ?? '';
}

async function exchange(hub: TestHub, fields: Record<string, string>, query = '') {
  const reply = await fetch(`${hub.origin}/hub/api/oauth2/token${query}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    // As `jupyterhub-singleuser` does: its API token besides the form.
    headers: { authorization: `token ${fields.client_secret ?? ''}` },
  });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown>, headers: reply.headers };
}

const form = (secret: string, code: string, more: Record<string, string> = {}) => ({
  client_id: CLIENT,
  client_secret: secret,
  grant_type: 'authorization_code',
  code,
  redirect_uri: CALLBACK,
  ...more,
});

const userBehind = async (hub: TestHub, token: unknown) =>
  (await fetch(`${hub.origin}/hub/api/user`, { headers: { authorization: `token ${String(token)}` } })).json();

onBothDatabases((on) => {
  test('a server learns who its visitor is, and forgets them at sign-out', async () => {
    await using world = await withServer({ on });
    const { hub, secret } = world;
    const browser = await signedIn(hub, 'ada');

    const answer = await exchange(hub, form(secret, await codeFor(browser)));

    expect(answer).toMatchObject({
      status: 200,
      body: { access_token: expect.stringMatching(/^[a-z0-9]{30}$/), expires_in: 1_209_600, token_type: 'Bearer' },
    });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      pragma: 'no-cache',
    });
    const user = await userBehind(hub, answer.body.access_token);
    const sessionId = [...browser.cookies.values()].find(({ name }) => name === 'jupyterhub-session-id')?.value;
    expect(user).toMatchObject({
      name: 'ada',
      kind: 'user',
      groups: [],
      admin: false,
      session_id: sessionId,
      scopes: ['access:servers!server=ada/', 'read:users:groups!user=ada', 'read:users:name!user=ada'],
    });

    await browser.fetch('/hub/logout');

    expect(await userBehind(hub, answer.body.access_token)).toMatchObject({ status: 403 });
  });

  test('a code works once, for its client, for five minutes, at its address', async () => {
    const time = { ahead: 0 };
    const clock = { ...systemClock, now: () => Date.now() + time.ahead };
    await using world = await withServer({ on, clock });
    const { hub, secret } = world;
    const browser = await signedIn(hub, 'ada');
    const refused = async (fields: Record<string, string>) => {
      const { status, body } = await exchange(hub, fields);
      return [status, body.error];
    };

    const code = await codeFor(browser);
    expect(await refused(form(secret, code, { redirect_uri: '/user/ada/elsewhere' }))).toEqual([
      400,
      'invalid_request',
    ]);
    expect(await refused(form('0'.repeat(32), code))).toEqual([401, 'invalid_client']);
    expect(await refused(form(secret, code, { client_id: 'jupyterhub' }))).toEqual([401, 'invalid_client']);
    expect(await refused(form(secret, 'x'.repeat(30)))).toEqual([400, 'invalid_grant']);
    const both = await Promise.all([exchange(hub, form(secret, code)), exchange(hub, form(secret, code))]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(await refused(form(secret, code))).toEqual([400, 'invalid_grant']);

    const late = await codeFor(browser);
    time.ahead = 300_001;
    expect(await refused(form(secret, late))).toEqual([400, 'invalid_grant']);
  });

  test('with PKCE a code needs its verifier; a wrong one does not use it up', async () => {
    await using world = await withServer({ on });
    const { hub, secret } = world;
    const browser = await signedIn(hub, 'ada');
    const verifier = 'v'.repeat(43);
    const challenge = createHash('sha256').update(verifier).digest('base64url');

    const code = await codeFor(browser, { code_challenge: challenge, code_challenge_method: 'S256' });

    expect(await exchange(hub, form(secret, code))).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: 'Code verifier required.' },
    });
    expect((await exchange(hub, form(secret, code, { code_verifier: 'wrong' }))).body).toMatchObject({
      error: 'invalid_grant',
    });
    expect((await exchange(hub, form(secret, code, { code_verifier: verifier }))).status).toBe(200);
    const plain = await codeFor(browser, { code_challenge: verifier });
    expect((await exchange(hub, form(secret, plain, { code_verifier: verifier }))).status).toBe(200);
    const none = await codeFor(browser);
    expect((await exchange(hub, form(secret, none, { code_verifier: verifier }))).status).toBe(200);
  });
});

test('someone else’s server asks first, is answered from then on, and only knows what was agreed', async () => {
  await using world = await withServer();
  const { hub, secret } = world;
  await hub.api({ name: 'root', admin: true });
  await hub.ctx.db.updateTable('oauth_clients').set({ allowed_scopes: '["read:users!user", "read:hub"]' }).execute();
  const root = await signedIn(hub, 'root');

  const consent = await root.fetch(authorizeUrl());
  const page = await consent.text();
  expect(consent.status).toBe(200);
  const scopes = [...page.matchAll(/name="scopes" value="([^"]+)"/g)].map(([, scope]) => scope);
  expect(scopes).toEqual(expect.arrayContaining(['access:servers!server=ada/', 'read:users!user', 'read:hub']));
  const xsrf = /name="_xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const agree = (fields: [string, string][]) =>
    root.fetch(authorizeUrl(), { method: 'POST', body: new URLSearchParams(fields) });

  expect((await agree([['scopes', 'read:hub']])).status).toBe(403);
  const { query } = sentTo(
    await agree([
      ['_xsrf', xsrf],
      ['scopes', 'read:hub'],
      ['scopes', 'shutdown'],
    ]),
  );
  const { body } = await exchange(hub, form(secret, query.code ?? ''));
  expect(await userBehind(hub, body.access_token)).toMatchObject({
    name: 'root',
    scopes: ['access:servers!server=ada/', 'read:hub', 'read:users:groups!user=root', 'read:users:name!user=root'],
  });

  expect((await root.fetch(authorizeUrl())).status).toBe(200);
  expect(sentTo(await root.fetch(authorizeUrl({ scope: 'read:hub' }))).query.code).toBeDefined();
  expect(sentTo(await root.fetch(authorizeUrl({ scope: 'identify' }))).query.code).toBeDefined();
});

test('whoever may not use a server gets no code for it', async () => {
  await using world = await withServer();
  const bob = await signedIn(world.hub, 'bob');

  const reply = await bob.fetch(authorizeUrl());

  expect(reply.status).toBe(403);
  expect(reply.headers.get('location')).toBeNull();
  expect(await reply.text()).toContain('You do not have permission');
});

test('whoever is not signed in signs in first and comes back', async () => {
  await using world = await withServer();
  const stranger = world.hub.browser();

  const { path, query } = sentTo(await stranger.fetch(authorizeUrl()));

  expect(path).toBe('/hub/login');
  expect(query.next).toBe(authorizeUrl());
});

test('an address nobody registered is never gone to', async () => {
  await using world = await withServer();
  const ada = await signedIn(world.hub, 'ada');
  const refused = [
    authorizeUrl({ redirect_uri: 'https://evil.example/' }),
    authorizeUrl({ redirect_uri: `${CALLBACK}/../x` }),
    authorizeUrl({ client_id: 'jupyterhub' }),
    authorizeUrl({ client_id: 'jupyterhub-user-bob' }),
    authorizeUrl({ client_id: undefined }),
    `${authorizeUrl()}&redirect_uri=${encodeURIComponent(CALLBACK)}`,
    `${authorizeUrl()}&state=other`,
  ];

  for (const url of refused) {
    const reply = await ada.fetch(url);
    expect([reply.status, reply.headers.get('location')], url).toEqual([400, null]);
    expect(reply.headers.get('content-type'), url).toContain('text/html');
  }
});

test.each([
  [{ response_type: undefined }, 'invalid_request', 'Missing response_type parameter.'],
  [{ response_type: 'token' }, 'unsupported_response_type', undefined],
  [{ scope: 'no:such' }, 'invalid_scope', undefined],
  [{ scope: 'admin:users' }, 'invalid_scope', undefined],
  [{ scope: 'inherit' }, 'invalid_scope', undefined],
  [{ scope: 'token' }, 'invalid_scope', undefined],
  [{ scope: 'self' }, 'invalid_scope', undefined],
  [{ code_challenge: 'x', code_challenge_method: 'S512' }, 'invalid_request', 'Transform algorithm not supported.'],
])('%j is refused by way of the client', async (changes, error, description) => {
  await using world = await withServer();
  const ada = await signedIn(world.hub, 'ada');

  const { path, query } = sentTo(await ada.fetch(authorizeUrl(changes)));

  expect(path).toBe(CALLBACK);
  expect(query).toMatchObject({ error, state: 'st-ate_1', ...(description && { error_description: description }) });
});

test('where PKCE is required, a client without it is sent back', async () => {
  await using world = await withServer({ config: { oauth: { requirePkce: true } } });
  const ada = await signedIn(world.hub, 'ada');

  const without = sentTo(await ada.fetch(authorizeUrl()));
  const proven = sentTo(
    await ada.fetch(authorizeUrl({ code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' })),
  );

  expect(without.query).toMatchObject({ error: 'invalid_request', error_description: 'Code challenge required.' });
  expect(proven.query.code).toMatch(/^\w{30}$/);
});

test('the token endpoint reads a form and nothing else', async () => {
  await using world = await withServer();
  const { hub, secret } = world;
  const code = await codeFor(await signedIn(hub, 'ada'));
  const url = `${hub.origin}/hub/api/oauth2/token`;

  expect((await exchange(hub, {})).body).toMatchObject({ error: 'unsupported_grant_type' });
  expect((await exchange(hub, { grant_type: 'password' })).body).toMatchObject({ error: 'unsupported_grant_type' });
  expect((await exchange(hub, form(secret, code), '?client_id=x')).body).toMatchObject({ error: 'invalid_request' });
  const json = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(form(secret, code)),
    headers: { 'content-type': 'application/json' },
  });
  expect([json.status, await json.json()]).toMatchObject([400, { error: 'unsupported_grant_type' }]);
  const { client_id: id, client_secret: _, ...rest } = form(secret, code);
  const basic = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(rest),
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
  });
  expect(basic.status).toBe(200);
});

test('a server that stops takes its client and its visitors’ tokens along', async () => {
  await using world = await withServer();
  const { hub, secret, ada } = world;
  const browser = await signedIn(hub, 'ada');
  const { body } = await exchange(hub, form(secret, await codeFor(browser)));

  expect((await ada('DELETE', '/users/ada/server')).status).toBe(204);

  expect(await userBehind(hub, body.access_token)).toMatchObject({ status: 403 });
  expect((await browser.fetch(authorizeUrl())).status).toBe(400);
  expect(await hub.ctx.db.selectFrom('oauth_clients').selectAll().execute()).toEqual([]);
});

test('revoking one token of an application revokes all it has of that person', async () => {
  await using world = await withServer();
  const { hub, secret, ada } = world;
  const browser = await signedIn(hub, 'ada');
  const tokens = [
    (await exchange(hub, form(secret, await codeFor(browser)))).body.access_token,
    (await exchange(hub, form(secret, await codeFor(browser)))).body.access_token,
  ];
  const list = ((await ada('GET', '/users/ada/tokens')).body as { api_tokens: { id: string; oauth_client: string }[] })
    .api_tokens;
  const theirs = list.filter(({ oauth_client }) => oauth_client !== 'JupyterHub');
  expect(theirs).toHaveLength(2);

  expect((await ada('DELETE', `/users/ada/tokens/${theirs[0]?.id}`)).status).toBe(204);

  for (const token of tokens) expect(await userBehind(hub, token)).toMatchObject({ status: 403 });
});
