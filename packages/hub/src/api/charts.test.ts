import { expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { count, recordReady, recordTrouble } from '../rollups/rollups.service.ts';
import type { ApiCall, TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { createUser, touchUser } from '../users/users.service.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

interface Charts {
  activity: { start: string; people: number; servers: number }[];
  starts: {
    ready: number;
    failed: number;
    seconds: Record<string, number | null>;
    histogram: { le: number | null; count: number }[];
    per_step: { start: string; ready: number; failed: number }[];
  };
  failures: { code: string; kind: string; words: string; count: number }[];
}

const HOUR = 3_600_000;
/** A Tuesday, 10:20 in Zürich. */
const MORNING = Date.UTC(2026, 10, 17, 9, 20);
const charts = { timeZone: 'Europe/Zurich' } as const;
const signal = AbortSignal.timeout(120_000);

async function read(api: ApiCall, query: string): Promise<Charts> {
  const { status, body } = await api('GET', `/atrium/charts?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as Charts;
}

async function people({ ctx }: TestHub, ...names: string[]): Promise<number[]> {
  const made = await Promise.all(names.map((name) => createUser(ctx.db, { name, now: MORNING })));
  return made.map((user) => user?.id ?? 0);
}

onBothDatabases((on) => {
  test('who is active counts once in an hour and once in a day, however often and by however many it is looked', async () => {
    const clock = shiftedClock(MORNING);
    await using hub = await apiHub({ on, clock, config: { charts }, controller: false });
    const { ctx } = hub;
    const [ada = 0, bob = 0, cleo = 0] = await people(hub, 'ada', 'bob', 'cleo');
    const look = () => count(ctx, signal);

    await touchUser(ctx.db, ada, clock.now());
    await touchUser(ctx.db, bob, clock.now());
    await look();
    await Promise.all([look(), look()]);
    clock.move(45 * 60_000); // 11:05
    await touchUser(ctx.db, ada, clock.now());
    await look();
    clock.move(HOUR); // 12:05, and the last minute before noon was not looked at
    await touchUser(ctx.db, cleo, clock.now() - 6 * 60_000);
    clock.move(-60_000);
    await look();
    clock.move(15 * HOUR);
    await touchUser(ctx.db, bob, clock.now());
    await look();

    // Whoever asks is active, too: on a day of their own.
    clock.move(24 * HOUR);
    const root = await hub.api({ name: 'root', admin: true });
    const hours = await read(root, 'since=2026-11-17T09:00:00Z&until=2026-11-17T12:00:00Z&step=hour');
    expect(hours.activity.map(({ start, people }) => [start, people])).toEqual([
      ['2026-11-17T09:00:00Z', 2],
      ['2026-11-17T10:00:00Z', 2],
      ['2026-11-17T11:00:00Z', 0],
    ]);
    const days = await read(root, 'since=2026-11-17T08:00:00Z&until=2026-11-18T08:00:00Z&step=day');
    expect(days.activity).toEqual([
      { start: '2026-11-16T23:00:00Z', people: 3, servers: 0 },
      { start: '2026-11-17T23:00:00Z', people: 1, servers: 0 },
    ]);
  });

  test('starts that became sums say the same as before, and nothing twice', async () => {
    const clock = shiftedClock(MORNING);
    await using hub = await apiHub({ on, clock, config: { charts: { ...charts, keep: '10d' } }, controller: false });
    const { ctx } = hub;
    const root = await hub.api({ name: 'root', admin: true });
    const life = (generation: number) => ({ id: 'server', generation });
    for (const [at, seconds] of [4, 9, 9, 700].entries()) {
      await recordReady(ctx.db, life(at), MORNING + at * 1000, MORNING + at * 1000 - seconds * 1000);
    }
    const full = { code: 'disk_full', message: 'The disk is full.', at: MORNING };
    await recordTrouble(ctx.db, life(10), { kind: 'failed', ...full });
    await recordTrouble(ctx.db, life(10), { kind: 'failed', ...full });
    await recordTrouble(ctx.db, life(1), { kind: 'ended', code: 'exited', message: undefined, at: MORNING + HOUR });
    const query = 'since=2026-11-17&until=2026-11-18&step=hour';

    const before = await read(root, query);
    clock.move(3 * 24 * HOUR);
    await Promise.all([count(ctx, signal), count(ctx, signal)]);
    const after = await read(root, query);

    expect(before.starts).toMatchObject({ ready: 4, failed: 1, seconds: { p50: 10, p90: null } });
    expect(before.starts.histogram.filter(({ count }) => count > 0)).toEqual([
      { le: 5, count: 1 },
      { le: 10, count: 2 },
      { le: null, count: 1 },
    ]);
    expect(before.failures).toMatchObject([
      { code: 'disk_full', kind: 'start', words: 'The disk is full.', count: 1 },
      { code: 'exited', kind: 'ended', words: 'The server ended by itself.', count: 1 },
    ]);
    expect(after.starts).toEqual(before.starts);
    expect(after.failures).toMatchObject([
      { words: 'A disk was full.', count: 1 },
      { code: 'exited', count: 1 },
    ]);
    clock.move(8 * 24 * HOUR);
    await count(ctx, signal);
    expect(await read(root, query)).toMatchObject({ starts: { ready: 0 }, failures: [] });
  });

  test('what really starts and fails is counted, and shown to who may read measurements', async () => {
    await using hub = await apiHub({ on, failFor: ['faye'] });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users', { usernames: ['faye'] });
    expect((await root('POST', '/users/root/server')).status).toBe(201);
    expect((await root('POST', '/users/faye/server')).status).toBe(500);

    const { starts, failures, activity } = await read(root, '');

    expect(starts).toMatchObject({ ready: 1, failed: 1 });
    // At once, before it is next counted.
    expect(activity.at(-1)).toMatchObject({ people: 1, servers: 1 });
    expect(failures).toMatchObject([{ code: 'echo_failed', count: 1 }]);
    expect((await (await hub.api({ name: 'ada' }))('GET', '/atrium/charts')).status).toBe(403);
    expect((await root('GET', '/atrium/charts?since=2020-01-01&step=hour')).status).toBe(400);
    expect((await root('GET', '/atrium/charts?since=2026-11-18&until=2026-11-17')).status).toBe(400);
  });
});

test.skipIf(!hasPostgres)('two hubs that count at the same time count as one', async () => {
  await using place = await testDatabase();
  const clock = shiftedClock(MORNING);
  const open = () => apiHub({ database: place.url, clock, config: { charts }, controller: false });
  await using one = await open();
  await using other = await open();
  const ids = await people(one, 'ada', 'bob');
  for (const id of ids) await touchUser(one.ctx.db, id, clock.now());
  for (let at = 0; at < 40; at += 1) {
    const life = { id: `server${at}`, generation: 1 };
    await recordTrouble(one.ctx.db, life, { kind: 'failed', code: 'lost', message: 'x', at: MORNING - 72 * HOUR });
  }

  await Promise.all([count(one.ctx, signal), count(other.ctx, signal), count(one.ctx, signal)]);

  const root = await one.api({ name: 'root', admin: true });
  const { activity, starts } = await read(root, 'since=2026-11-14&until=2026-11-18&step=day');
  expect(starts.failed).toBe(40);
  expect(activity.map(({ people }) => people)).toEqual([0, 0, 0, 2, 0]);
});
