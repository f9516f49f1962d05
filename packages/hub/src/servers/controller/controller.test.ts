import { mkdtempSync, rmSync } from 'node:fs';
import { sharedPassword } from '@atrium/auth-shared-password';
import { type ConfiguredSpawner, Secret } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { sql } from 'kysely';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../../tools/test-postgres.ts';
import { loadConfig } from '../../config/load.ts';
import type { HubConfigInput } from '../../config/schema.ts';
import type { AppContext } from '../../context.ts';
import { openContext } from '../../open-context.ts';
import { readRoutes } from '../../routes/routes.repo.ts';
import { createUser, findUser } from '../../users/users.service.ts';
import {
  findServerById,
  isReady,
  readEvents,
  requestStart,
  requestStop,
  type Server,
  serverLog,
  waitForServer,
} from '../servers.service.ts';
import { createController } from './controller.ts';

const WAIT = 10_000;

interface Setup {
  config?: Partial<HubConfigInput>;
  spawner?: ConfiguredSpawner;
  dir?: string;
  /** False: the rows change, nobody acts. */
  acting?: boolean;
}

/** A hub without its HTTP side: database, spawner, controller. `kill` leaves everything as `kill -9` would. */
async function open({ config = {}, spawner = echoSpawner(), dir, acting = true }: Setup = {}) {
  const dataDir = dir ?? mkdtempSync('/tmp/atrium-ctl-');
  const loaded = loadConfig({
    file: config,
    defaults: { spawner, authenticator: sharedPassword({ password: new Secret('x') }) },
  });
  const log = pino({ level: process.env.ATRIUM_TEST_LOG ?? 'silent' });
  const ctx = await openContext({ loaded, dataDir, runDir: dataDir, apiUrl: 'http://127.0.0.1:1/hub/api', log });
  const controller = createController(ctx);
  if (acting) controller.start();
  const close = async () => {
    await controller[Symbol.asyncDispose]();
    await ctx[Symbol.asyncDispose]();
  };
  return {
    ctx,
    dataDir,
    close,
    async [Symbol.asyncDispose]() {
      await close();
      if (dir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function user(ctx: AppContext, name: string) {
  const made = await createUser(ctx.db, { name, allowedBy: 'administrator', now: ctx.clock.now() });
  const found = made ?? (await findUser(ctx.db, name));
  if (!found) throw new Error(name);
  return found;
}

const until = (ctx: AppContext, server: Server, condition: (server: Server) => boolean) =>
  waitForServer(ctx, server.id, condition, WAIT);
const story = async (ctx: AppContext, { id, generation }: Server) =>
  (await readEvents(ctx.db, id, generation, 0)).map((event) => event.kind);
const rowsOf = async (ctx: AppContext, table: 'api_tokens' | 'oauth_clients') =>
  (await ctx.db.selectFrom(table).selectAll().execute()).length;

test('a start becomes ready with a route, a token and a client; a stop takes all of it away again', async () => {
  await using hub = await open();
  const { ctx } = hub;

  const asked = await requestStart(ctx, await user(ctx, 'ada'), '', { by: 'ada' });
  const ready = await until(ctx, asked, isReady);

  expect(ready).toMatchObject({ phase: 'ready', generation: 1, failure: null });
  expect(await story(ctx, ready)).toEqual(['progress', 'ready']);
  expect(await readRoutes(ctx.db)).toMatchObject([{ path: '/user/ada', serverId: ready.id }]);
  expect([await rowsOf(ctx, 'api_tokens'), await rowsOf(ctx, 'oauth_clients')]).toEqual([1, 1]);

  await requestStop(ctx, ready, { code: 'user', by: 'ada' });
  const stopped = await until(ctx, ready, (server) => server.phase === 'stopped');

  expect(stopped).toMatchObject({ address: null, stopReason: { code: 'user', by: 'ada' } });
  expect(await readRoutes(ctx.db)).toEqual([]);
  expect([await rowsOf(ctx, 'api_tokens'), await rowsOf(ctx, 'oauth_clients')]).toEqual([0, 0]);
});

test('ada’s server "b" and the server of a person named "ada-b" are two clients', async () => {
  await using hub = await open();
  const { ctx } = hub;
  const theirs = await requestStart(ctx, await user(ctx, 'ada-b'), '', { by: 'ada-b' });
  await until(ctx, theirs, isReady);

  const named = await requestStart(ctx, await user(ctx, 'ada'), 'b', { by: 'ada' });
  await until(ctx, named, isReady);
  const clients = await ctx.db.selectFrom('oauth_clients').select(['identifier', 'server_id']).execute();

  expect(clients).toContainEqual({ identifier: 'jupyterhub-user-ada%2Db', server_id: theirs.id });
  expect(clients).toContainEqual({ identifier: 'jupyterhub-user-ada-b', server_id: named.id });
});

test('a start that fails says why, leaves nothing behind, and can be tried again', async () => {
  await using hub = await open({ spawner: echoSpawner({ failFor: ['ada'] }) });
  const { ctx } = hub;
  const ada = await user(ctx, 'ada');

  for (const generation of [1, 2]) {
    const asked = await requestStart(ctx, ada, '', { by: 'ada' });
    const failed = await until(ctx, asked, (server) => server.phase === 'stopped');

    expect(failed.failure).toMatchObject({ code: 'echo_failed', class: 'config' });
    expect([failed.generation, failed.failures]).toEqual([generation, generation]);
    expect(await story(ctx, failed)).toEqual(['progress', 'failed']);
    expect(await rowsOf(ctx, 'api_tokens')).toBe(0);
    expect(await serverLog(ctx, failed, 10)).toEqual([]);
  }
});

test('a start can be cancelled in the queue and while it starts', async () => {
  await using hub = await open({ spawner: echoSpawner({ startMs: 60_000 }), config: { start: { concurrency: 1 } } });
  const { ctx } = hub;
  const first = await requestStart(ctx, await user(ctx, 'ada'), '', { by: 'ada' });
  await until(ctx, first, (server) => server.phase === 'starting');
  const second = await requestStart(ctx, await user(ctx, 'bob'), '', { by: 'bob' });

  await requestStop(ctx, second, { code: 'user', by: 'bob' });
  expect((await until(ctx, second, (server) => server.phase === 'stopped')).phase).toBe('stopped');
  await requestStop(ctx, first, { code: 'user', by: 'ada' });
  const cancelled = await until(ctx, first, (server) => server.phase === 'stopped');

  expect(cancelled.failure).toBeNull();
  expect(await story(ctx, cancelled)).toContain('cancelled');
  expect(await story(ctx, second)).toEqual(['progress', 'cancelled']);
});

test('a start asked for while the server stops queues behind the stop, as a new generation', async () => {
  const world = new EchoWorld();
  await using hub = await open({ spawner: echoSpawner({ world }) });
  const { ctx } = hub;
  const ada = await user(ctx, 'ada');
  const ready = await until(ctx, await requestStart(ctx, ada, '', { by: 'ada' }), isReady);
  const stop = vi.spyOn(ctx.spawner, 'stop');
  let letGo = () => {};
  stop.mockImplementationOnce(async () => {
    await new Promise<void>((resolve) => {
      letGo = resolve;
    });
    return { phase: 'stopping' };
  });

  await requestStop(ctx, ready, { code: 'user' });
  await until(ctx, ready, (server) => server.phase === 'stopping');
  await expect.poll(() => stop.mock.calls.length, { timeout: WAIT }).toBeGreaterThan(0);
  await expect(requestStart(ctx, ada, '', { by: 'ada' })).rejects.toThrow('ada: is pending stop');
  await requestStart(ctx, ada, '', { by: 'ada', behindStop: true });
  letGo();

  expect(await until(ctx, ready, (server) => isReady(server) && server.generation === 2)).toMatchObject({
    generation: 2,
  });
  expect(world.all(ctx.hubId)).toEqual([{ server: ready.id, generation: 2 }]);
  await expect(requestStart(ctx, ada, '', { by: 'ada' })).rejects.toThrow('ada is already running');
});

test('what a dead hub left half done is finished by the next one, with the same token', async () => {
  const world = new EchoWorld();
  const dir = mkdtempSync('/tmp/atrium-ctl-');
  const first = await open({ dir, spawner: echoSpawner({ world, startMs: 600_000 }) });
  const starting = await requestStart(first.ctx, await user(first.ctx, 'ada'), '', { by: 'ada' });
  await until(first.ctx, starting, (server) => server.phase === 'starting');
  await expect.poll(() => world.all(first.ctx.hubId).length, { timeout: WAIT }).toBe(1);
  const token = first.ctx.keys.serverToken(starting.id, 1, 0).reveal();
  await first.close();

  const second = await open({ dir, spawner: echoSpawner({ world }) });
  try {
    const ready = await until(second.ctx, starting, isReady);

    expect(ready.generation).toBe(1);
    expect(second.ctx.keys.serverToken(ready.id, 1, 0).reveal()).toBe(token);
    expect(world.all(second.ctx.hubId)).toHaveLength(1);
  } finally {
    await second.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('a server that went by itself is noticed at boot, with its reason, and can be started again', async () => {
  const world = new EchoWorld();
  const dir = mkdtempSync('/tmp/atrium-ctl-');
  const first = await open({ dir, spawner: echoSpawner({ world }) });
  const ada = await user(first.ctx, 'ada');
  const ready = await until(first.ctx, await requestStart(first.ctx, ada, '', { by: 'ada' }), isReady);
  await first.close();
  world.stop(first.ctx.hubId, { server: ready.id, generation: 1 });

  const second = await open({ dir, spawner: echoSpawner({ world }) });
  try {
    const gone = await until(second.ctx, ready, (server) => server.phase === 'stopped');
    expect(gone.stopReason?.code).toBe('lost');
    expect(await readRoutes(second.ctx.db)).toEqual([]);

    const again = await requestStart(second.ctx, ada, '', { by: 'ada' });
    expect((await until(second.ctx, again, isReady)).generation).toBe(2);
  } finally {
    await second.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('a server that cannot be looked at keeps none of the others from being looked after', async () => {
  const world = new EchoWorld();
  const dir = mkdtempSync('/tmp/atrium-ctl-');
  const first = await open({ dir, spawner: echoSpawner({ world }) });
  const servers: Server[] = [];
  for (const name of ['ada', 'bob']) {
    const asked = await requestStart(first.ctx, await user(first.ctx, name), '', { by: name });
    servers.push(await until(first.ctx, asked, isReady));
  }
  await first.close();
  for (const { id } of servers) world.stop(first.ctx.hubId, { server: id, generation: 1 });
  const [broken, lost] = servers.toSorted((a, b) => (a.id < b.id ? -1 : 1)) as [Server, Server];

  const second = await open({ dir, spawner: echoSpawner({ world }), acting: false });
  try {
    const observe = second.ctx.spawner.observe.bind(second.ctx.spawner);
    vi.spyOn(second.ctx.spawner, 'observe').mockImplementation(async (ref, io) => {
      if (JSON.stringify(ref).includes(broken.id)) throw new Error('damaged');
      return observe(ref, io);
    });
    await using controller = createController(second.ctx);
    controller.start();

    expect((await until(second.ctx, lost, ({ phase }) => phase === 'stopped')).stopReason?.code).toBe('lost');
    expect((await findServerById(second.ctx.db, broken.id))?.phase).toBe('ready');
  } finally {
    await second.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('many starts at once: never more than the limit at a time, all ready in the end', async () => {
  const world = new EchoWorld();
  await using hub = await open({ spawner: echoSpawner({ world }), config: { start: { concurrency: 5 } } });
  const { ctx } = hub;
  let most = 0;
  const ensure = ctx.spawner.ensure.bind(ctx.spawner);
  let now = 0;
  vi.spyOn(ctx.spawner, 'ensure').mockImplementation(async (ref, spec, io) => {
    now += 1;
    most = Math.max(most, now);
    return ensure(ref, spec, io).finally(() => {
      now -= 1;
    });
  });
  const users = await Promise.all(Array.from({ length: 60 }, (_, at) => user(ctx, `u${at}`)));

  const asked = await Promise.all(users.map((one) => requestStart(ctx, one, '', { by: one.name })));
  await Promise.all(asked.map((server) => until(ctx, server, isReady)));

  expect(most).toBeLessThanOrEqual(5);
  expect(world.all(ctx.hubId)).toHaveLength(60);
});

test.skipIf(!hasPostgres)('two hubs on one PostgreSQL share the work and never start a server twice', async () => {
  await using database = await testDatabase();
  const world = new EchoWorld();
  const config = { database: database.url, hubKey: new Secret('k'.repeat(64)) };
  await using first = await open({ spawner: echoSpawner({ world }), config });
  await using second = await open({ spawner: echoSpawner({ world }), config });
  const users = await Promise.all(Array.from({ length: 20 }, (_, at) => user(first.ctx, `u${at}`)));

  const asked = await Promise.all(
    users.map((one, at) => requestStart((at % 2 ? first : second).ctx, one, '', { by: one.name })),
  );
  const ready = await Promise.all(asked.map((server) => until(first.ctx, server, isReady)));

  expect(ready.map((server) => server.generation)).toEqual(Array.from({ length: 20 }, () => 1));
  expect(world.all(first.ctx.hubId)).toHaveLength(20);
  expect(first.ctx.hubId).toBe(second.ctx.hubId);
});

test.skipIf(!hasPostgres)('a start asked for at the very moment a stop ends is not lost', async () => {
  await using database = await testDatabase();
  const config = { database: database.url, hubKey: new Secret('k'.repeat(64)) };
  await using hub = await open({ config, acting: false });
  const { db } = hub.ctx;
  const ada = await user(hub.ctx, 'ada');
  const { id } = await requestStart(hub.ctx, ada, '', { by: 'ada' });
  await db.updateTable('servers').set({ phase: 'stopping', desired: 'stopped' }).execute();
  const waiting = sql<{ n: string }>`select count(*) as n from pg_stat_activity
    where wait_event_type = 'Lock' and datname = current_database()`;

  const asked = await db.transaction().execute(async (stop) => {
    await stop.updateTable('servers').set({ phase: 'stopped' }).where('id', '=', id).execute();
    const start = requestStart(hub.ctx, ada, '', { by: 'ada', behindStop: true });
    await expect.poll(async () => Number((await waiting.execute(db)).rows[0]?.n), { timeout: WAIT }).toBe(1);
    return { start };
  });

  expect(await asked.start).toMatchObject({ phase: 'queued', generation: 2 });
  expect(await findServerById(db, id)).toMatchObject({ phase: 'queued', desired: 'running', generation: 2 });
});
