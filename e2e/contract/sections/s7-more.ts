import { expect } from 'vitest';
import { freePort } from '../../../tools/free-port.ts';
import { eventually } from '../client.ts';
import { authorizeUrl, codeFor, exchange, sentTo, visitor } from '../oauth.ts';
import { section } from '../suite.ts';
import { MAIN, type Variant } from '../variants.ts';
import { AWAY_REDIRECT, AWAY_TOKEN, HELPER_DIR, PASSWORD } from '../world.ts';

const away = { client_id: 'service-far', client_secret: AWAY_TOKEN, redirect_uri: AWAY_REDIRECT };

/** The first hub with one service, by JupyterHub's names and by ours. */
const serving = (theirs: object, ours: object): Variant => ({
  ...MAIN,
  jupyterhub: () => ({ JupyterHub: { load_roles: [], services: [theirs] } }),
  atrium: () => ({ roles: [], services: [ours] }),
});

export const moreServices = section('services, more', (row, alone) => {
  row('7/cwd', async ({ main }) => {
    const look = () => main.send('GET', '/services/helper/pid');
    expect((await eventually(look, ({ status }) => status === 200)).json().cwd).toBe(HELPER_DIR);
  });

  alone('7/managed', async ({ main }) => {
    const pid = async () =>
      main.send('GET', '/services/helper/pid').then(
        (answer) => (answer.status === 200 ? (answer.json() as { pid: number }).pid : undefined),
        () => undefined,
      );
    const before = await eventually(pid, (seen) => seen !== undefined);
    await main.send('GET', '/services/helper/end').catch(() => undefined);
    const after = await eventually(pid, (seen) => seen !== undefined && seen !== before);
    expect(after).not.toBe(before);
  });

  row('7/up-first', async ({ refusal }) => {
    const service = { name: 'dies', url: `http://127.0.0.1:${await freePort()}` };
    const command = [process.execPath, '-e', 'process.exit(3)'];
    expect(await refusal(serving({ ...service, command }, { ...service, command }))).toContain('dies');
  });

  row('7/timeout', async ({ refusal }) => {
    const service = { name: 'silent', url: `http://127.0.0.1:${await freePort()}` };
    const command = [process.execPath, '-e', 'setInterval(() => {}, 1000)'];
    const silent = serving({ ...service, command, timeout: 1 }, { ...service, command, timeout: '1s' });
    expect(await refusal(silent)).toContain('silent');
  });

  row('7/client-prefix', async ({ refusal }) => {
    const service = { name: 'odd', url: 'http://127.0.0.1:9', command: [process.execPath, '-e', ''] };
    const wrong = serving({ ...service, oauth_client_id: 'odd-client' }, { ...service, oauthClientId: 'odd-client' });
    expect(await refusal(wrong)).toMatch(/service-/);
  });

  row(['7/client-given', '7/no-confirm'], async ({ main }) => {
    const { name, browser } = await visitor(main);
    // Not asked: the first request comes back with a code.
    const code = await codeFor(main, browser, away);
    const reply = await exchange(main, away, code);
    expect(reply.status).toBe(200);
    expect((await main.as(reply.json().access_token)('GET', '/user')).json()).toMatchObject({ name });
    const usual = { redirect_uri: '/services/away/oauth_callback' };
    expect((await browser.fetch(authorizeUrl(main, away, usual))).status).toBe(400);
    const asked = sentTo(await browser.fetch(authorizeUrl(main, away)));
    expect(asked.query).toMatchObject({ state: 'the-state' });
  });

  row('7/name', async ({ main }) => {
    for (const name of ['%20edge', 'edge%20', '..', '%2e%2e', 'a%2Fb']) {
      const { status } = await main.root('POST', `/services/${name}`, { api_token: 'long-enough-a-token' });
      expect([name, status >= 400 && status < 500]).toEqual([name, true]);
    }
    const good = main.fresh('name_of.a-1');
    expect((await main.root('POST', `/services/${good}`, { api_token: `the-token-of-${good}` })).status).toBe(201);
    expect((await main.root('DELETE', `/services/${good}`)).status).toBe(200);
  });

  row('7/run-time', async ({ main }) => {
    const name = main.fresh('run');
    const path = `/services/${name}`;
    const body = { url: main.gate.url, api_token: `the-secret-of-${name}`, display: false, info: { a: 1 } };
    expect((await main.root('POST', path, body)).status).toBe(201);
    const answers = () => main.send('GET', `${path}/x`);
    expect((await eventually(answers, ({ status }) => status === 200)).text).toBe('{}');
    const seen = (await main.root('GET', path)).json();
    expect(seen).toMatchObject({ name, url: expect.stringContaining('127.0.0.1'), display: false, info: { a: 1 } });
    expect((await main.as(body.api_token)('GET', '/user')).json()).toMatchObject({ kind: 'service', name });
    expect((await main.root('POST', path, body)).status).toBe(409);
    expect((await main.root('DELETE', path)).status).toBe(200);
    await eventually(answers, ({ status }) => status !== 200);
    expect((await main.as(body.api_token)('GET', '/user')).status).toBe(403);
    const run = { ...body, command: ['true'] };
    expect((await main.root('POST', `/services/${main.fresh('run')}`, run)).status).toBe(400);
  });

  row('8/login-failed', async ({ main }) => {
    const { status } = await main
      .browser()
      .submit('/hub/login', { username: await main.person(), password: `no ${PASSWORD}` });
    expect(status).toBe(403);
    expect((await main.root('GET', '/metrics')).text).toMatch(
      /^jupyterhub_login_duration_seconds_count\{status="(LoginStatus\.)?failure"\} [1-9]/m,
    );
  });

  row('8/start-up', async ({ main }) => {
    // With all values of its labels.
    const value = async (name: string) => {
      const { text } = await main.root('GET', '/metrics');
      const lines = text.matchAll(new RegExp(`^jupyterhub_${name}_count(?:\\{[^}]*\\})? (\\S+)$`, 'gm'));
      return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    for (const name of ['hub_startup', 'init_spawners', 'proxy_poll', 'check_routes']) {
      expect([name, (await value(`${name}_duration_seconds`)) >= 1]).toEqual([name, true]);
    }
    const one = await main.person();
    await main.start(one);
    expect((await main.root('POST', main.server(one))).status).toBe(400);
    await eventually(
      () => value('server_poll_duration_seconds'),
      (count) => count >= 1,
    );
  });
});
