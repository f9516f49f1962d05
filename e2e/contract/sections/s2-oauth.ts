import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { authorizeUrl, codeFor, exchange, fieldsOf, outside, quiet, sentTo, serverClient, visitor } from '../oauth.ts';
import { section } from '../suite.ts';

const VERIFIER = 'a-verifier-of-forty-three-characters-or-more-0';
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

export const oauth = section('OAuth', (row) => {
  row(['2.2/code', '2.2/token', '2.2/token-of-user', '2.3/confirm-skipped', '2.1/resolved'], async ({ main }) => {
    const { name, browser } = await visitor(main);
    const client = quiet(main);
    const back = await browser.fetch(authorizeUrl(main, client));
    expect(back.status).toBe(302);
    const { path, query } = sentTo(back);
    expect([path, query]).toEqual([
      client.redirect_uri,
      { code: expect.stringMatching(/^[A-Za-z0-9]{30}$/), state: 'the-state' },
    ]);
    const answer = await exchange(main, client, query.code ?? '');
    expect([answer.status, answer.json()]).toMatchObject([
      200,
      {
        ...{ expires_in: 1_209_600, token_type: 'Bearer' },
        access_token: expect.stringMatching(/^[A-Za-z0-9]{30}$/),
        scope: expect.stringContaining('access:services!service=quiet'),
      },
    ]);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    const me = (await main.as(answer.json().access_token)('GET', '/user')).json();
    const session = [...browser.cookies.values()].find((cookie) => cookie.name === 'jupyterhub-session-id')?.value;
    expect(me).toMatchObject({ kind: 'user', name, groups: ['visitors'], session_id: session });
    expect(me.scopes).toEqual([
      'access:services!service=quiet',
      `read:users:groups!user=${name}`,
      `read:users:name!user=${name}`,
    ]);
  });

  row(['2.1/invalid'], async ({ main }) => {
    expect((await main.as('a-token-that-is-none')('GET', '/user')).status).toBe(403);
  });

  row(['2.1/concrete-server', '2.2/callback-paths'], async ({ main }) => {
    const [owner, staff] = await Promise.all([main.person(), main.person()]);
    const group = main.fresh('course');
    await main.root('POST', `/groups/${group}`, { users: [owner] });
    await main.root('POST', '/groups/all-access/users', { users: [staff] });
    await main.start(owner);
    const client = await serverClient(main, owner);
    expect(client.redirect_uri).toBe(`/user/${owner}/oauth_callback`);
    const browser = await main.signIn(staff);
    const asked = await browser.fetch(authorizeUrl(main, client));
    expect(asked.status).toBe(200);
    const agreed = await browser.fetch(authorizeUrl(main, client), {
      method: 'POST',
      body: new URLSearchParams(fieldsOf(await asked.text())),
    });
    const { access_token: token } = (await exchange(main, client, sentTo(agreed).query.code ?? '')).json();
    expect((await main.as(token)('GET', '/user')).json().scopes).toContain(`access:servers!server=${owner}/`);
  });

  row('2.2/internal-client', async ({ main }) => {
    const { browser } = await visitor(main);
    const client = { client_id: 'jupyterhub', client_secret: '', redirect_uri: '/hub/home' };
    expect((await browser.fetch(authorizeUrl(main, client))).status).toBe(400);
  });

  row('2.3/anonymous', async ({ main }) => {
    const url = authorizeUrl(main, quiet(main));
    const sent = await main.send('GET', url);
    expect(sent.status).toBe(302);
    const to = new URL(sent.headers.location ?? '', main.origin);
    expect([to.pathname, to.searchParams.get('next')]).toEqual([
      '/hub/login',
      expect.stringContaining('client_id=service-quiet'),
    ]);
    expect(to.searchParams.get('next')).toMatch(/^\/hub\/api\/oauth2\/authorize\?.*state=the-state/);
  });

  row('2.3/bad-client', async ({ main }) => {
    const { browser } = await visitor(main);
    const client = quiet(main);
    for (const url of [
      authorizeUrl(main, client, { client_id: undefined }),
      authorizeUrl(main, client, { client_id: 'service-unknown' }),
      authorizeUrl(main, client, { redirect_uri: '/services/quiet/other' }),
      authorizeUrl(main, client, { redirect_uri: 'https://elsewhere.example/' }),
      `${authorizeUrl(main, client)}&client_id=service-quiet`,
    ]) {
      const reply = await browser.fetch(url);
      expect([url, reply.status, reply.headers.get('location')]).toEqual([url, 400, null]);
      expect(reply.headers.get('content-type')).toMatch(/^text\/html/);
    }
  });

  row(['2.3/no-response-type', '2.3/response-type', '2.3/scope', '2.3/challenge-method'], async ({ main }) => {
    const { browser } = await visitor(main);
    for (const [more, error] of [
      [{ response_type: undefined }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ scope: 'no:such' }, 'invalid_scope'],
      [{ scope: 'admin:users' }, 'invalid_scope'],
      [{ code_challenge: CHALLENGE, code_challenge_method: 'S512' }, 'invalid_request'],
    ] as const) {
      const reply = await browser.fetch(authorizeUrl(main, quiet(main), more));
      expect([more, reply.status]).toEqual([more, 302]);
      const { path, query } = sentTo(reply);
      expect([more, path, query.error, query.state]).toEqual([more, quiet(main).redirect_uri, error, 'the-state']);
    }
  });

  row('2.3/no-access', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const stranger = await main.signIn(await main.person());
    for (const client of [quiet(main), await serverClient(main, one)]) {
      const reply = await stranger.fetch(authorizeUrl(main, client));
      expect([client.client_id, reply.status, reply.headers.get('location')]).toEqual([client.client_id, 403, null]);
    }
    // Their own server never asks.
    const own = await main.signIn(one);
    expect(sentTo(await own.fetch(authorizeUrl(main, await serverClient(main, one)))).query.code).toBeTruthy();
  });

  row(['2.3/confirm', '2.3/confirm-xsrf', '2.3/confirm-none', '2.3/scopes-within'], async ({ main }) => {
    const { name, browser } = await visitor(main);
    const client = outside(main);
    const url = authorizeUrl(main, client);
    const asked = await browser.fetch(url);
    const page = await asked.text();
    expect([asked.status, page]).toEqual([200, expect.stringMatching(/<form[^>]*method="post"/i)]);
    const fields = fieldsOf(page).filter(([field]) => field === '_xsrf' || field === 'scopes');
    expect([...new Set(fields.map(([field]) => field))].sort()).toEqual(['_xsrf', 'scopes']);
    const post = (pairs: [string, string][]) =>
      browser.fetch(url, { method: 'POST', body: new URLSearchParams(pairs) });
    expect((await post(fields.filter(([field]) => field === 'scopes'))).status).toBe(403);
    const scopesAfter = async (pairs: [string, string][]) => {
      const agreed = await post(pairs);
      expect(agreed.status).toBe(302);
      const { access_token: token } = (await exchange(main, client, sentTo(agreed).query.code ?? '')).json();
      return (await main.as(token)('GET', '/user')).json().scopes as string[];
    };
    const least = ['access:services!service=outside', `read:users:groups!user=${name}`, `read:users:name!user=${name}`];
    expect(await scopesAfter(fields.filter(([field]) => field === '_xsrf'))).toEqual(least);
    const more = await scopesAfter(fields);
    expect(more).toEqual(expect.arrayContaining([...least, `read:users!user=${name}`]));
    // Agreed once: nobody asks again for the same.
    expect((await browser.fetch(url)).status).toBe(302);
  });

  row('2.3/identify', async ({ main }) => {
    const { name, browser } = await visitor(main);
    const client = quiet(main);
    const code = await codeFor(main, browser, client, { scope: 'identify' });
    const { access_token: token } = (await exchange(main, client, code)).json();
    const { scopes } = (await main.as(token)('GET', '/user')).json();
    expect(scopes).toEqual([
      'access:services!service=quiet',
      `read:users:groups!user=${name}`,
      `read:users:name!user=${name}`,
    ]);
  });

  row(['2.4/grant', '2.4/client', '2.4/code', '2.4/redirect'], async ({ main }) => {
    const { browser } = await visitor(main);
    const client = quiet(main);
    const fresh = () => codeFor(main, browser, client);
    const refused = (answer: { status: number; json(): { error: string } }) => [answer.status, answer.json().error];
    for (const grant_type of ['', 'password', 'unknown']) {
      expect(refused(await exchange(main, client, await fresh(), { grant_type }))).toEqual([
        400,
        'unsupported_grant_type',
      ]);
    }
    expect(refused(await exchange(main, client, await fresh(), { client_id: 'service-unknown' }))).toEqual([
      401,
      'invalid_client',
    ]);
    expect(refused(await exchange(main, client, await fresh(), { client_secret: 'wrong' }))).toEqual([
      401,
      'invalid_client',
    ]);
    expect(refused(await exchange(main, client, 'no-such-code'))).toEqual([400, 'invalid_grant']);
    expect(refused(await exchange(main, outside(main), await fresh()))).toEqual([400, 'invalid_grant']);
    const once = await fresh();
    expect((await exchange(main, client, once)).status).toBe(200);
    expect(refused(await exchange(main, client, once))).toEqual([400, 'invalid_grant']);
    expect(refused(await exchange(main, client, await fresh(), { redirect_uri: '/other' }))).toEqual([
      400,
      'invalid_request',
    ]);
  });

  row('2.4/query', async ({ main }) => {
    const { browser } = await visitor(main);
    const client = quiet(main);
    const form = { ...client, grant_type: 'authorization_code', code: await codeFor(main, browser, client) };
    const refused = await main.send('POST', `${main.hub}api/oauth2/token?client_id=${client.client_id}`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: String(new URLSearchParams(form)),
    });
    expect([refused.status, refused.json().error]).toEqual([400, 'invalid_request']);
  });

  row('2.4/verifier-extra', async ({ main }) => {
    const { browser } = await visitor(main);
    const plain = await codeFor(main, browser, quiet(main));
    expect((await exchange(main, quiet(main), plain, { code_verifier: VERIFIER })).status).toBe(200);
  });

  row(['2.4/verifier-missing', '2.4/verifier-wrong'], async ({ main }) => {
    const { browser } = await visitor(main);
    const client = quiet(main);
    const challenge = { code_challenge: CHALLENGE, code_challenge_method: 'S256' };
    const code = await codeFor(main, browser, client, challenge);
    const missing = await exchange(main, client, code);
    expect([missing.status, missing.json().error]).toEqual([400, 'invalid_request']);
    const next = await codeFor(main, browser, client, challenge);
    const wrong = await exchange(main, client, next, { code_verifier: `${VERIFIER}-wrong` });
    expect([wrong.status, wrong.json().error]).toEqual([400, 'invalid_grant']);
    expect((await exchange(main, client, next, { code_verifier: VERIFIER })).status).toBe(200);
  });
});
