import { createConnection } from 'node:net';
import { expect } from 'vitest';
import { eventually, send } from '../client.ts';
import type { Hub } from '../hub.ts';
import { visitor } from '../oauth.ts';
import { section } from '../suite.ts';
import { ROOT_TOKEN } from '../world.ts';

/** Opens a websocket by hand, sends bytes and answers with all that came up to them. */
export function overWebsocket(hub: Hub, path: string, text: string): Promise<string> {
  const { port } = new URL(hub.origin);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
    let got = '';
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('end', () => resolve(got));
    socket.on('data', (chunk: string) => {
      if (!got.includes('\r\n\r\n') && (got + chunk).includes('\r\n\r\n')) socket.write(text);
      got += chunk;
      if (got.endsWith(text)) {
        socket.destroy();
        resolve(got);
      }
    });
    const key = Buffer.from('the-key-of-a-sock').toString('base64').slice(0, 22);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Key: ${key}==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
  });
}

const metricsOf = async (hub: Hub) => (await hub.root('GET', '/metrics')).text;

export const proxyAndServices = section('proxy, services, metrics', (row, alone) => {
  row(
    ['6.2/path', '6.2/headers', '6.2/status', '6.2/websocket', '6.2/prefix', '6.3/added-before-ready'],
    async ({ main }) => {
      const one = await main.person();
      await main.start(one);
      const path = `/user/${one}/files/a%2Fb%20c/~x?q=%C3%BC&q=2`;
      const seen = (await main.send('GET', path, { headers: { 'x-forwarded-for': '192.0.2.7' } })).json();
      expect([seen.method, seen.url]).toEqual(['GET', path]);
      const { host, port } = new URL(main.origin);
      expect(seen.headers).toMatchObject({
        host,
        'x-forwarded-port': expect.stringContaining(port),
        'x-forwarded-proto': expect.stringContaining('http'),
        'x-forwarded-host': expect.stringContaining('127.0.0.1'),
      });
      expect(seen.headers['x-forwarded-for']).toMatch(/(::ffff:)?127\.0\.0\.1$/);
      for (const status of [204, 404, 418, 500]) {
        expect((await main.send('GET', `/user/${one}/answer?status=${status}`)).status).toBe(status);
      }
      expect(await overWebsocket(main, `/user/${one}/socket`, 'there and back')).toMatch(
        /^HTTP\/1\.1 101 [\s\S]*there and back$/,
      );
      expect((await main.send('GET', `/user/${one}x/`)).status).toBe(302);
    },
  );

  row('6.2/health', async ({ main }) => {
    const reply = await main.send('GET', '/_chp_healthz');
    expect([reply.status, reply.json()]).toEqual([200, { status: 'OK' }]);
  });

  row('6.1/api', async ({ main }) => {
    const { url, token } = main.proxyApi ?? {};
    if (url === undefined) throw new Error('It has none');
    const ask = (method: string, path: string, body?: unknown, authorization = `token ${token}`) =>
      send(url, method, `/api/routes${path}`, { body, headers: { authorization } });
    expect((await ask('GET', '', undefined, `Bearer ${token}`)).status).toBe(403);
    const listed = await ask('GET', '');
    expect(listed.headers['content-type']).toMatch(/^application\/json/);
    expect(listed.json()['/services/helper']).toMatchObject({ jupyterhub: true, service: 'helper' });
    const path = `/${main.fresh('route')}`;
    for (const body of ['{', {}, { target: 7 }]) expect((await ask('POST', path, body)).status).toBe(400);
    expect((await ask('POST', path, { target: main.gate.url, own: 1 })).status).toBe(201);
    expect((await ask('GET', path)).json()).toMatchObject({ target: main.gate.url, own: 1 });
    expect((await ask('DELETE', path)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expect((await ask(method, path)).status).toBe(404);
    expect((await ask('GET', '?inactive_since=never')).status).toBe(400);
    expect((await ask('PUT', path, {})).status).toBe(405);
  });

  row('6.2/error-page', async ({ main }) => {
    const name = main.fresh('gone');
    const token = `the-secret-of-${name}`;
    const made = await main.root('POST', `/services/${name}`, { url: 'http://127.0.0.1:9', api_token: token });
    expect(made.status).toBe(201);
    const look = () => main.send('GET', `/services/${name}/x`);
    const reply = await eventually(look, ({ status }) => status === 503);
    expect(reply.headers['content-type']).toMatch(/^text\/html/);
    await main.root('DELETE', `/services/${name}`);
  });

  row(['6.1/routes', '7/route', '7/no-route'], async ({ main, strict }) => {
    const one = await main.person();
    await main.start(one, 'two');
    const routes = (await main.root('GET', '/proxy?limit=200')).json();
    expect(routes[`/user/${one}/two/`].data).toMatchObject({ user: one, server_name: 'two' });
    expect(routes['/services/outside/'].data).toMatchObject({ service: 'outside' });
    expect(routes['/'].data).toMatchObject({ hub: true });
    expect(routes).not.toHaveProperty('/services/reader/');
    for (const hub of [main, strict]) {
      const path = `${hub.base}services/helper/x`;
      expect((await hub.send('GET', path)).json()).toMatchObject({ url: path });
    }
    expect((await main.root('GET', '/services/reader')).json().url || null).toBeNull();
  });

  alone('6.3/activity', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const seen = async () => Date.parse((await main.root('GET', `/users/${one}`)).json().servers[''].last_activity);
    const before = await seen();
    await eventually(
      async () => {
        await main.send('GET', `/user/${one}/work`);
        await main.root('POST', '/proxy');
        return seen();
      },
      (now) => now > before,
    );
  });

  row(['7/env-own', '7/env-none', '7/env-configured', '7/client-id', '7/redirect-uri'], async ({ main }) => {
    const env = (await main.send('GET', '/services/helper/env')).json();
    expect(env).toMatchObject({
      JUPYTERHUB_SERVICE_NAME: 'helper',
      JUPYTERHUB_SERVICE_PREFIX: '/services/helper/',
      JUPYTERHUB_SERVICE_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+/),
      JUPYTERHUB_API_TOKEN: expect.stringMatching(/^\w{8,64}$/),
      JUPYTERHUB_CLIENT_ID: 'service-helper',
      JUPYTERHUB_API_URL: expect.stringMatching(/\/hub\/api$/),
      JUPYTERHUB_BASE_URL: '/',
      JUPYTERHUB_OAUTH_CALLBACK_URL: '/services/helper/oauth_callback',
      CONTRACT_OWN: 'own',
    });
    expect(JSON.parse(env.JUPYTERHUB_OAUTH_ACCESS_SCOPES)).toEqual([
      'access:services',
      'access:services!service=helper',
    ]);
    expect(env.JUPYTERHUB_USER ?? '').toBe('');
    expect(env.JUPYTERHUB_SERVER_NAME ?? '').toBe('');
    expect(env.JUPYTERHUB_ACTIVITY_URL ?? '').toBe('');
    expect((await main.as(env.JUPYTERHUB_API_TOKEN)('GET', '/user')).json()).toMatchObject({
      kind: 'service',
      name: 'helper',
    });
  });

  row(['7/admin', '7/info', '7/from-config'], async ({ main }) => {
    const services = (await main.root('GET', '/services')).json();
    expect(services.root).toMatchObject({ admin: true, roles: ['admin'] });
    expect(services.outside).toMatchObject({ info: { room: 7 }, display: true });
    expect(services.quiet).toMatchObject({ display: false });
    expect((await main.root('DELETE', '/services/quiet')).status).toBe(405);
  });

  row('7/token', async ({ main }) => {
    for (const api_token of ['short', 'x'.repeat(65)]) {
      expect((await main.root('POST', `/services/${main.fresh('service')}`, { api_token })).status).toBe(400);
    }
  });

  row('7/menu', async ({ main }) => {
    const { browser } = await visitor(main);
    const page = await (await browser.fetch('/hub/home')).text();
    expect(page).toContain('/services/outside/');
    expect(page).not.toContain('/services/quiet/');
    const stranger = await main.signIn(await main.person());
    expect(await (await stranger.fetch('/hub/home')).text()).not.toContain('/services/outside/');
  });

  alone(
    ['8/where', '8/requests', '8/spawn', '8/gauges', '8/active', '8/proxy', '8/stop', '8/event-loop', '8/process'],
    async ({ main }) => {
      const one = await main.person();
      const browser = await main.signIn(one);
      await main.start(one);
      expect((await main.root('GET', `${main.server(one)}/progress`)).status).toBe(200);
      expect((await main.root('DELETE', main.server(one))).status).toBe(204);
      await browser.fetch('/hub/logout');
      const page = await main.send('GET', '/hub/metrics', { headers: { authorization: `token ${ROOT_TOKEN}` } });
      const { headers } = await main.root('GET', '/metrics');
      expect(headers['content-type']).toMatch(/^text\/plain; *version=(0\.0\.4|1\.0\.0)/);
      const text = page.text;
      for (const metric of [
        ...['jupyterhub_request_duration_seconds_count', 'jupyterhub_server_spawn_duration_seconds_count'],
        ...['jupyterhub_running_servers', 'jupyterhub_total_users', 'jupyterhub_check_routes_duration_seconds_count'],
        ...['jupyterhub_hub_startup_duration_seconds_count', 'jupyterhub_init_spawners_duration_seconds_count'],
        ...['jupyterhub_proxy_poll_duration_seconds_count'],
        ...['jupyterhub_proxy_add_duration_seconds_count', 'jupyterhub_proxy_delete_duration_seconds_count'],
        ...['jupyterhub_server_poll_duration_seconds_count', 'jupyterhub_server_stop_seconds_count'],
        ...['jupyterhub_event_loop_interval_seconds_count', 'process_resident_memory_bytes'],
      ]) {
        expect([metric, new RegExp(`^${metric}[ {]`, 'm').test(text)]).toEqual([metric, true]);
      }
      expect(text).toMatch(
        /request_duration_seconds_count\{[^}]*handler="jupyterhub\.apihandlers\.users\.SpawnProgressAPIHandler"/,
      );
      for (const label of ['method="GET"', 'code="200"']) expect(text).toContain(label);
      expect(text).toMatch(/server_spawn_duration_seconds_count\{[^}]*status="success"/);
      for (const le of ['0.5', '1', '2.5', '5', '10', '15', '30', '60', '120', '180', '300', '600']) {
        expect(text).toMatch(new RegExp(`server_spawn_duration_seconds_bucket\\{[^}]*le="${le}(\\.0)?"`));
      }
      for (const period of ['24h', '7d', '30d'])
        expect(text).toMatch(new RegExp(`active_users\\{period="${period}"\\}`));
      expect(text).toMatch(/proxy_add_duration_seconds_count\{status="success"\}/);
      expect(text).toMatch(/event_loop_interval_seconds_bucket\{[^}]*le="0\.05"/);
    },
  );

  alone('8/spawn-reason', async ({ main }) => {
    const one = await main.person('exit-');
    expect((await main.root('POST', main.server(one))).status).toBe(500);
    await eventually(
      () => metricsOf(main),
      (text) =>
        /server_spawn_duration_seconds_count\{[^}]*reason="(error|exited|timeout)"[^}]*status="(error|failure)"|status="(error|failure)"[^}]*reason="(error|exited|timeout)"/.test(
          text,
        ),
    );
  });

  row(['8/login', '8/logout'], async ({ main }) => {
    await (await main.signIn(await main.person())).fetch('/hub/logout');
    const text = await metricsOf(main);
    expect(text).toMatch(/^jupyterhub_login_duration_seconds_count\{status=/m);
    expect(text).toMatch(/^jupyterhub_logout_duration_seconds_count[ {]/m);
  });
});
