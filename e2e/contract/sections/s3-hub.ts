import { expect } from 'vitest';
import { section } from '../suite.ts';
import { ADMIN, READER_TOKEN, ROOT_TOKEN } from '../world.ts';

const PEP_440 = /^\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+([._-][a-z0-9]+)*)?$/i;

export const hubItself = section('REST, the hub itself', (row, alone) => {
  row('3.4/root', async ({ main }) => {
    const { status, json, headers } = await main.nobody('GET', '/');
    expect([status, Object.keys(json())]).toEqual([200, ['version']]);
    expect(json().version).toMatch(PEP_440);
    expect(headers['access-control-allow-origin']).toBe('*');
  });

  row('3.4/health', async ({ main, strict }) => {
    for (const hub of [main, strict]) {
      for (const path of [`${hub.hub}api/health`, `${hub.hub}health`]) {
        for (const method of ['GET', 'HEAD']) {
          const { status, text } = await hub.send(method, path);
          expect([method, path, status, text]).toEqual([method, path, 200, '']);
        }
      }
    }
  });

  row('3.4/metrics', async ({ main }) => {
    const as = await main.scoped(['read:metrics']);
    const without = await main.scoped(['read:hub']);
    expect((await as('GET', '/metrics')).status).toBe(200);
    expect((await without('GET', '/metrics')).status).toBe(403);
    expect((await main.nobody('GET', '/metrics')).status).toBe(403);
    expect((await main.send('GET', '/hub/metrics')).status).toBe(403);
    const page = await main.send('GET', '/hub/metrics', { headers: { authorization: `token ${ROOT_TOKEN}` } });
    expect(page.status).toBe(200);
  });

  row('3.4/metrics-open', async ({ strict }) => {
    expect((await strict.nobody('GET', '/metrics')).status).toBe(200);
    expect((await strict.send('GET', `${strict.hub}metrics`)).status).toBe(200);
  });

  row('3.4/info', async ({ main }) => {
    const info = (await main.as(READER_TOKEN)('GET', '/info')).json();
    expect(info).toMatchObject({
      version: expect.stringMatching(PEP_440),
      python: expect.any(String),
      sys_executable: expect.any(String),
      spawner: { class: expect.any(String), version: expect.any(String) },
      authenticator: { class: expect.any(String), version: expect.any(String) },
    });
    expect((await (await main.scoped(['read:metrics']))('GET', '/info')).status).toBe(403);
  });

  row('3.4/user', async ({ main }) => {
    const one = await main.person();
    const token = await main.token(one, { scopes: [] });
    const limited = (await main.as(token)('GET', '/user')).json();
    expect(limited).toMatchObject({ kind: 'user', name: one, groups: [], session_id: null });
    expect(limited.token_id).toMatch(/^a\d+$/);
    expect(limited.scopes).toEqual([`read:users:groups!user=${one}`, `read:users:name!user=${one}`]);
    expect(limited).not.toHaveProperty('servers');
    const whole = (await main.as(await main.token(one))('GET', '/user')).json();
    expect(whole.scopes).toEqual([...whole.scopes].sort());
    expect(whole.scopes).toEqual(
      expect.arrayContaining([`access:servers!user=${one}`, `tokens!user=${one}`, `read:tokens!user=${one}`]),
    );
    expect(whole).toMatchObject({ admin: false, servers: {}, pending: null, server: null });
  });

  row('3.4/user-service', async ({ main }) => {
    const me = (await main.as(READER_TOKEN)('GET', '/user')).json();
    expect(me).toMatchObject({ kind: 'service', name: 'reader', session_id: null });
    expect(me.scopes).toEqual(expect.arrayContaining(['list:users', 'read:hub', 'read:users:activity']));
  });

  row('3.4/user-cookie', async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    const me = (await (await browser.fetch('/hub/api/user')).json()) as Record<string, unknown>;
    expect(me).toMatchObject({ name: one, token_id: null, scopes: expect.arrayContaining([`tokens!user=${one}`]) });
  });

  row(['3.4/shutdown-scope', '3.4/shutdown-body'], async ({ main }) => {
    const one = main.as(await main.token(await main.person()));
    expect((await one('POST', '/shutdown')).status).toBe(403);
    for (const body of [{ proxy: 'yes' }, { servers: 'no' }]) {
      expect((await main.root('POST', '/shutdown', body)).status).toBe(400);
    }
  });

  row(['3.4/auth-token', '3.4/auth-token-nobody', '3.4/auth-post'], async ({ main }) => {
    const one = await main.person();
    const token = await main.token(one);
    const found = await main.root('GET', `/authorizations/token/${token}`);
    expect([found.status, found.json().name]).toEqual([200, one]);
    expect((await main.root('GET', '/authorizations/token/unknown')).status).toBe(404);
    expect((await main.nobody('GET', `/authorizations/token/${token}`)).status).toBe(403);
    expect((await main.root('POST', '/authorizations/token', {})).status).toBe(404);
  });

  row('3.4/auth-cookie', async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    const value = [...browser.cookies.values()].find(({ name }) => name === 'jupyterhub-hub-login')?.value ?? '';
    const ask = (text: string) =>
      main.root('GET', `/authorizations/cookie/jupyterhub-hub-login/${encodeURIComponent(text.replaceAll('"', ''))}`);
    const found = await ask(value);
    expect([found.status, found.json().name]).toEqual([200, one]);
    expect(found.json()).toMatchObject({ kind: 'user', admin: false });
    expect((await ask('wrong')).status).toBe(404);
    const text = value.replaceAll('"', '');
    const path = `/authorizations/cookie/jupyterhub-hub-login/${encodeURIComponent(text)}`;
    // Not by the name alone, nor by another one; and only for who has a token.
    expect((await main.root('GET', '/authorizations/cookie/jupyterhub-hub-login')).status).toBe(404);
    expect((await main.root('GET', path.replace('hub-login/', 'session-id/'))).status).toBe(404);
    expect((await main.nobody('GET', path)).status).toBe(403);
    expect((await browser.fetch(`/hub/api${path}`)).status).toBe(403);
  });

  alone('3.4/shutdown', async ({ strict }) => {
    const as = await strict.scoped(['shutdown'], ADMIN);
    const { status, json } = await as('POST', '/shutdown', { proxy: true, servers: true });
    expect([status, json()]).toEqual([202, { message: 'Shutting down Hub' }]);
  });
});
