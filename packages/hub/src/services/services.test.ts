import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret, systemClock } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../../../tools/free-port.ts';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import type { HubConfigInput } from '../config/schema.ts';
import { startTestHub } from '../testing/index.ts';
import { type ShiftedClock, shiftedClock } from '../testing/shifted-clock.ts';

const SERVICE = fileURLToPath(new URL('../testing/small-service.mjs', import.meta.url));
const SOON = { timeout: 20_000, interval: 50 };
const LONG = 60_000;

type Services = NonNullable<HubConfigInput['services']>;

async function open(services: Services, options: { database?: string; dataDir?: string; clock?: ShiftedClock } = {}) {
  const world = new EchoWorld();
  const hub = await startTestHub({
    spawner: echoSpawner({ world }),
    authenticator: sharedPassword({ password: new Secret('x') }),
    config: { hubKey: new Secret('k'), services },
    ...(options.database !== undefined && { database: options.database }),
    ...(options.dataDir !== undefined && { dataDir: options.dataDir }),
    ...(options.clock && { clock: options.clock }),
  });
  const admin = await hub.api({ name: 'root', admin: true });
  return {
    hub,
    admin,
    as: (token: string) => callAs(`${hub.origin}/hub/api`, token),
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

function callAs(api: string, token: string) {
  return async (method: string, path: string) => {
    const reply = await fetch(`${api}${path}`, { method, headers: { authorization: `token ${token}` } });
    return {
      status: reply.status,
      body: reply.status === 200 ? ((await reply.json()) as Record<string, unknown>) : {},
    };
  };
}

const TOKEN = 'a-token-of-a-service';

/** The same story on both databases. */
const onEach = (name: string, story: (database: string | undefined) => Promise<void>) => {
  test(`${name} (SQLite)`, { timeout: LONG }, () => story(undefined));
  test.skipIf(!hasPostgres)(`${name} (PostgreSQL)`, { timeout: LONG }, async () => {
    await using database = await testDatabase();
    await story(database.url);
  });
};

describe('services of the configuration', () => {
  onEach(
    'have a row, a token, an OAuth client and a route, and lose all of them with their entry',
    async (database) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'atrium-services-'));
      using _ = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
      const where = { dataDir, ...(database !== undefined && { database }) };
      const wiki = {
        name: 'wiki',
        url: 'http://127.0.0.1:9',
        apiToken: new Secret(TOKEN),
        info: { about: 'pages' },
        allowedScopes: ['read:users!user'],
      };
      {
        await using world = await open([wiki], where);

        expect((await world.admin('GET', '/services/wiki')).body).toEqual({
          kind: 'service',
          name: 'wiki',
          admin: false,
          roles: [],
          url: 'http://127.0.0.1:9',
          prefix: '/services/wiki/',
          command: [],
          pid: null,
          info: { about: 'pages' },
          display: true,
        });
        expect(await world.as(TOKEN)('GET', '/user')).toMatchObject({
          status: 200,
          body: { kind: 'service', name: 'wiki', scopes: ['read:services:name!service=wiki'] },
        });
        expect(Object.keys((await world.admin('GET', '/proxy')).body as object)).toEqual(['/', '/services/wiki/']);
        const clients = await world.hub.ctx.db.selectFrom('oauth_clients').selectAll().execute();
        expect(clients).toMatchObject([
          {
            identifier: 'service-wiki',
            redirect_uri: '/services/wiki/oauth_callback',
            allowed_scopes: '["read:users!user"]',
          },
        ]);
      }
      // Another port and token: what was there before counts no more.
      {
        const changed = {
          ...wiki,
          url: 'http://[::1]:10',
          apiToken: new Secret(`${TOKEN}-2`),
          oauthClientId: 'service-w',
        };
        await using world = await open([changed], where);

        expect((await world.as(TOKEN)('GET', '/user')).status).toBe(403);
        expect((await world.as(`${TOKEN}-2`)('GET', '/user')).status).toBe(200);
        expect((await world.admin('GET', '/proxy')).body).toMatchObject({
          '/services/wiki/': { target: 'http://[::1]:10', data: { service: 'wiki' } },
        });
        const clients = await world.hub.ctx.db.selectFrom('oauth_clients').select('identifier').execute();
        expect(clients).toEqual([{ identifier: 'service-w' }]);
      }
      await using world = await open([], where);

      expect((await world.admin('GET', '/services')).body).toEqual({});
      expect((await world.as(`${TOKEN}-2`)('GET', '/user')).status).toBe(403);
      expect(Object.keys((await world.admin('GET', '/proxy')).body as object)).toEqual(['/']);
      for (const table of ['oauth_clients', 'services'] as const) {
        expect(await world.hub.ctx.db.selectFrom(table).selectAll().execute()).toEqual([]);
      }
      expect(
        await world.hub.ctx.db.selectFrom('api_tokens').select('id').where('service_id', 'is not', null).execute(),
      ).toEqual([]);
    },
  );

  test.each([
    [[{ name: 'a/b' }], 'services.0.name: A service needs a name'],
    [[{ name: '..' }], 'services.0.name: A service needs a name'],
    [[{ name: 'x' }, { name: 'x' }], 'There are two services named x'],
    [[{ name: 'x', apiToken: new Secret('short') }], 'A token has 8 to 64 characters'],
    [[{ name: 'x', url: 'https://127.0.0.1:1' }], 'the proxy speaks no https'],
    [[{ name: 'x', oauthClientId: 'x' }], 'Begin with service-'],
    [[{ name: 'x', oauthRedirectUri: '/x' }], 'apiToken: Needed'],
    [[{ name: 'x', cwd: '/' }], 'Only for a service with a command'],
    [[{ name: 'x', allowedScopes: ['read:nothing'] }], 'There is no such scope'],
  ] as [Services, string][])('%j is refused: %s', async (services, problem) => {
    await expect(open(services)).rejects.toThrow(problem);
  });

  test('a token that is somebody’s already stops the hub, in words', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'atrium-services-'));
    using _ = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
    {
      await using world = await open([], { dataDir });
      const body = { api_token: TOKEN };
      expect((await world.admin('POST', '/services/mine', body)).status).toBe(201);
    }

    await expect(open([{ name: 'other', apiToken: new Secret(TOKEN) }], { dataDir })).rejects.toThrow(
      'The token of the service other is somebody else',
    );
  });
});

describe('services that the hub runs', () => {
  onEach('get their environment, are started again when they end, and end with what runs them', async (database) => {
    const port = await freePort();
    const services: Services = [
      {
        name: 'small',
        url: `http://127.0.0.1:${port}`,
        command: [process.execPath, SERVICE],
        environment: { COLOUR: 'blue', HIDDEN: new Secret('s3cret') },
      },
    ];
    let first: number;
    const page = async () => {
      const reply = await fetch(`http://127.0.0.1:${port}/services/small/env`).catch(() => undefined);
      return reply && ((await reply.json()) as { pid: number; env: Record<string, string> });
    };
    {
      await using world = await open(services, { ...(database !== undefined && { database }) });
      await expect.poll(async () => (await page())?.pid, SOON).toBeGreaterThan(0);
      const { pid, env } = (await page())!;
      first = pid;

      expect(env).toMatchObject({
        COLOUR: 'blue',
        HIDDEN: 's3cret',
        JUPYTERHUB_SERVICE_NAME: 'small',
        JUPYTERHUB_SERVICE_PREFIX: '/services/small/',
        JUPYTERHUB_SERVICE_URL: `http://127.0.0.1:${port}`,
        JUPYTERHUB_CLIENT_ID: 'service-small',
        JUPYTERHUB_API_URL: world.hub.ctx.apiUrl,
        JUPYTERHUB_BASE_URL: '/',
        JUPYTERHUB_USER: '',
        JUPYTERHUB_OAUTH_CALLBACK_URL: '/services/small/oauth_callback',
        JUPYTERHUB_OAUTH_ACCESS_SCOPES: '["access:services","access:services!service=small"]',
        PATH: process.env.PATH,
      });
      expect(env).not.toHaveProperty('JUPYTERHUB_ACTIVITY_URL');
      expect(env).not.toHaveProperty('JUPYTERHUB_SERVER_NAME');
      expect(env.JUPYTERHUB_API_TOKEN).toMatch(/^[0-9a-f]{32}$/);
      expect((await world.as(env.JUPYTERHUB_API_TOKEN ?? '')('GET', '/user')).body).toMatchObject({ name: 'small' });
      await expect
        .poll(async () => ((await world.admin('GET', '/services/small')).body as { pid: number }).pid, SOON)
        .toBe(pid);
      const row = () => world.hub.ctx.db.selectFrom('services').select('problem').executeTakeFirst();
      await expect.poll(row, SOON).toEqual({ problem: null });

      process.kill(pid, 'SIGKILL');

      await expect.poll(async () => (await page())?.pid ?? pid, SOON).not.toBe(pid);
      first = (await page())!.pid;
    }
    expect(() => process.kill(first, 0)).toThrow();
    expect(await page()).toBeUndefined();
  });

  test('one whose runner was killed is ended before the next one begins', { timeout: LONG }, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'atrium-services-'));
    using _ = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
    const pids = join(dataDir, 'pids');
    writeFileSync(pids, '');
    const service = { name: 'job', command: [process.execPath, SERVICE], environment: { PIDS: pids } };
    const { createServiceRunner, ownAccount } = await import('./runner/index.ts');
    const order = (env = {}) => ({
      hubId: `hub-${process.pid}`,
      services: [{ name: 'job', command: service.command, environment: { PIDS: pids, ...env } }],
      leaseMs: null,
    });
    const seen = () => readFileSync(pids, 'utf8').trim().split('\n').filter(Boolean).map(Number);
    const alive = () => seen().filter(isAlive);
    // The one that will not get to end it: as if its process had been killed.
    const lost = createServiceRunner({ cwd: dataDir, environment: process.env, accountOf: ownAccount });
    lost.settle(order());
    await expect.poll(seen, SOON).toHaveLength(1);

    await using next = createServiceRunner({ cwd: dataDir, environment: process.env, accountOf: ownAccount });
    next.settle(order());

    await expect.poll(() => seen().length, SOON).toBeGreaterThan(1);
    expect(isAlive(seen()[0]!)).toBe(false);
    await lost[Symbol.asyncDispose]();
    expect(alive().length).toBeLessThanOrEqual(1);
  });

  test('the same order changes nothing, another one begins anew, an expired lease ends it', {
    timeout: LONG,
  }, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'atrium-services-'));
    using _ = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
    const pids = join(dataDir, 'pids');
    writeFileSync(pids, '');
    const { createServiceRunner, ownAccount } = await import('./runner/index.ts');
    const environment = { PIDS: pids };
    const order = (leaseMs: number | null, more = {}) => ({
      hubId: `hub-b-${process.pid}`,
      services: [{ name: 'job', command: [process.execPath, SERVICE], environment: { ...environment, ...more } }],
      leaseMs,
    });
    const seen = () => readFileSync(pids, 'utf8').trim().split('\n').filter(Boolean).map(Number);
    await using runner = createServiceRunner({ cwd: dataDir, environment: process.env, accountOf: ownAccount });

    runner.settle(order(null));
    await expect.poll(seen, SOON).toHaveLength(1);
    runner.settle(order(null));
    runner.settle(order(null, { CHANGED: '1' }));
    await expect.poll(seen, SOON).toHaveLength(2);
    expect(seen().map(isAlive)).toEqual([false, true]);

    runner.settle(order(300, { CHANGED: '1' }));
    expect(seen()).toHaveLength(2);
    await expect.poll(() => seen().map(isAlive), SOON).toEqual([false, false]);
    await systemClock.sleep(700);
    expect(seen()).toHaveLength(2);
  });
});

test.skipIf(!hasPostgres)(
  'of two hubs on one database one runs the services; the other one does when that is gone',
  { timeout: LONG },
  async () => {
    await using database = await testDatabase();
    const dir = mkdtempSync(join(tmpdir(), 'atrium-services-'));
    using _ = { [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
    const pids = join(dir, 'pids');
    writeFileSync(pids, '');
    const seen = () => readFileSync(pids, 'utf8').trim().split('\n').filter(Boolean).map(Number);
    const service = { name: 'job', command: [process.execPath, SERVICE], environment: { PIDS: pids } };
    const clock = shiftedClock(Date.now());
    await using one = await open([service], { database: database.url, clock });
    await expect.poll(seen, SOON).toHaveLength(1);
    await using two = await open([service], { database: database.url, clock });
    await systemClock.sleep(2_000);
    expect(seen()).toHaveLength(1);
    expect((await two.admin('GET', '/services/job')).body).toMatchObject({ pid: seen()[0] });

    await one.hub[Symbol.asyncDispose]();
    clock.move(60_000);

    await expect.poll(seen, SOON).toHaveLength(2);
    expect(seen().map(isAlive)).toEqual([false, true]);
  },
);

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

describe('services by the API', () => {
  onEach('are added and removed while the hub runs', async (database) => {
    await using world = await open([{ name: 'fixed' }], { ...(database !== undefined && { database }) });
    const { admin } = world;
    const body = { url: 'http://127.0.0.1:9', api_token: TOKEN, info: { a: 1 }, oauth_no_confirm: true };

    const made = await admin('POST', '/services/late', body);

    expect(made).toMatchObject({
      status: 201,
      body: { kind: 'service', name: 'late', prefix: '/services/late/', info: { a: 1 } },
    });
    expect((await world.as(TOKEN)('GET', '/user')).body).toMatchObject({ kind: 'service', name: 'late' });
    expect(Object.keys((await admin('GET', '/services')).body as object)).toEqual(['fixed', 'late']);
    expect((await admin('POST', '/services/late', body)).status).toBe(409);
    expect((await admin('POST', '/services/fixed', {})).status).toBe(409);
    expect(await admin('DELETE', '/services/fixed')).toMatchObject({
      status: 405,
      body: { message: 'Service fixed is not modifiable at runtime' },
    });
    expect((await admin('DELETE', '/services/none')).status).toBe(404);
    expect(await admin('DELETE', '/services/late')).toMatchObject({ status: 200, body: '' });
    expect((await admin('GET', '/services/late')).status).toBe(404);
    expect((await world.as(TOKEN)('GET', '/user')).status).toBe(403);
    expect(Object.keys((await admin('GET', '/proxy')).body as object)).toEqual(['/']);
  });

  test.each([
    ['x%20y', { display: true }, 'Failed to create service x y'],
    ['x', { command: ['sleep', '1'] }, 'Can not create managed service x at runtime'],
    ['x', { api_token: 'y'.repeat(65) }, 'Failed to create service x'],
    ['x', { oauth_client_id: 'x', api_token: TOKEN, url: 'http://127.0.0.1:9' }, 'must begin with service-'],
    ['x', { oauth_client_id: 'service-taken', api_token: TOKEN, url: 'http://127.0.0.1:9' }, 'is somebody else'],
    ['x', { oauth_client_allowed_scopes: ['no:such'] }, 'Scope no:such does not exist'],
    ['x', { url: 'ftp://a' }, 'Failed to create service x'],
    ['x', { url: 'http+unix://%2Frun%zz' }, 'Failed to create service x'],
    ['x', { url: 'http://127.0.0.1:9/\0' }, 'Failed to create service x'],
    ['x', { oauth_redirect_uri: '/a\0', api_token: TOKEN }, 'oauth_redirect_uri must be'],
    ['x', { oauth_client_id: 'service-\0', api_token: TOKEN, url: 'http://127.0.0.1:9' }, 'must begin with service-'],
    ['x', { nonsense: 1 }, 'Invalid JSON keys: nonsense'],
    ['x', undefined, 'expected object'],
    ['x', {}, 'Invalid service data'],
  ])('%s with %j is refused: %s', async (name, body, problem) => {
    await using world = await open([
      { name: 'taken', url: 'http://127.0.0.1:9', apiToken: new Secret('another-token') },
    ]);

    const reply = await world.admin('POST', `/services/${name}`, body);

    expect(reply.status).toBe(400);
    expect((reply.body as { message: string }).message).toContain(problem);
    expect((await world.admin('GET', '/services/x')).status).toBe(404);
  });

  test('nobody hands out more than they hold', async () => {
    await using world = await open([]);
    const clerk = await world.hub.api({ name: 'root', admin: true }, ['admin:services']);

    for (const body of [{ admin: true }, { oauth_roles: ['admin:users'] }]) {
      expect((await clerk('POST', '/services/x', body)).status).toBe(400);
    }
    for (const scope of ['inherit', 'self', 'servers!user', 'admin']) {
      expect((await clerk('POST', '/services/x', { oauth_client_allowed_scopes: [scope] })).status, scope).toBe(400);
    }
    expect((await clerk('POST', '/services/x', { oauth_client_allowed_scopes: ['list:services'] })).status).toBe(201);
    expect(
      (await world.admin('POST', '/services/z', { oauth_client_allowed_scopes: ['inherit', 'self'] })).status,
    ).toBe(201);
    const ada = await world.hub.api({ name: 'ada' });
    expect((await ada('GET', '/services')).status).toBe(403);
    expect((await ada('POST', '/services/y', {})).status).toBe(403);
  });
});

describe('the hub’s own calls', () => {
  test('the proxy is asked to look again, whatever address it is said to have', async () => {
    await using world = await open([]);

    expect(await world.admin('POST', '/proxy')).toMatchObject({ status: 200, body: '' });
    expect((await world.admin('PATCH', '/proxy', { api_url: 'http://127.0.0.1:1' })).status).toBe(200);
    expect((await world.admin('PATCH', '/proxy', ['no'])).status).toBe(400);
    const ada = await world.hub.api({ name: 'ada' });
    for (const method of ['GET', 'POST', 'PATCH'])
      expect((await ada(method, '/proxy', method === 'PATCH' ? {} : undefined)).status).toBe(403);
  });

  test('routes of servers name their person, and pages of them are dictionaries', async () => {
    await using world = await open([{ name: 'wiki', url: 'http://127.0.0.1:9' }]);
    const ada = await world.hub.api({ name: 'ada' });
    expect([201, 202]).toContain((await ada('POST', '/users/ada/servers/two', {})).status);
    const routes = async () => (await world.admin('GET', '/proxy')).body as Record<string, { data: object }>;
    await expect.poll(async () => Object.keys(await routes()), SOON).toContain('/user/ada/two/');

    expect((await routes())['/user/ada/two/']?.data).toEqual({ user: 'ada', server_name: 'two' });
    const { body } = await world.admin('GET', '/proxy?offset=1&limit=1');
    expect(Object.keys(body as object)).toEqual(['/services/wiki/']);
  });

  test('a hub that nothing runs cannot be shut down; its body is read first', async () => {
    await using world = await open([]);

    expect((await world.admin('POST', '/shutdown', { servers: 1 })).status).toBe(400);
    const ada = await world.hub.api({ name: 'ada' });
    expect((await ada('POST', '/shutdown', {})).status).toBe(403);
  });
});
