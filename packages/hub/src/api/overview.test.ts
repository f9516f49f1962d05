import { defineSpawner } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { addToGroup, createGroup } from '../groups/groups.service.ts';
import { isReady, requestStart, waitForServer } from '../servers/servers.service.ts';
import { createUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

const WAIT = 30_000;

onBothDatabases((on) => {
  test('the hub at a glance: who is on, what is wrong, what changed today', async () => {
    const config = {
      start: { activeLimit: 5 },
      services: [{ name: 'broken', command: [process.execPath, '-e', 'process.exit(3)'] }],
    };
    await using hub = await apiHub({ on, failFor: ['faye'], config });
    const root = await hub.api({ name: 'root', admin: true });
    await createUser(hub.ctx.db, { name: 'newcomer', pending: true, now: hub.ctx.clock.now() });
    await root('POST', '/users', { usernames: ['ada', 'faye'] });
    await root('POST', '/users/ada/server');
    await root('POST', '/users/faye/server');
    const look = async () => (await root('GET', '/atrium/overview')).body;

    await expect.poll(look, { timeout: WAIT }).toMatchObject({
      people: { total: 4, waiting: 1, active_now: 1, active_today: 1 },
      servers: { ready: 1, starting: 0, queued: 0, stopping: 0 },
      today: { starts: 1, failed: 1, people_added: 4 },
      limits: { active: 1, active_limit: 5, oldest_queued: null },
      usage: null,
      features: { accounts: false, server_log: true, server_usage: false },
      problems: expect.arrayContaining([
        expect.objectContaining({ kind: 'failure', text: 'Servers of faye fail, as configured.' }),
        expect.objectContaining({ kind: 'service', link_to: { kind: 'service', name: 'broken' } }),
        expect.objectContaining({ kind: 'warning' }),
      ]),
    });
    expect((await root('GET', '/atrium/services')).body).toMatchObject({
      items: [{ name: 'broken', managed: true, problem: expect.stringContaining('ended') }],
    });
    const ada = await hub.api({ name: 'ada' });
    expect((await ada('GET', '/atrium/overview')).status).toBe(403);
    expect((await ada('GET', '/atrium/services')).status).toBe(403);
  });

  test('groups in brief, and why each of their members is there', async () => {
    const config = { groups: { fixed: { users: ['ada'] } }, roles: [{ name: 'staff', scopes: [], groups: ['fixed'] }] };
    await using hub = await apiHub({ on, config });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users', { usernames: ['ada', 'bob'] });
    await createGroup(hub.ctx, 'physics', ['ada', 'bob']);
    await addToGroup(hub.ctx, 'fixed', ['bob']);

    expect((await root('GET', '/atrium/groups')).body).toEqual({
      items: [
        { name: 'fixed', properties: {}, members: 2, roles: ['staff'], configured: true },
        { name: 'physics', properties: {}, members: 2, roles: [], configured: false },
      ],
    });
    expect((await root('GET', '/atrium/groups/fixed')).body).toMatchObject({
      members: [
        { name: 'ada', sources: ['configuration'] },
        { name: 'bob', sources: ['administrator'] },
      ],
    });
    const staff = await hub.api({ name: 'root' }, ['groups!group=physics']);
    expect((await staff('GET', '/atrium/groups')).body).toMatchObject({ items: [{ name: 'physics' }] });
    expect((await staff('GET', '/atrium/groups/fixed')).status).toBe(404);
    expect((await root('GET', '/atrium/groups/none')).status).toBe(404);
  });
});

test('the newest lines of a server, for who may see its inside; without its token', async () => {
  const inner = echoSpawner();
  let printed: string[] | undefined = [];
  const spawner = defineSpawner({
    id: 'printing',
    config: z.unknown(),
    async create(_, context) {
      const made = await inner.create(inner.config.parse(inner.options), context);
      return Object.assign(made, {
        logs: async (_ref: unknown, lines: number) => {
          if (!printed) throw new Error('the disk is gone');
          return printed.slice(-lines);
        },
      });
    },
  })();
  await using hub = await apiHub({ spawner });
  const root = await hub.api({ name: 'root', admin: true });
  const ada = await createUser(hub.ctx.db, { name: 'ada', allowedBy: 'administrator', now: hub.ctx.clock.now() });
  if (!ada) throw new Error('ada');
  const log = (query = '', api = root) => api('GET', `/atrium/users/ada/server/log${query}`);

  expect((await log()).status).toBe(404);
  const { id } = await requestStart(hub.ctx, ada, '', { by: 'ada' });
  const { generation, tokenNumber } = await waitForServer(hub.ctx, id, isReady, WAIT);
  const token = hub.ctx.keys.serverToken(id, generation, tokenNumber).reveal();
  printed = ['one', `two ${token}`, 'three'];

  expect((await log()).body).toEqual({ lines: ['one', 'two «hidden»', 'three'], from: 'server', lines_asked: 200 });
  expect((await log('?lines=1')).body).toMatchObject({ lines: ['three'] });
  expect((await log('?lines=0')).status).toBe(400);
  expect((await log('', await hub.api({ name: 'ada' }))).status).toBe(403);
  expect((await root('GET', '/atrium/users/ada/servers/none/log')).status).toBe(404);
  printed = undefined;
  expect(await log()).toMatchObject({ status: 503, body: { message: expect.stringContaining('Try again') } });
});
