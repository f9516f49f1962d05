import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { describe, expect, test } from 'vitest';
import { apiHub, onBothDatabases } from '../api/test-hub.ts';
import { Lesson, type LessonRule } from '../config/calendar-schema.ts';
import type { HubConfigInput } from '../config/schema.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { findServer, requestStart, touchServer } from '../servers/servers.service.ts';
import type { TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { findUser, updateUser } from '../users/users.service.ts';
import { keepCalendar, wantedSpares } from './calendar.service.ts';
import { lessonsBetween, sparesAt } from './lessons.ts';
import { atWall } from './zone.ts';

const MINUTE = 60_000;
const WAIT = { timeout: 20_000, interval: 50 };
const rule = (change: object = {}): LessonRule =>
  Lesson.parse({ group: 'bio', days: ['mon'], start: '09:00', end: '10:30', timeZone: 'Europe/Zurich', ...change });
const iso = (at: number) => new Date(at).toISOString().slice(0, 16);

describe('when lessons are', () => {
  test('nine in the morning stays nine when clocks change', () => {
    const lessons = lessonsBetween([rule()], Date.UTC(2026, 9, 17), Date.UTC(2026, 10, 3));
    expect(lessons.map(({ start }) => iso(start))).toEqual([
      '2026-10-19T07:00',
      '2026-10-26T08:00',
      '2026-11-02T08:00',
    ]);
    expect(lessons[0]).toMatchObject({
      startServersAt: Date.UTC(2026, 9, 19, 6, 50),
      stopUnusedAt: Date.UTC(2026, 9, 19, 7, 20),
      end: Date.UTC(2026, 9, 19, 8, 30),
    });
  });

  test.for([
    ['Europe/Zurich', Date.UTC(2026, 2, 29, 2, 30), '2026-03-29T01:30'], // skipped: as long after the change
    ['Europe/Zurich', Date.UTC(2026, 9, 25, 2, 30), '2026-10-25T00:30'], // twice: the first time
    ['America/New_York', Date.UTC(2026, 2, 8, 2, 30), '2026-03-08T07:30'],
    ['Australia/Lord_Howe', Date.UTC(2026, 9, 4, 2, 15), '2026-10-03T15:45'], // half an hour of change
    ['Pacific/Kiritimati', Date.UTC(2026, 0, 1, 0, 30), '2025-12-31T10:30'],
    ['Asia/Kathmandu', Date.UTC(2026, 0, 1, 12), '2026-01-01T06:15'],
  ] as const)('the wall clock of %s is read right around its changes', ([zone, wall, expected]) => {
    expect(iso(atWall(wall, zone))).toBe(expected);
  });

  test('days are those of its zone; first and last day, and lessons over midnight, are kept', () => {
    const far = rule({ timeZone: 'Pacific/Auckland', start: '08:00', end: '09:00' });
    expect(iso(lessonsBetween([far], Date.UTC(2026, 10, 21), Date.UTC(2026, 10, 24))[0]?.start ?? 0)).toBe(
      '2026-11-22T19:00',
    );
    const term = rule({ from: '2026-11-09', until: '2026-11-23' });
    const days = lessonsBetween([term], Date.UTC(2026, 10, 1), Date.UTC(2026, 11, 31)).map(({ day }) => day);
    expect(days).toEqual(['2026-11-09', '2026-11-16', '2026-11-23']);
    const night = rule({ start: '22:00', end: '01:00' });
    const [lesson] = lessonsBetween([night], Date.UTC(2026, 10, 23, 12), Date.UTC(2026, 10, 24));
    expect([iso(lesson?.start ?? 0), iso(lesson?.end ?? 0)]).toEqual(['2026-11-23T21:00', '2026-11-24T00:00']);
  });

  test('spares of lessons at the same time add up, and only while they are on', () => {
    const rules = [rule({ spares: { small: 3 } }), rule({ users: ['x'], spares: { small: 2, gpu: 1 } })];
    expect(sparesAt(rules, Date.UTC(2026, 10, 23, 7, 50))).toEqual({ small: 5, gpu: 1 });
    expect(sparesAt(rules, Date.UTC(2026, 10, 23, 7, 49))).toEqual({});
    expect(sparesAt(rules, Date.UTC(2026, 10, 23, 9, 30))).toEqual({});
  });

  test.for([
    [{ days: ['monday'] }, /Invalid option/],
    [{ start: '9:00' }, /time of day/],
    [{ timeZone: 'Zurich' }, /time zone/],
    [{ from: '2026-02-30' }, /no such day/],
    [{ from: '2026-12-01', until: '2026-11-01' }, /ends before/],
    [{ group: undefined }, /Name a group/],
    [{ end: '09:00' }, /ends when it begins/],
  ] as const)('a lesson that cannot be is refused in words: %o', ([change, words]) => {
    expect(() => rule(change)).toThrow(words);
  });
});

/** Monday 08:49 in Zurich. */
const BEFORE = Date.UTC(2026, 10, 23, 7, 49);

onBothDatabases((on) => {
  const calendar = [
    {
      group: 'bio',
      days: ['mon' as const],
      start: '09:00',
      end: '10:30',
      timeZone: 'Europe/Zurich',
      spares: { small: 2 },
    },
  ];
  async function open(config: Partial<HubConfigInput> = {}) {
    const clock = shiftedClock(BEFORE);
    const world = new EchoWorld();
    const hub = await apiHub({ on, clock, spawner: echoSpawner({ world }), config: { calendar, ...config } });
    for (const name of ['ada', 'bob', 'cyd', 'dan', 'eve']) {
      const { user } = await signedIn(hub, name);
      await updateUser(hub.ctx.db, user.id, {
        authGroups: name === 'eve' ? [] : ['bio'],
        blocked: name === 'dan',
      });
    }
    return { hub, clock, world };
  }
  const serverOf = async (hub: TestHub, name: string) => {
    const user = await findUser(hub.ctx.db, name);
    return user && findServer(hub.ctx.db, user.id, '');
  };
  const phases = async (hub: TestHub, names: readonly string[]) =>
    Promise.all(names.map(async (name) => (await serverOf(hub, name))?.phase));

  test('a lesson starts its members’ servers once, and stops those that nobody opened, never others', async () => {
    const { hub, clock } = await open();
    await using _ = hub;
    // Cyd is early, and works already.
    const cyd = await findUser(hub.ctx.db, 'cyd');
    if (cyd) await requestStart(hub.ctx, cyd, '', { by: 'cyd' });
    await expect.poll(() => phases(hub, ['cyd']), WAIT).toEqual(['ready']);
    await keepCalendar(hub.ctx);
    expect(await phases(hub, ['ada', 'bob'])).toEqual([undefined, undefined]);

    clock.move(MINUTE);
    expect(wantedSpares(hub.ctx)).toEqual({ small: 2 });
    await Promise.all([keepCalendar(hub.ctx), keepCalendar(hub.ctx)]);
    await expect.poll(() => phases(hub, ['ada', 'bob', 'cyd']), WAIT).toEqual(['ready', 'ready', 'ready']);
    await keepCalendar(hub.ctx);
    expect((await serverOf(hub, 'ada'))?.generation).toBe(1);
    expect(await phases(hub, ['dan', 'eve'])).toEqual([undefined, undefined]);

    clock.move(15 * MINUTE);
    const bob = await serverOf(hub, 'bob');
    await touchServer(hub.ctx.db, bob?.id ?? '', { lastActivity: clock.now() });
    clock.set(Date.UTC(2026, 10, 23, 8, 20));
    await keepCalendar(hub.ctx);
    await expect.poll(() => phases(hub, ['ada']), WAIT).toEqual(['stopped']);
    expect((await serverOf(hub, 'ada'))?.stopReason?.code).toBe('unused');
    await keepCalendar(hub.ctx);
    expect(await phases(hub, ['ada', 'bob', 'cyd'])).toEqual(['stopped', 'ready', 'ready']);
  });

  test('a server with a running cell counts as used, although nobody touched it since', async () => {
    const { hub, clock, world } = await open();
    await using _ = hub;
    clock.move(MINUTE);
    await keepCalendar(hub.ctx);
    await expect.poll(() => phases(hub, ['ada', 'bob']), WAIT).toEqual(['ready', 'ready']);
    world.running = ['long.ipynb'];
    clock.set(Date.UTC(2026, 10, 23, 8, 20));
    await keepCalendar(hub.ctx);

    expect(await phases(hub, ['ada', 'bob'])).toEqual(['ready', 'ready']);
    expect((await serverOf(hub, 'ada'))?.desired).toBe('running');
  });

  test('what a hub that died meant to start is started by the next; what it had started is not started again', async () => {
    const { hub, clock } = await open();
    await using _ = hub;
    clock.move(MINUTE);
    const [lesson] = lessonsBetween(hub.ctx.config.calendar, clock.now(), clock.now() + 1);
    const ada = await findUser(hub.ctx.db, 'ada');
    const row = {
      lesson: lesson?.key ?? '',
      server_name: '',
      server_id: null,
      generation: 1,
      state: 'started',
      at: clock.now(),
    };
    await hub.ctx.db
      .insertInto('lesson_starts')
      .values({ ...row, user_id: ada?.id ?? 0 })
      .execute();
    const bob = await findUser(hub.ctx.db, 'bob');
    await hub.ctx.db
      .insertInto('lesson_starts')
      .values({ ...row, user_id: bob?.id ?? 0 })
      .execute();
    if (bob) await requestStart(hub.ctx, bob, '', { by: 'calendar' });
    await expect.poll(() => phases(hub, ['bob']), WAIT).toEqual(['ready']);
    await keepCalendar(hub.ctx);
    await expect.poll(() => phases(hub, ['ada', 'bob']), WAIT).toEqual(['ready', 'ready']);
    expect((await serverOf(hub, 'bob'))?.generation).toBe(1);

    clock.set(Date.UTC(2026, 10, 23, 8, 20));
    await keepCalendar(hub.ctx);
    await expect.poll(() => phases(hub, ['ada', 'bob']), WAIT).toEqual(['stopped', 'stopped']);
  });

  test('one person’s limit keeps nobody else from their lesson; the page says what was and will be', async () => {
    const { hub, clock } = await open({ limits: { users: { ada: { concurrentServers: 0 } } } });
    await using _ = hub;
    clock.move(MINUTE);
    await keepCalendar(hub.ctx);
    await expect.poll(() => phases(hub, ['bob', 'cyd']), WAIT).toEqual(['ready', 'ready']);
    expect((await serverOf(hub, 'ada'))?.phase).toBeUndefined();

    const page = await (await signedIn(hub, 'root', { admin: true })).get('/hub/admin/calendar');
    expect(page.text).toContain('2 started, 0 already on, 1 refused');
    expect(page.text).toMatch(/Mon,? 30 Nov,? 09:00, Europe.Zurich/);
    expect((await (await signedIn(hub, 'bob')).get('/hub/admin/calendar')).status).toBe(403);
  });
});
