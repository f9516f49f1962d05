import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { apiHub, onBothDatabases } from '../api/test-hub.ts';
import type { HubConfigInput } from '../config/schema.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { findServer, requestStart, requestStop } from '../servers/servers.service.ts';
import type { TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { findUser, updateUser } from '../users/users.service.ts';
import { recordMeters, usageOf } from './ledger.service.ts';
import { limitsFor, limitsOf } from './limits.service.ts';
import { lookAtMoney } from './loop.service.ts';
import { monthOf } from './period.ts';

const HOUR = 3_600_000;
const WAIT = { timeout: 20_000, interval: 50 };
/** A Saturday. */
const NOON = Date.UTC(2026, 10, 21, 12);
const PROFILES = [
  { id: 'small', title: 'Small', perHour: 0.5 },
  { id: 'big', title: 'Big', perHour: 4 },
  { id: 'odd', title: 'Odd', perHour: null },
];
const quiet = new AbortController().signal;

onBothDatabases((on) => {
  async function open(config: Partial<HubConfigInput> = {}, echo: Parameters<typeof echoSpawner>[0] = {}) {
    const clock = shiftedClock(NOON);
    const hub = await apiHub({ on, clock, config, spawner: echoSpawner({ profiles: PROFILES, ...echo }) });
    const ada = await signedIn(hub, 'ada');
    // A sign-in of a test lasts an hour, and these tests take days.
    const seen = async (path: string) => (await (await signedIn(hub, 'ada')).get(path)).text;
    return { hub, clock, ada, seen };
  }
  async function serverOf(hub: TestHub, name = '', userName = 'ada') {
    const user = await findUser(hub.ctx.db, userName);
    return user && (await findServer(hub.ctx.db, user.id, name));
  }
  async function start(hub: TestHub, profile = 'small', name = '') {
    const user = await findUser(hub.ctx.db, 'ada');
    if (!user) throw new Error('no ada');
    await requestStart(hub.ctx, user, name, { by: 'test', userOptions: { profile }, behindStop: true });
    await expect.poll(async () => (await serverOf(hub, name))?.phase, WAIT).toBe('ready');
  }
  async function stop(hub: TestHub, name = '') {
    const server = await serverOf(hub, name);
    if (!server) throw new Error('no server');
    await requestStop(hub.ctx, server, { code: 'user' });
    await expect.poll(async () => (await serverOf(hub, name))?.phase, WAIT).toBe('stopped');
  }
  const used = (hub: TestHub) => usageOf(hub.ctx, 'ada', monthOf(NOON));

  test('hours and money follow a server from ready to stopped, start after start', async () => {
    const { hub, clock } = await open();
    await using _ = hub;

    await start(hub);
    clock.move(2 * HOUR);
    expect(await used(hub)).toEqual({ dollars: 1, hours: 2, unknown: { count: 0, hours: 0 } });
    await stop(hub);
    clock.move(5 * HOUR);
    await start(hub, 'odd');
    clock.move(HOUR);
    await stop(hub);

    expect(await used(hub)).toEqual({ dollars: 1, hours: 3, unknown: { count: 1, hours: 1 } });
  });

  test('a spawner that reports what things cost is believed, and its hours are counted all the same', async () => {
    const world = new EchoWorld();
    const { hub, clock } = await open({}, { metered: true, world });
    await using _ = hub;

    await start(hub);
    clock.move(HOUR);
    expect(await lookAtMoney(hub.ctx, quiet)).toBe(true);
    await lookAtMoney(hub.ctx, quiet);
    expect(await used(hub)).toMatchObject({ dollars: 0.5, hours: 1 });
    await stop(hub);
    clock.move(HOUR);
    await lookAtMoney(hub.ctx, quiet);
    expect(await used(hub)).toMatchObject({ dollars: 0.5, hours: 1 });
  });

  test('one row per key: reports grow it, its end stays, its first groups stay, and what is no longer reported ends', async () => {
    const { hub, clock, ada } = await open({}, { metered: true });
    await using _ = hub;
    await updateUser(hub.ctx.db, ada.user.id, { authGroups: ['physics'] });
    const meter = { key: 'vol-1@1', kind: 'disk' as const, what: '10 GB', user: 'ada', perHour: 1, since: NOON };

    await recordMeters(hub.ctx, [meter, { ...meter, key: 'vol-2@1', perHour: null }]);
    await updateUser(hub.ctx.db, ada.user.id, { authGroups: ['chemistry'] });
    clock.move(HOUR);
    await recordMeters(hub.ctx, [
      { ...meter, until: NOON + HOUR },
      { ...meter, key: 'vol-2@1', perHour: 2 },
    ]);
    await recordMeters(hub.ctx, [meter]);
    const rows = await hub.ctx.db.selectFrom('meters').selectAll().orderBy('key').execute();
    expect(rows.map(({ until, groups, nano_per_hour }) => [until, groups, nano_per_hour])).toEqual([
      [NOON + HOUR, '["physics"]', 1e9],
      [null, '["physics"]', 2e9],
    ]);
    clock.move(3 * HOUR);
    await lookAtMoney(hub.ctx, quiet);

    // Not reported for hours by a spawner that reports: it ended where it was last seen.
    expect((await used(hub)).dollars).toBe(3);
  });

  test('hours of a server that is gone without a word are ended by the next look', async () => {
    const { hub, clock } = await open();
    await using _ = hub;
    await start(hub);
    const server = await serverOf(hub);
    clock.move(HOUR);
    await hub.ctx.db
      .updateTable('servers')
      .set({ phase: 'stopped', desired: 'stopped', phase_at: clock.now() })
      .where('id', '=', server?.id ?? '')
      .execute();
    clock.move(9 * HOUR);
    await lookAtMoney(hub.ctx, quiet);

    expect((await used(hub)).hours).toBe(1);
  });

  test('limits: refused at the end with the day it renews, told from four fifths on, unknown prices refused', async () => {
    const { hub, clock } = await open({ limits: { default: { hoursPerWeek: 10, dollarsPerMonth: 20 } } });
    await using _ = hub;
    const who = { name: 'ada', groups: [] };
    const spec = (profile: string) => ({ user: 'ada', profile });

    expect(await limitsFor(hub.ctx, who, spec('small'))).toEqual({});
    expect((await limitsFor(hub.ctx, who, spec('odd'))).refused).toContain('price of this is not known');
    await start(hub);
    clock.move(8.5 * HOUR);
    await stop(hub);
    expect(await limitsFor(hub.ctx, who, spec('small'))).toEqual({
      warning: expect.stringMatching(
        /^You have used 8.5 of your 10 hours this week. They are yours again on Monday,? 23 November.$/,
      ),
    });
    await start(hub);
    clock.move(HOUR);
    await stop(hub);
    const { refused } = await limitsFor(hub.ctx, who, spec('small'));
    expect(refused).toContain('You have used 9.5 of your 10 hours this week');
    await expect(start(hub)).rejects.toMatchObject({ code: 'limit_reached', message: refused });
    // A new week begins on Monday; the month's money does not.
    clock.set(Date.UTC(2026, 10, 23));
    expect((await limitsFor(hub.ctx, who, spec('small'))).refused).toBeUndefined();
    await recordMeters(hub.ctx, [
      { key: 'x', kind: 'disk', what: 'x', user: 'ada', perHour: 12, since: NOON, until: NOON + HOUR },
    ]);
    expect((await limitsFor(hub.ctx, who, spec('big'))).refused).toContain('of your $20.00 this month');
    expect((await limitsFor(hub.ctx, who, spec('small'))).warning).toMatch(/It is yours again on Tuesday,? 1 December/);
  });

  test('of two starts at the same moment within a limit of one, one wins', async () => {
    const { hub } = await open({ limits: { users: { ada: { concurrentServers: 1 } } } });
    await using _ = hub;
    const ada = await hub.api({ name: 'ada' });

    const answers = await Promise.all(
      ['one', 'two', 'three', 'four'].map((name) => ada('POST', `/users/ada/servers/${name}`)),
    );

    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status === 400);
    expect(refused).toHaveLength(3);
    expect(refused[0]?.body).toMatchObject({
      code: 'limit_reached',
      message: expect.stringContaining('1 server on at a time'),
    });
  });

  test('with a time of grace, what runs beyond a limit is stopped after it, with a warning', async () => {
    const { hub, clock, seen } = await open({
      limits: { default: { hoursPerWeek: 2 }, onExceeded: { stopAfter: '30m' } },
    });
    await using _ = hub;
    await start(hub);
    clock.move(2 * HOUR);
    await lookAtMoney(hub.ctx, quiet);
    expect((await serverOf(hub))?.limitStopAt).toBe(clock.now() + HOUR / 2);
    expect(await seen('/hub/home')).toContain('Stops in 30 min, because your time or money');
    clock.move(HOUR / 2);
    await lookAtMoney(hub.ctx, quiet);
    await expect.poll(async () => (await serverOf(hub))?.phase, WAIT).toBe('stopped');
    expect(await seen('/hub/home')).toContain('time or money for this period is used up');
  });

  test('a new week takes back the stop that the old one had decided', async () => {
    const { hub, clock } = await open({ limits: { default: { hoursPerWeek: 2 }, onExceeded: { stopAfter: '30m' } } });
    await using _ = hub;
    clock.set(Date.UTC(2026, 10, 22, 21, 50));
    await start(hub);
    clock.move(2 * HOUR);
    await lookAtMoney(hub.ctx, quiet);
    expect((await serverOf(hub))?.limitStopAt).not.toBeNull();
    clock.move(HOUR / 4);
    await lookAtMoney(hub.ctx, quiet);
    clock.move(HOUR / 2);
    await lookAtMoney(hub.ctx, quiet);

    expect(await serverOf(hub)).toMatchObject({ phase: 'ready', desired: 'running', limitStopAt: null });
  });

  test('the pages and the API tell the same: the person theirs, the administrator everybody’s', async () => {
    const { hub, clock, ada, seen } = await open({ limits: { default: { hoursPerWeek: 40 } } });
    await using _ = hub;
    const root = await signedIn(hub, 'root', { admin: true });
    expect((await ada.get('/hub/usage')).text).toContain('Nothing was used in this month');
    expect((await root.get('/hub/admin/usage')).text).toContain('Nothing was used in this month');
    await updateUser(hub.ctx.db, ada.user.id, { authGroups: ['physics'] });
    await start(hub);
    clock.move(12 * HOUR);
    await stop(hub);

    expect(await seen('/hub/home')).toContain('You have used 12 of 40 hours this week');
    expect(await seen('/hub/usage')).toMatch(/Main server.*12.*\$6\.00/s);
    expect(await seen('/hub/usage?month=2026-10')).toContain('Nothing was used');
    const boss = await signedIn(hub, 'root');
    const all = await boss.get('/hub/admin/usage');
    expect(all.text).toMatch(
      /<svg[^>]*role="img"[^>]*aria-label="\$6\.00 in this month; most on 21 November: \$6\.00\."/,
    );
    expect(all.text).toMatch(/physics.*12.*\$6\.00/s);
    const csv = await boss.get('/hub/admin/usage.csv?month=2026-11');
    expect(csv.text.split('\r\n')).toHaveLength(4);
    const again = await signedIn(hub, 'ada');
    expect((await again.get('/hub/admin/usage')).status).toBe(403);
    expect((await again.get('/hub/admin/usage.csv')).status).toBe(403);

    const [adaApi, rootApi] = [await hub.api({ name: 'ada' }), await hub.api({ name: 'root' })];
    expect((await adaApi('GET', '/atrium/users/ada/usage')).body).toMatchObject({
      month: '2026-11',
      total: { dollars: 6, hours: 12 },
      servers: [{ name: '', dollars: 6 }],
      limits: { hoursPerWeek: 40, dollarsPerMonth: null },
      this_week: { hours: 12, renews: '2026-11-23T00:00:00.000Z' },
    });
    expect((await rootApi('GET', '/atrium/usage')).body).toMatchObject({
      users: [{ name: 'ada', dollars: 6 }],
      groups: [{ name: 'physics', hours: 12 }],
      kinds: [{ name: 'compute', dollars: 6 }],
    });
    expect((await rootApi('GET', '/atrium/usage?month=may')).status).toBe(400);
    expect((await adaApi('GET', '/atrium/usage')).status).toBe(403);
    expect((await adaApi('GET', '/atrium/users/root/usage')).status).toBe(404);
  });
});

test('limits: a person’s own key wins, then the most generous of their groups, then the default', async () => {
  await using hub = await apiHub({
    config: {
      limits: {
        default: { hoursPerWeek: 5, concurrentServers: 1 },
        groups: { a: { hoursPerWeek: 10 }, b: { hoursPerWeek: 20, maxPerHour: 1 }, c: { hoursPerWeek: null } },
        users: { ada: { maxPerHour: null } },
      },
    },
  });
  const of = (name: string, groups: string[]) => {
    const { hoursPerWeek, maxPerHour, concurrentServers } = limitsOf(hub.ctx.config, name, groups);
    return [hoursPerWeek, maxPerHour, concurrentServers];
  };

  expect(of('bob', [])).toEqual([5, null, 1]);
  expect(of('bob', ['a', 'b'])).toEqual([20, 1, 1]);
  expect(of('bob', ['a', 'c'])).toEqual([null, null, 1]);
  expect(of('ada', ['b'])).toEqual([20, null, 1]);
  expect(of('constructor', ['__proto__'])).toEqual([5, null, 1]);
});
