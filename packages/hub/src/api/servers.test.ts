import { SpawnFault } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import type { ApiCall, TestHub } from '../testing/index.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/;

onBothDatabases((on) => {
  test('a server is started, read, stopped and started again', async () => {
    await using hub = await apiHub({ on });
    const ada = await hub.api({ name: 'ada' });

    expect(await ada('GET', '/users/ada/server')).toMatchObject({
      status: 200,
      body: { stopped: true, started: null },
    });
    const started = await ada('POST', '/users/ada/server', { user_options: { size: 'big' } });
    expect([started.status, started.body]).toEqual([201, '']);
    expect(await ada('GET', '/users/ada/server')).toMatchObject({
      body: {
        name: '',
        display_name: '',
        full_name: 'ada/',
        pending: null,
        ready: true,
        stopped: false,
        url: '/user/ada/',
        user_options: { size: 'big' },
        progress_url: '/hub/api/users/ada/server/progress',
        full_url: null,
        started: expect.stringMatching(ISO),
        last_activity: expect.stringMatching(ISO),
      },
    });
    expect(await ada('POST', '/users/ada/server')).toMatchObject({
      status: 400,
      body: { message: 'ada is already running' },
    });
    expect((await ada('DELETE', '/users/ada/server')).status).toBe(204);
    expect((await ada('DELETE', '/users/ada/server')).status).toBe(204);
    expect((await ada('POST', '/users/ada/server', {})).status).toBe(201);
    expect(await ada('GET', '/users/ada/server')).toMatchObject({
      body: { ready: true, user_options: { size: 'big' } },
    });
  });

  test('how many named servers somebody may have can be said by a function; one that fails is a fault of the hub', async () => {
    let over = false;
    const limit = async ({ name, groups }: { name: string; groups: readonly string[] }) => {
      if (name === 'odd') throw new Error('No such person');
      // As one that asks the hub itself: nobody may hold the database meanwhile.
      await hub.ctx.db.selectFrom('users').select('id').execute();
      return groups.includes('many') && !over ? 2 : 0;
    };
    const groups = { many: { users: ['ada'] } };
    await using hub: TestHub = await apiHub({ on, config: { namedServers: { limit }, groups } });
    const statuses = async (name: string) => {
      const call = await hub.api({ name });
      const made = async (server: string) => (await call('PUT', `/users/${name}/servers/${server}`)).status;
      return [await made('a'), await made('b'), await made('c')];
    };

    expect(await statuses('ada')).toEqual([201, 201, 400]);
    expect(await statuses('bob')).toEqual([400, 400, 400]);
    expect(await statuses('odd')).toEqual([500, 500, 500]);
    // What somebody has by then can still be stopped.
    over = true;
    const ada = await hub.api({ name: 'ada' });
    expect((await ada('DELETE', '/users/ada/servers/b', { remove: true })).status).toBe(204);
    expect((await ada('DELETE', '/users/ada/servers/b')).status).toBe(400);
  });

  test('a spawner that refuses a start says with which status; one that says no status of an error is not believed', async () => {
    const echo = echoSpawner();
    const spawner: typeof echo = {
      ...echo,
      async create(config, context) {
        const made = await echo.create(config, context);
        return {
          ...made,
          resolve: (user, options) => ({ ...(made.resolve(user, options) as object), status: options.status ?? null }),
          ensure: async (_ref, spec) => {
            const { status } = spec as { status: number };
            throw new SpawnFault({ class: 'user', code: 'refused', message: 'Not in this room.', status });
          },
        };
      },
    };
    await using hub = await apiHub({ on, spawner });
    const ada = await hub.api({ name: 'ada' });
    const refused = (status: number) => ada('POST', '/users/ada/server', { status });

    expect(await refused(403)).toMatchObject({ status: 403, body: { status: 403, message: 'Not in this room.' } });
    await expect.poll(async () => (await ada('GET', '/users/ada/server')).body).toMatchObject({ stopped: true });
    // A status that the document cannot know.
    expect(await refused(418)).toMatchObject({ status: 418, body: { status: 418, message: 'Not in this room.' } });
    await expect.poll(async () => (await ada('GET', '/users/ada/server')).body).toMatchObject({ stopped: true });
    expect(await refused(200)).toMatchObject({ status: 500, body: { message: 'Not in this room.' } });
  });

  test('named servers are made, renamed, started and removed', async () => {
    await using hub = await apiHub({ on, config: { namedServers: { limit: 2 } } });
    const ada = await hub.api({ name: 'ada' });

    expect(await ada('PUT', '/users/ada/servers/lab', { display_name: 'My lab' })).toMatchObject({
      status: 201,
      body: { name: 'lab', display_name: 'My lab', stopped: true },
    });
    expect((await ada('PUT', '/users/ada/servers/lab')).status).toBe(409);
    const tooMuch = { user_options: { filler: 'x'.repeat(65_536) } };
    expect((await ada('PATCH', '/users/ada/servers/lab', tooMuch)).status).toBe(400);
    expect((await ada('POST', '/users/ada/servers/lab', tooMuch)).status).toBe(400);
    expect((await ada('POST', '/users/ada/servers/other', tooMuch)).status).toBe(400);
    expect((await ada('PUT', '/users/ada/server')).status).toBe(409);
    expect(await ada('PATCH', '/users/ada/servers/lab', { name: 'thesis' })).toMatchObject({
      status: 200,
      body: { name: 'thesis', display_name: 'My lab' },
    });
    expect((await ada('POST', '/users/ada/servers/thesis')).status).toBe(201);
    expect(await ada('POST', '/users/ada/servers/thesis')).toMatchObject({
      status: 400,
      body: { message: 'ada:thesis is already running' },
    });
    expect((await ada('PATCH', '/users/ada/servers/thesis', { name: 'x' })).status).toBe(400);
    expect((await ada('POST', '/users/ada/servers/two')).status).toBe(201);
    expect(await ada('POST', '/users/ada/servers/three')).toMatchObject({
      status: 400,
      body: {
        message:
          'User ada already has the maximum of 2 named servers.  One must be deleted before a new server can be created',
      },
    });
    expect((await ada('DELETE', '/users/ada/servers/thesis', { remove: true })).status).toBe(204);
    expect((await ada('GET', '/users/ada/servers/thesis')).status).toBe(404);
    expect((await ada('DELETE', '/users/ada/servers/thesis')).status).toBe(404);
  });
});

test('a server without a name is the default one, as old clients write it', async () => {
  await using hub = await apiHub();
  const ada = await hub.api({ name: 'ada' });

  expect((await ada('POST', '/users/ada/servers/', { cpus: 2 })).status).toBe(201);
  expect(await ada('GET', '/users/ada/servers/')).toMatchObject({
    body: { full_name: 'ada/', user_options: { cpus: 2 } },
  });
  expect(await ada('GET', '/users/ada')).toMatchObject({
    body: { server: '/user/ada/', servers: { '': { ready: true } } },
  });
  expect((await ada('GET', '/users/ada/servers')).status).toBe(404);
  expect(await ada('GET', '/users/ada/servers//progress')).toMatchObject({ status: 200 });
  expect((await ada('DELETE', '/users/ada/servers/')).status).toBe(204);
});

test.each([
  ['POST', '/users/ada/servers/Bad_Name', undefined, 400, "Invalid server_name: 'Bad_Name'"],
  ['PUT', '/users/ada/servers/9x', undefined, 400, "Invalid server_name: '9x'"],
  ['PUT', '/users/ada/servers/x', { display_name: 'two  blanks' }, 400, 'Invalid display_name: two  blanks'],
  ['POST', '/users/ada/server', [1], 400, undefined],
  ['POST', '/users/ada/server', { display_name: 1 }, 400, undefined],
  ['POST', '/users/ada/server', { user_options: 'x' }, 400, undefined],
  ['PATCH', '/users/ada/server', {}, 400, undefined],
  ['PATCH', '/users/ada/servers/none', { name: 'x' }, 404, undefined],
  ['PATCH', '/users/ada/servers/none', { odd: 1 }, 400, undefined],
  ['DELETE', '/users/ada/server', { remove: true }, 400, undefined],
  ['GET', '/users/ada/servers/none/progress', undefined, 404, undefined],
  ['GET', '/users/ada/server/progress', undefined, 404, undefined],
  ['POST', '/users/bob/server', undefined, 404, 'No access to resources or resources not found'],
])('%s %s %j is answered %i', async (method, path, body, status, message) => {
  await using hub = await apiHub({ controller: false });
  await hub.api({ name: 'bob' });
  const ada = await hub.api({ name: 'ada' });

  expect(await ada(method, path, body)).toMatchObject({ status, body: message ? { message } : {} });
});

test('a filter by server reaches that server only', async () => {
  await using hub = await apiHub({ controller: false });
  const all = await hub.api({ name: 'ada' });
  await all('PUT', '/users/ada/servers/lab');
  await all('PUT', '/users/ada/servers/other');
  const lab = await hub.api({ name: 'ada' }, ['servers!server=ada/lab']);

  expect((await lab('GET', '/users/ada/servers/lab')).status).toBe(200);
  expect((await lab('GET', '/users/ada/servers/other')).status).toBe(404);
  expect((await lab('GET', '/users/ada/server')).status).toBe(404);
  expect((await lab('DELETE', '/users/ada/server')).status).toBe(404);
});

test('a start that takes long is accepted and goes on; a failure is explained', async () => {
  await using hub = await apiHub({ startMs: 300, failFor: ['eve'], config: { start: { slow: 0 } } });
  const ada = await hub.api({ name: 'ada' });
  const eve = await hub.api({ name: 'eve' });

  expect((await ada('POST', '/users/ada/server')).status).toBe(202);
  expect((await ada('POST', '/users/ada/server')).status).toBe(202);
  expect(await ada('GET', '/users/ada')).toMatchObject({ body: { pending: 'spawn', server: null } });
  await expect
    .poll(async () => (await ada('GET', '/users/ada/server')).body, { timeout: 5_000 })
    .toMatchObject({ ready: true });
  await eve('POST', '/users/eve/server');
  await expect
    .poll(async () => progress(eve, 'eve'), { timeout: 5_000 })
    .toEqual([failed('Servers of eve fail, as configured.')]);

  await using patient = await apiHub({ failFor: ['eve'] });
  const again = await patient.api({ name: 'eve' });
  expect(await again('POST', '/users/eve/server')).toMatchObject({
    status: 500,
    body: { status: 500, message: 'Servers of eve fail, as configured.', code: 'spawn_failed' },
  });
});

const failed = (message: string) => ({
  progress: 100,
  failed: true,
  message: `Spawn failed: ${message}`,
  html_message: `Spawn failed: ${message}`,
});

function eventsOf(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((part) => part !== '')
    .map((part) => JSON.parse(part.replace(/^data: /, '')) as unknown);
}

/** The whole story of a start, until the stream ends. */
async function progress(api: ApiCall, user: string): Promise<unknown[]> {
  const { body, headers } = await api('GET', `/users/${user}/server/progress`);
  expect(headers.get('content-type')).toBe('text/event-stream');
  return eventsOf(body as string);
}

test('a progress stream tells the story of a start until it is ready', async () => {
  await using hub = await apiHub({ startMs: 200, config: { start: { slow: 0 } } });
  const ada = await hub.api({ name: 'ada' });
  await ada('POST', '/users/ada/server');

  const streams = await Promise.all([progress(ada, 'ada'), progress(ada, 'ada'), progress(ada, 'ada')]);

  const ready = {
    progress: 100,
    ready: true,
    message: 'Server ready at /user/ada/',
    html_message: 'Server ready at <a href="/user/ada/">/user/ada/</a>',
    url: '/user/ada/',
  };
  expect(streams[0]?.[0]).toEqual({ progress: 0, message: 'Server requested' });
  expect(streams[0]).toContainEqual({ progress: 30, message: 'Pretending to start' });
  expect(streams[0]?.at(-1)).toEqual(ready);
  expect(streams[1]).toEqual(streams[0]);
  expect(streams[2]).toEqual(streams[0]);
  expect(await progress(ada, 'ada')).toEqual([ready]);
});

test('a start behind a stop is followed as the start that comes, not as the one that ends', async () => {
  await using hub = await apiHub();
  const ada = await hub.api({ name: 'ada' });
  expect((await ada('POST', '/users/ada/server')).status).toBe(201);
  const { db, wakeups } = hub.ctx;
  // A stop that takes long: somebody else's, so that the controller leaves it alone; and a start that waits for it.
  const held = { lease_owner: 'other', lease_until: Date.now() + 600_000 };
  await db
    .updateTable('servers')
    .set({ phase: 'stopping', desired: 'running', ...held })
    .execute();
  const { token } = (await ada('POST', '/users/ada/tokens')).body as { token: string };
  const stream = await fetch(`${hub.origin}/hub/api/users/ada/server/progress`, {
    headers: { authorization: `token ${token}` },
  });

  const { id } = await db.updateTable('servers').set({ lease_until: 0 }).returning('id').executeTakeFirstOrThrow();
  wakeups.notify('servers', id);

  const events = eventsOf(await stream.text());
  expect(events[0]).toEqual({ progress: 0, message: 'Waiting until the server has stopped' });
  expect(events[1]).toEqual({ progress: 0, message: 'Server requested' });
  expect(events.at(-1)).toMatchObject({ ready: true });
  expect(await db.selectFrom('servers').select('generation').executeTakeFirstOrThrow()).toEqual({ generation: 2 });
});

test('a start that is stopped ends its streams as cancelled, and the waiting start call too', async () => {
  await using hub = await apiHub({ startMs: 60_000 });
  const ada = await hub.api({ name: 'ada' });
  const start = ada('POST', '/users/ada/server');
  await expect
    .poll(async () => (await ada('GET', '/users/ada')).body, { timeout: 5_000 })
    .toMatchObject({ pending: 'spawn' });
  const { token } = (await ada('POST', '/users/ada/tokens')).body as { token: string };
  const headers = { authorization: `token ${token}` };
  const stream = await fetch(`${hub.origin}/hub/api/users/ada/server/progress`, { headers });

  expect((await ada('DELETE', '/users/ada/server')).status).toBe(204);

  expect(eventsOf(await stream.text()).at(-1)).toMatchObject({
    progress: 100,
    failed: true,
    message: 'Spawn cancelled',
  });
  expect(await start).toMatchObject({ status: 500, body: { message: 'Spawn cancelled' } });
  expect((await ada('GET', '/users/ada/server/progress')).status).toBe(404);
});

test('activity moves forward only, and says what is wrong with a report', async () => {
  await using hub = await apiHub({ controller: false });
  const ada = await hub.api({ name: 'ada' });
  await ada('PUT', '/users/ada/servers/lab');
  const report = (body: unknown) => ada('POST', '/users/ada/activity', body);
  const seen = async () => (await ada('GET', '/users/ada?include_stopped_servers')).body;
  const in5 = new Date(Date.now() + 5 * 60_000).toISOString().replace('Z', '000Z');

  expect(
    await report({ servers: { lab: { last_activity: '2024-01-02T03:04:05' } }, last_activity: in5 }),
  ).toMatchObject({
    status: 200,
    body: '',
  });
  expect(await seen()).toMatchObject({
    last_activity: in5,
    servers: { lab: { last_activity: '2024-01-02T03:04:05Z' } },
  });
  expect((await report({ servers: { lab: { last_activity: '2023-01-01T00:00:00+02:00' } } })).status).toBe(200);
  expect(await seen()).toMatchObject({ servers: { lab: { last_activity: '2024-01-02T03:04:05Z' } } });

  const message = async (body: unknown) => ((await report(body)).body as { message?: string }).message;
  expect(await message({ last_activity: 'yesterday' })).toBe("Not a valid timestamp: 'yesterday'");
  expect(await message({ servers: { x: { last_activity: in5 } } })).toBe("No such server 'x' for user ada");
  for (const body of [
    undefined,
    [],
    {},
    { servers: [] },
    { servers: { lab: 1 } },
    { last_activity: '2999-01-01T00:00:00Z' },
  ]) {
    expect((await report(body)).status, JSON.stringify(body)).toBe(400);
  }
});

test('activity of a server does not count as its owner being there, and no other server can report it', async () => {
  await using hub = await apiHub();
  const ada = await hub.api({ name: 'ada' });
  const bob = await hub.api({ name: 'bob' });
  await ada('POST', '/users/ada/server');
  const server = await hub.ctx.db.selectFrom('servers').selectAll().executeTakeFirstOrThrow();
  const token = hub.ctx.keys.serverToken(server.id, server.generation, server.token_number).reveal();
  const call = (path: string, body: object) =>
    fetch(`${hub.origin}/hub/api${path}`, {
      method: 'POST',
      headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const at = new Date(Date.now() + 60_000).toISOString();

  expect((await call('/users/ada/activity', { servers: { '': { last_activity: at } } })).status).toBe(200);
  expect((await call('/users/bob/activity', { last_activity: at })).status).toBe(404);
  expect((await bob('POST', '/users/ada/activity', { last_activity: at })).status).toBe(404);
  expect((await call('/users/ada/server', {})).status).toBe(403);
  expect((await call('/users/ada/tokens', {})).status).toBe(403);

  await ada('DELETE', '/users/ada/server');
  expect((await call('/users/ada/activity', { last_activity: at })).status).toBe(403);
});

test('streams do not keep a hub from closing', async () => {
  const hub = await apiHub({ startMs: 60_000, config: { start: { slow: 0 } } });
  const ada = await hub.api({ name: 'ada' });
  await ada('POST', '/users/ada/server');
  const stream = ada('GET', '/users/ada/server/progress').catch((error: unknown) => error);

  await hub[Symbol.asyncDispose]();

  await expect(stream).resolves.toBeDefined();
});

test('somebody whose server is stopping is not deleted before it has stopped', async () => {
  await using hub = await apiHub({ controller: false });
  await hub.api({ name: 'ada' });
  const root = await hub.api({ name: 'root', admin: true });
  expect((await root('PUT', '/users/ada/servers/lab')).status).toBe(201);
  const become = (phase: 'stopping' | 'stopped') => hub.ctx.db.updateTable('servers').set({ phase }).execute();

  await become('stopping');
  expect(await root('DELETE', '/users/ada')).toMatchObject({
    status: 400,
    body: { message: 'ada:lab is stopping; try again in a moment' },
  });
  await become('stopped');
  expect((await root('DELETE', '/users/ada')).status).toBe(204);
});
