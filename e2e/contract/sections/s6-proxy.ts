import { expect } from 'vitest';
import { eventually, send } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { startHeld } from './s3-servers.ts';
import { overWebsocket } from './s6-s7.ts';

/** A call of the proxy's own API. @throws Error where it has none */
function routesOf({ proxyApi }: Hub) {
  if (!proxyApi) throw new Error('It has none');
  const headers = { authorization: `token ${proxyApi.token}` };
  return (method: string, path = '', body?: unknown) =>
    send(proxyApi.url, method, `/api/routes${path}`, { body, headers });
}

type Routes = Record<string, { routespec: string; data: Record<string, unknown> }>;
const routeTable = async (hub: Hub): Promise<Routes> => (await hub.root('GET', '/proxy?limit=200')).json();

async function withActivity(hub: Hub, user: string): Promise<number> {
  return Date.parse((await hub.root('GET', `/users/${user}`)).json().servers[''].last_activity);
}

export const proxy = section('the proxy', (row, alone) => {
  row('6.1/inactive', async ({ main }) => {
    const ask = routesOf(main);
    const one = await main.person();
    await main.start(one);
    await main.send('GET', `/user/${one}/x`);
    const key = `/user/${one}`;
    for (const parameter of ['inactive_since', 'inactiveSince']) {
      const since = async (at: number) =>
        (await ask('GET', `?${parameter}=${new Date(at).toISOString()}`)).json() as Record<string, unknown>;
      expect(await since(Date.now() + 60_000)).toHaveProperty([key]);
      expect(await since(Date.now() - 600_000)).not.toHaveProperty([key]);
    }
  });

  row('6.2/metrics', async ({ main }) => {
    const { metrics } = main.proxy;
    if (metrics === undefined) throw new Error('It has none of its own');
    await main.send('GET', '/hub/health');
    const { text } = await send(metrics, 'GET', '/metrics');
    for (const name of ['api_route_get', 'api_route_add', 'api_route_delete', 'requests_ws', 'requests_web']) {
      expect([name, new RegExp(`^${name}(_total)? `, 'm').test(text)]).toEqual([name, true]);
    }
    expect(text).toMatch(/^requests_proxy\{status="200"\} /m);
    expect(text).toMatch(/^requests_api\{status="201"\} /m);
    for (const name of ['find_target_for_req', 'last_activity_updating']) expect(text).toContain(`${name}_count `);
  });

  row('6.2/websocket-gone', async ({ main }) => {
    const name = main.fresh('gone');
    const body = { url: 'http://127.0.0.1:9', api_token: `the-secret-of-${name}` };
    expect((await main.root('POST', `/services/${name}`, body)).status).toBe(201);
    const got = await eventually(
      () => overWebsocket(main, `/services/${name}/socket`, 'nobody hears this'),
      (text) => text.startsWith('HTTP/1.1 503'),
    );
    expect(got.split('\r\n\r\n')[1] ?? '').toBe('');
    expect(got).not.toContain('<');
    await main.root('DELETE', `/services/${name}`);
  });

  alone('6.2/no-activity', async ({ main }) => {
    const [quiet, busy] = await Promise.all([main.person(), main.person()]);
    await Promise.all([main.start(quiet), main.start(busy)]);
    // Once the use of one server is known, whatever the proxy saw before is known, too.
    const allKnown = async () => {
      const since = await withActivity(main, busy);
      await eventually(
        async () => {
          await main.send('GET', `/user/${busy}/work`);
          await main.root('POST', '/proxy');
          return withActivity(main, busy);
        },
        (now) => now > since,
      );
    };
    await allKnown();
    const before = await withActivity(main, quiet);
    for (const status of [302, 404, 500]) {
      expect((await main.send('GET', `/user/${quiet}/answer?status=${status}`)).status).toBe(status);
    }
    await allKnown();
    expect(await withActivity(main, quiet)).toBe(before);
  });

  alone('6.3/check', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    await main.start(one, 'two');
    const { user: held, end } = await startHeld(main);
    const paths = (routes: Routes) => Object.keys(routes).sort();
    const before = paths(await routeTable(main));
    expect(before).toEqual(expect.arrayContaining(['/', '/services/helper/', `/user/${one}/`, `/user/${one}/two/`]));
    expect((await main.root('POST', '/proxy')).status).toBe(200);
    expect(paths(await routeTable(main))).toEqual(before);
    expect((await main.send('GET', `/user/${one}/env`)).status).toBe(200);
    expect((await main.send('GET', '/services/helper/env')).status).toBe(200);
    expect((await main.root('GET', `/users/${held}`)).json().pending).toBe('spawn');
    await end();
  });

  alone('6.3/repair', async ({ main }) => {
    const ask = routesOf(main);
    const one = await main.person();
    await main.start(one);
    expect((await ask('DELETE', `/user/${one}`)).status).toBe(204);
    const [stray, foreign] = [`/user/${main.fresh('nobody')}`, `/${main.fresh('foreign')}`];
    const target = main.gate.url;
    await ask('POST', stray, { target, jupyterhub: true, user: 'nobody', server_name: '' });
    await ask('POST', foreign, { target });
    expect((await main.root('POST', '/proxy')).status).toBe(200);
    expect((await ask('GET', `/user/${one}`)).json()).toMatchObject({ jupyterhub: true, user: one, server_name: '' });
    expect((await ask('GET', stray)).status).toBe(404);
    expect((await ask('GET', foreign)).status).toBe(200);
    expect((await ask('DELETE', foreign)).status).toBe(204);
  });

  alone('6.3/proxy-again', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const before = main.proxy.pid();
    process.kill(before, 'SIGKILL');
    const answers = (path: string) =>
      main.send('GET', path).then(
        ({ status }) => status,
        () => 0,
      );
    for (const path of [`/user/${one}/env`, '/services/helper/env']) {
      await eventually(
        () => answers(path),
        (status) => status === 200,
      );
    }
    // Where there are several, the others answer before its place is taken.
    await eventually(
      async () => main.proxy.pid(),
      (pid) => pid !== before,
    );
  });
});
