import { expect } from 'vitest';
import { sendUntil } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { ROOT_TOKEN } from '../world.ts';
import { eventsOf, startHeld } from './s3-servers.ts';

/** The environment of a running server on a host of its owner's own. */
async function environmentOf(hub: Hub, user: string) {
  const { port } = new URL(hub.origin);
  const headers = { host: `${user}.${new URL(hub.origin).hostname}:${port}`, 'x-forwarded-proto': 'https' };
  return (await hub.send('GET', `/user/${user}/env`, { headers })).json();
}

export const settings = section('the single-user server, as it is set', (row) => {
  row(
    [
      '1.1/env-limits',
      '1.1/env-root-dir',
      '1.1/env-debug',
      '1.1/env-cookie-options',
      '1.1/env-host-prefix',
      '1.1/env-guarantees',
    ],
    async ({ sealed }) => {
      const one = await sealed.person();
      await sealed.start(one);
      expect(await environmentOf(sealed, one)).toMatchObject({
        MEM_LIMIT: String(512 * 1024 * 1024),
        CPU_LIMIT: '0.5',
        MEM_GUARANTEE: String(128 * 1024 * 1024),
        CPU_GUARANTEE: '0.25',
        JUPYTERHUB_ROOT_DIR: `/srv/${one}`,
        JUPYTERHUB_DEBUG: '1',
        JUPYTERHUB_DISABLE_USER_CONFIG: '1',
        JUPYTERHUB_COOKIE_OPTIONS: expect.stringMatching(/^\{"samesite": ?"Strict"\}$/),
        JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED: '1',
      });
    },
  );

  row('6.2/forwarded-appended', async ({ sealed }) => {
    const one = await sealed.person();
    await sealed.start(one);
    const host = `${one}.${new URL(sealed.origin).host}`;
    const headers = { host, 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.7' };
    const seen = (await sealed.send('GET', `/user/${one}/x`, { headers })).json();
    expect(seen.headers['x-forwarded-for']).toMatch(/^192\.0\.2\.7, ?(::ffff:)?127\.0\.0\.1$/);
  });

  row('1.1/env-admin-access', async ({ sealed }) => {
    const one = await sealed.person();
    await sealed.start(one);
    expect(await environmentOf(sealed, one)).toHaveProperty('JUPYTERHUB_ADMIN_ACCESS', '1');
  });

  row(['1.1/env-wins', '1.1/env-kept'], async ({ sealed }) => {
    const one = await sealed.person();
    await sealed.start(one);
    const env = await environmentOf(sealed, one);
    // Both are set to open /lab, and then the environment to /tree.
    expect(env).toMatchObject({ JUPYTERHUB_DEFAULT_URL: '/tree', PATH: expect.stringContaining('/bin') });
  });

  row(['1.2/token-scopes', '1.2/token-model'], async ({ main }) => {
    const one = await main.person();
    await main.start(one, 'two');
    const { JUPYTERHUB_API_TOKEN: token } = (await main.send('GET', `/user/${one}/two/env`)).json();
    const { scopes } = (await main.as(token)('GET', '/user')).json();
    expect(scopes).toEqual([
      `access:servers!server=${one}/two`,
      `read:users:activity!user=${one}`,
      `read:users:groups!user=${one}`,
      `read:users:name!user=${one}`,
      `users:activity!user=${one}`,
    ]);
    const { api_tokens: tokens } = (await main.root('GET', `/users/${one}/tokens`)).json();
    expect(tokens).toMatchObject([{ oauth_client: 'JupyterHub', expires_at: null, session_id: null }]);
  });

  row('1.2/token-activity', async ({ sealed }) => {
    const one = await sealed.person();
    await sealed.start(one);
    const { JUPYTERHUB_API_TOKEN: token } = await environmentOf(sealed, one);
    const as = sealed.as(token);
    // What the role says there, and nothing else but this one.
    expect((await as('GET', `/users/${one}/tokens`)).status).toBe(200);
    expect((await as('POST', `/users/${one}/tokens`)).status).toBe(403);
    const body = { last_activity: new Date().toISOString() };
    expect((await as('POST', `/users/${one}/activity`, body)).status).toBe(200);
  });

  row('1.4/not-while-500', async ({ main }) => {
    const one = await main.person('sick-');
    await main.start(one);
    const { probes } = (await main.send('GET', `/user/${one}/probes`)).json();
    expect(probes).toBeGreaterThan(3);
  });

  row('1.4/route-first', async ({ main }) => {
    const { user, end } = await startHeld(main);
    const browser = await main.signIn(user);
    const stream = main.root('GET', `${main.server(user)}/progress`);
    await end();
    expect(eventsOf((await stream).text).at(-1)).toMatchObject({ ready: true });
    const page = await browser.follow(`/user/${user}/first`);
    expect([page.status, await page.json()]).toEqual([200, { status: 200 }]);
    // And gets there at once, not by the hub, which would send them on.
    const together = Array.from({ length: 6 }, async () => {
      const one = await main.person();
      await main.root('POST', main.server(one));
      const headers = { authorization: `token ${ROOT_TOKEN}` };
      await sendUntil(main.origin, `/hub/api${main.server(one)}/progress`, headers, (text) => text.includes('"ready"'));
      return (await main.send('GET', `/user/${one}/first`)).status;
    });
    expect(await Promise.all(together)).toEqual(together.map(() => 200));
  });

  row('1.5/menu', async ({ main }) => {
    const one = await main.person();
    await Promise.all([main.start(one), main.start(one, 'two')]);
    const browser = await main.signIn(one);
    expect((await browser.fetch('/hub/home')).status).toBe(200);
    for (const [from, to] of [
      ['/hub/spawn', `/user/${one}/`],
      [`/hub/spawn/${one}/two`, `/user/${one}/two/`],
      ['/hub/logout', '/hub/login'],
    ] as const) {
      const reply = await browser.fetch(from);
      const { pathname } = new URL(reply.headers.get('location') ?? 'none:', main.origin);
      expect([from, reply.status, pathname]).toEqual([from, 302, to]);
    }
  });

  row('1.5/identity', async ({ main }) => {
    const name = main.fresh('info-');
    const browser = await main.signIn(name);
    const me = (await (await browser.fetch('/hub/api/user')).json()) as object;
    expect(me).toMatchObject({ name, user_info: { display_name: 'Ina Fo' } });
  });
});
