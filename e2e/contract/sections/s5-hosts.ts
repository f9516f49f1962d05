import { expect } from 'vitest';
import type { Answer } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { PASSWORD } from '../world.ts';

const portOf = ({ origin }: Hub) => new URL(origin).port;
const setCookies = ({ headers }: Answer) => [headers['set-cookie'] ?? []].flat();

export const hosts = section('hosts of their own', (row, alone) => {
  row('5.5/session-domain', async ({ domain }) => {
    const one = await domain.person();
    const form = await domain.send('GET', '/hub/login');
    const cookie = setCookies(form)
      .map((line) => line.split(';')[0])
      .join('; ');
    const xsrf = /_xsrf=([^;]*)/.exec(cookie)?.[1] ?? '';
    const signedIn = await domain.send('POST', '/hub/login', {
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body: String(new URLSearchParams({ username: one, password: PASSWORD, _xsrf: xsrf })),
    });
    expect(signedIn.status).toBe(302);
    const all = [...setCookies(form), ...setCookies(signedIn)];
    const session = all.filter((line) => line.startsWith('jupyterhub-session-id='));
    expect(session.length).toBeGreaterThan(0);
    for (const line of session) expect(line).toMatch(/; *domain=\.?hub\.test(;|$)/i);
    const login = all.filter((line) => line.startsWith('jupyterhub-hub-login='));
    expect(login.length).toBeGreaterThan(0);
    for (const line of login) expect(line).not.toMatch(/domain=/i);
  });

  alone(['5.5/host-of-service', '6.1/host-routes'], async ({ domain }) => {
    const one = await domain.person();
    await domain.start(one);
    const routes = (await domain.root('GET', '/proxy?limit=200')).json();
    expect(routes['outside--service.hub.test/services/outside/'].data).toMatchObject({ service: 'outside' });
    expect(routes[`${one}.hub.test/user/${one}/`].data).toMatchObject({ user: one, server_name: '' });
    const at = (host: string) =>
      domain.send('GET', '/services/helper/x', { headers: { host: `${host}:${portOf(domain)}` } });
    expect((await at('helper--service.hub.test')).json()).toMatchObject({ url: '/services/helper/x' });
    expect((await at('hub.test')).status).not.toBe(200);
    expect((await domain.root('DELETE', domain.server(one))).status).toBe(204);
  });

  row('5.5/legacy', async ({ other }) => {
    const hub = await other('legacy');
    await hub.root('POST', '/users/a_b');
    await hub.start('a_b');
    const { url } = (await hub.root('GET', '/users/a_b')).json().servers[''];
    expect(url).toBe(`http://a_5fb.old.test:${portOf(hub)}/user/a_b/`);
    expect((await hub.root('GET', '/proxy?limit=200')).json()).toHaveProperty(['services.old.test/services/helper/']);
  });

  row('5.1/login-elsewhere', async ({ other }) => {
    const hub = await other('legacy');
    const at = async (path: string) => (await hub.send('GET', path)).headers.location;
    expect(await at('/hub/login')).toBe('/hub/elsewhere');
    expect(await at('/hub/login?next=%2Fhub%2Ftoken')).toBe('/hub/elsewhere?next=%2Fhub%2Ftoken');
    expect((await hub.send('GET', '/hub/logout')).status).toBe(200);
  });

  row('4.4/defined-anew', async ({ other }) => {
    const hub = await other('legacy');
    const one = await hub.person();
    await hub.start(one);
    const host = `${one}.old.test:${portOf(hub)}`;
    const env = (await hub.send('GET', `/user/${one}/env`, { headers: { host } })).json();
    const { scopes } = (await hub.as(env.JUPYTERHUB_API_TOKEN)('GET', '/user')).json();
    expect(scopes).toEqual(expect.arrayContaining([`servers!user=${one}`, 'list:services']));
  });

  row('7/external-down', async ({ other }) => {
    const hub = await other('legacy');
    expect((await hub.root('GET', '/services')).json()).toHaveProperty('lost');
    expect((await hub.send('GET', '/hub/health')).status).toBe(200);
  });
});
