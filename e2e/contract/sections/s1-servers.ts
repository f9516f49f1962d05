import { expect } from 'vitest';
import type { Answer } from '../client.ts';
import { authorizeUrl, serverClient } from '../oauth.ts';
import { section } from '../suite.ts';
import { PASSWORD } from '../world.ts';

export const environment = section('the single-user server', (row, alone) => {
  row(
    [
      ...[
        '1.1/env',
        '1.1/env-public',
        '1.1/env-default-url',
        '1.1/env-local',
        '1.1/env-configured',
        '1.3/first-request',
      ],
      ...['1.4/any-below-500', '1.1/no-arguments'],
    ],
    async ({ main }) => {
      const one = await main.person();
      await main.start(one);
      const env = (await main.send('GET', `/user/${one}/env`)).json();
      const scopes = [`access:servers!server=${one}/`, `access:servers!user=${one}`];
      expect(env).toMatchObject({
        JUPYTERHUB_API_TOKEN: expect.stringMatching(/^[0-9a-f]{32}$/),
        JPY_API_TOKEN: env.JUPYTERHUB_API_TOKEN,
        JUPYTERHUB_CLIENT_ID: `jupyterhub-user-${one}`,
        JUPYTERHUB_USER: one,
        JUPYTERHUB_SERVER_NAME: '',
        JUPYTERHUB_API_URL: expect.stringMatching(/^http:\/\/[^/]+:\d+\/hub\/api$/),
        JUPYTERHUB_ACTIVITY_URL: `${env.JUPYTERHUB_API_URL}/users/${one}/activity`,
        JUPYTERHUB_BASE_URL: '/',
        JUPYTERHUB_SERVICE_PREFIX: `/user/${one}/`,
        JUPYTERHUB_SERVICE_URL: expect.stringMatching(new RegExp(`^http://[^/]*:\\d+/user/${one}/$`)),
        JUPYTERHUB_OAUTH_CALLBACK_URL: `/user/${one}/oauth_callback`,
        JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: '[]',
        JUPYTERHUB_HOST: '',
        JUPYTERHUB_PUBLIC_URL: '',
        JUPYTERHUB_PUBLIC_HUB_URL: '',
        JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED: '0',
        JUPYTERHUB_DEFAULT_URL: '/lab',
        USER: one,
        HOME: expect.stringMatching(/^\//),
        SHELL: expect.stringMatching(/^\//),
        CONTRACT_OWN: 'own',
      });
      for (const name of ['JUPYTERHUB_OAUTH_SCOPES', 'JUPYTERHUB_OAUTH_ACCESS_SCOPES']) {
        expect(JSON.parse(env[name])).toEqual(scopes);
      }
      for (const name of ['JUPYTERHUB_ADMIN_ACCESS', 'MEM_LIMIT', 'CPU_LIMIT', 'JUPYTERHUB_SSL_KEYFILE']) {
        expect(env).not.toHaveProperty(name);
      }
      expect((await main.send('GET', `/user/${one}/first`)).json()).toEqual({ status: 200 });
      expect((await main.send('GET', `/user/${one}/arguments`)).json()).toEqual([]);
    },
  );

  row(['1.1/env-named', '1.1/env-quoted'], async ({ main }) => {
    const name = main.fresh('a@b.c');
    await main.root('POST', `/users/${name}`);
    await main.start(name, 'two');
    const env = (await main.send('GET', `/user/${name}/two/env`)).json();
    expect(env).toMatchObject({
      JUPYTERHUB_SERVER_NAME: 'two',
      JUPYTERHUB_CLIENT_ID: `jupyterhub-user-${encodeURIComponent(name)}-two`,
      JUPYTERHUB_SERVICE_PREFIX: `/user/${name}/two/`,
      JUPYTERHUB_OAUTH_CALLBACK_URL: `/user/${name}/two/oauth_callback`,
    });
    expect(JSON.parse(env.JUPYTERHUB_OAUTH_SCOPES)).toEqual([
      `access:servers!server=${name}/two`,
      `access:servers!user=${name}`,
    ]);
  });

  row(['1.2/token', '1.2/client', '1.2/fresh-token', '6.3/removed'], async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const client = await serverClient(main, one);
    const { api_tokens: tokens } = (await main.root('GET', `/users/${one}/tokens`)).json();
    expect(tokens).toMatchObject([{ note: `Server at /user/${one}/`, user: one }]);
    const as = main.as(client.client_secret);
    expect((await as('GET', '/user')).json().name).toBe(one);
    const browser = await main.signIn(one);
    expect((await browser.fetch(authorizeUrl(main, client))).status).toBe(302);
    expect((await main.root('DELETE', main.server(one))).status).toBe(204);
    expect((await as('GET', '/user')).status).toBe(403);
    expect((await browser.fetch(authorizeUrl(main, client))).status).toBe(400);
    expect((await main.root('GET', '/proxy?limit=200')).json()).not.toHaveProperty(`/user/${one}/`);
    await main.start(one);
    expect((await serverClient(main, one)).client_secret).not.toBe(client.client_secret);
  });

  row(['1.2/token-no-activity', '1.3/activity'], async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const token = (await serverClient(main, one)).client_secret;
    const seen = async () => (await main.root('GET', `/users/${one}`)).json().last_activity;
    const before = new Date(Date.now() + 1_000_000).toISOString();
    const body = { servers: { '': { last_activity: before } }, last_activity: before };
    expect((await main.as(token)('POST', `/users/${one}/activity`, body)).status).toBe(200);
    expect(Date.parse(await seen())).toBe(Date.parse(before));
    const other = await main.person();
    await main.start(other);
    const own = main.as((await serverClient(main, other)).client_secret);
    const first = (await main.root('GET', `/users/${other}`)).json().last_activity;
    expect((await own('GET', '/user')).status).toBe(200);
    expect((await main.root('GET', `/users/${other}`)).json().last_activity).toBe(first);
  });

  alone(['1.1/env-domain', '5.5/host-of-user', '5.5/wrong-host'], async ({ domain }) => {
    const one = await domain.person();
    const port = new URL(domain.origin).port;
    const host = `http://${one}.hub.test:${port}`;
    await domain.start(one);
    const model = (await domain.root('GET', `/users/${one}`)).json();
    expect(model.servers['']).toMatchObject({
      url: `${host}/user/${one}/`,
      full_url: `${host}/user/${one}/`,
      full_progress_url: `${domain.origin}/hub/api/users/${one}/server/progress`,
    });
    const ask = (at: string, path: string) => domain.send('GET', path, { headers: { host: new URL(at).host } });
    const env = (await ask(host, `/user/${one}/env`)).json();
    expect(env).toMatchObject({
      JUPYTERHUB_HOST: domain.origin,
      JUPYTERHUB_OAUTH_CALLBACK_URL: `${host}/user/${one}/oauth_callback`,
      JUPYTERHUB_PUBLIC_URL: `${host}/user/${one}/`,
      JUPYTERHUB_PUBLIC_HUB_URL: `${domain.origin}/hub/`,
    });
    const wrong = await ask(domain.origin, `/hub/user/${one}/lab`);
    expect(wrong.status).toBe(302);
    expect((await domain.root('DELETE', domain.server(one))).status).toBe(204);
  });

  row('5.5/labels', async ({ domain }) => {
    const { port } = new URL(domain.origin);
    for (const [name, label] of [
      ['has@at', 'u-hasat--29a6393'],
      ['dash--d', 'u-dashd--5576476'],
      ['under_score', 'u-undersco--d807116'],
      ['1234', 'u-1234--03ac674'],
    ] as const) {
      await domain.root('POST', `/users/${name}`);
      const { url } = (await domain.root('GET', `/users/${name}/server`)).json();
      expect([name, url]).toEqual([name, `http://${label}.hub.test:${port}/user/${name}/`]);
    }
  });

  row('5.5/next', async ({ domain }) => {
    const one = await domain.person();
    const { port } = new URL(domain.origin);
    const login = await domain.send('GET', '/hub/login');
    const cookies = (answer: Answer) => (answer.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]);
    const xsrf = cookies(login).find((pair) => pair?.startsWith('_xsrf=')) ?? '';
    const after = async (next: string) => {
      const form = { username: one, password: PASSWORD, _xsrf: xsrf.slice('_xsrf='.length) };
      const headers = { cookie: xsrf, 'content-type': 'application/x-www-form-urlencoded' };
      const path = `/hub/login?next=${encodeURIComponent(next)}`;
      const { status, headers: got } = await domain.send('POST', path, {
        headers,
        body: String(new URLSearchParams(form)),
      });
      return [status, got.location];
    };
    expect(await after(`http://${one}.hub.test:${port}/user/${one}/lab?x=1`)).toEqual([302, `/user/${one}/lab?x=1`]);
    const elsewhere = await after('http://hub.test.elsewhere.example/x');
    expect(elsewhere).toEqual([302, expect.stringMatching(/^\/hub\//)]);
  });
});
