import { type Clock, defineSpawner, systemClock } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { requestStart } from '../servers/servers.service.ts';
import { endSessionsOf } from '../sessions/sessions.service.ts';
import type { TestHub } from '../testing/index.ts';
import { findUser, type User } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

const WAIT = { timeout: 30_000 };

interface Row {
  key: string;
  phase: string;
  queue_place: number | null;
  failure: { code: string } | null;
  usage: { memory: number; cpu: number | null } | null;
}

/** Twenty times as fast: what is done every ten seconds is done every half. */
function hurriedClock(): Clock {
  const began = Date.now();
  return {
    now: () => began + (Date.now() - began) * 20,
    sleep: (ms, signal) => systemClock.sleep(ms / 20, signal),
  };
}

/** The table as a page would keep it. */
interface Table extends Disposable {
  rows: Map<string, Row>;
  events: string[];
  ended: boolean;
  usage: Record<string, { memory: number; cpu: number | null } | null>;
}

async function follow(hub: TestHub, headers: Record<string, string>, query = ''): Promise<Table> {
  const closing = new AbortController();
  const url = `${hub.origin}/hub/api/atrium/servers/stream${query}`;
  const response = await fetch(url, { headers, signal: closing.signal });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const table: Table = {
    rows: new Map(),
    events: [],
    ended: false,
    usage: {},
    [Symbol.dispose]: () => closing.abort(),
  };
  void (async () => {
    let text = '';
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      for (let at = text.indexOf('\n\n'); at !== -1; at = text.indexOf('\n\n')) {
        take(table, text.slice(0, at));
        text = text.slice(at + 2);
      }
    }
    table.ended = true;
  })().catch(() => {});
  return table;
}

function take(table: Table, block: string): void {
  const [event, data] = [/^event: (.*)$/m.exec(block)?.[1], /^data: (.*)$/m.exec(block)?.[1]];
  if (event === undefined || data === undefined) return;
  const json = JSON.parse(data);
  table.events.push(event);
  if (event === 'rows') for (const row of json.rows as Row[]) table.rows.set(row.key, row);
  if (event === 'gone') for (const key of json.keys as string[]) table.rows.delete(key);
  if (event === 'usage') table.usage = { ...table.usage, ...json.usage };
}

const phaseOf = (table: Table, key: string) => table.rows.get(key)?.phase;

async function tokenOf(hub: TestHub, name: string, scopes: string[], admin = false): Promise<Record<string, string>> {
  const api = await hub.api({ name, admin });
  const { body } = await api('POST', `/users/${name}/tokens`, { scopes });
  return { authorization: `token ${(body as { token: string }).token}` };
}

async function found(hub: TestHub, name: string): Promise<User> {
  const user = await findUser(hub.ctx.db, name);
  if (!user) throw new Error(name);
  return user;
}

onBothDatabases((on) => {
  test('whoever follows sees servers come, wait, fail and go; each as far as their scopes reach', async () => {
    await using hub = await apiHub({
      on,
      failFor: ['faye'],
      startMs: 300,
      config: { access: { allowAll: true }, start: { concurrency: 1 } },
    });
    const root = await hub.api({ name: 'root', admin: true });
    const everybody = await tokenOf(hub, 'root', ['read:servers']);
    await root('POST', '/users', { usernames: ['ada', 'bob', 'faye'] });
    await root('POST', '/users/ada/server');
    using table = await follow(hub, everybody);
    using adas = await follow(hub, await tokenOf(hub, 'ada', ['read:servers!user']));
    await expect.poll(() => phaseOf(table, 'ada/'), WAIT).toBe('ready');

    await root('POST', '/users', { usernames: ['cleo'] });
    await Promise.all(['bob', 'faye', 'cleo'].map((name) => root('POST', `/users/${name}/server`)));

    await expect.poll(() => phaseOf(table, 'cleo/'), WAIT).toBe('ready');
    await expect
      .poll(() => table.rows.get('faye/'), WAIT)
      .toMatchObject({ phase: 'stopped', failure: { code: 'echo_failed' } });
    await root('DELETE', '/users/ada/server');
    await expect.poll(() => [...table.rows.keys()].sort(), WAIT).toEqual(['bob/', 'cleo/', 'faye/']);
    await expect.poll(() => [...adas.rows.keys()], WAIT).toEqual([]);
    expect(adas.events).toContain('gone');

    const list = await root('GET', '/atrium/servers?state=problem');
    expect(list.body).toMatchObject({ total: 1, items: [{ key: 'faye/', failure: { code: 'echo_failed' } }] });
    expect((await root('GET', '/atrium/servers?state=all&q=AD')).body).toMatchObject({
      total: 1,
      items: [{ key: 'ada/' }],
    });
    const bob = await hub.api({ name: 'bob' });
    expect((await bob('GET', '/atrium/servers')).body).toMatchObject({ total: 1, items: [{ key: 'bob/' }] });
    const csv = String((await root('GET', '/atrium/servers.csv')).body).split('\r\n');
    expect(csv[0]).toMatch(/^user,name,phase/);
    expect(csv.slice(1).map((line) => line.split(',')[0])).toEqual(['bob', 'cleo', 'faye', '']);
  });
});

test('who waits is shown with their place', async () => {
  await using hub = await apiHub({ controller: false });
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/users', { usernames: ['ada', 'bob'] });
  for (const name of ['bob', 'ada']) await requestStart(hub.ctx, await found(hub, name), '', { by: 'root' });

  const { body } = await root('GET', '/atrium/servers?state=queued');

  expect(body).toMatchObject({
    items: [
      { key: 'ada/', phase: 'queued', wanted: 'running', queue_place: 2 },
      { key: 'bob/', queue_place: 1 },
    ],
  });
});

test('a stream ends with the session that asked for it, and nobody follows without scopes', async () => {
  await using hub = await apiHub({ clock: hurriedClock() });
  const root = await signedIn(hub, 'root', { admin: true });
  await root.get('/hub/token');
  const all = [...root.browser.cookies.values()];
  const headers = { cookie: all.map(({ name, value }) => `${name}=${value}`).join('; '), 'sec-fetch-mode': 'cors' };
  const xsrf = all.find(({ name }) => name === '_xsrf')?.value ?? '';
  const url = `${hub.origin}/hub/api/atrium/servers/stream`;
  const none = await tokenOf(hub, 'ada', ['read:users!user']);

  expect((await fetch(url, { headers })).status).toBe(403);
  expect((await fetch(url, { headers: none })).status).toBe(403);
  using table = await follow(hub, headers, `?_xsrf=${xsrf}`);
  await endSessionsOf(hub.ctx, root.user.id);

  await expect.poll(() => table.ended, WAIT).toBe(true);
});

test('where the spawner knows what servers use, the stream tells it', async () => {
  let seconds = 0;
  const inner = echoSpawner();
  const spawner = defineSpawner({
    id: 'counting',
    config: z.unknown(),
    async create(_, context) {
      const made = await inner.create(inner.config.parse(inner.options), context);
      return Object.assign(made, {
        usage: async (refs: readonly unknown[]) => {
          seconds += 20;
          return refs.map(() => ({ memoryBytes: 5_000, memoryLimitBytes: 10_000, cpuSeconds: seconds }));
        },
      });
    },
  })();
  await using hub = await apiHub({ spawner, clock: hurriedClock() });
  const root = await hub.api({ name: 'root', admin: true });
  await root('POST', '/users/root/server');
  using table = await follow(hub, await tokenOf(hub, 'root', ['read:servers']));

  await expect.poll(() => table.rows.get('root/')?.usage, WAIT).toMatchObject({ memory: 5_000, memory_limit: 10_000 });
  await expect.poll(() => table.usage['root/']?.cpu, WAIT).toBeGreaterThan(0);
});

test.skipIf(!hasPostgres)('what one hub does is seen by those who follow at another', async () => {
  await using place = await testDatabase();
  const open = (controller: boolean) => apiHub({ database: place.url, controller });
  await using one = await open(true);
  await using other = await open(false);
  const headers = await tokenOf(one, 'root', ['read:servers'], true);
  using table = await follow(other, headers);

  await (await one.api({ name: 'root' }))('POST', '/users/root/server');

  await expect.poll(() => phaseOf(table, 'root/'), WAIT).toBe('ready');
});
