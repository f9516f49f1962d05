import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { type IdleRules, listIdle } from '../activity/idle.repo.ts';
import type { Db } from '../db/types.ts';
import { deleteRoutesOf, putRoute, readRouteChanges, readRoutes, routeVersion } from '../routes/routes.repo.ts';
import { insertUser } from '../users/users.repo.ts';
import {
  admit,
  dropForeignLeases,
  findWork,
  listDue,
  renewLeases,
  saveReady,
  saveStep,
  takeLease,
} from './controller/controller.repo.ts';
import { deleteEventsBefore, insertEvents, readEvents, recentStartTimes } from './events.repo.ts';
import { countBusy, failQueued, readQueue } from './queue.repo.ts';
import * as repo from './servers.repo.ts';

const NOW = 1_800_000_000_000;
const READY = { now: NOW, address: { kind: 'unix', path: '/run/a' }, observed: { phase: 'running' } } as const;

async function addServer(db: Db, id: string, userName: string, name = ''): Promise<void> {
  const user =
    (await insertUser(db, { name: userName, now: NOW })) ??
    (await db.selectFrom('users').select('id').where('name', '=', userName).executeTakeFirstOrThrow());
  await repo.insertServer(db, {
    id,
    userId: user.id,
    name,
    displayName: name,
    userOptions: { a: 1 },
    spawnerId: 'x',
    now: NOW,
  });
}

async function startOf(db: Db, id: string, at: number, owner = 'hub1'): Promise<void> {
  await repo.queueStart(db, id, at);
  const generation = (await repo.findServerById(db, id))?.generation ?? 0;
  await admit(
    db,
    { id, generation, owner },
    { spec: { s: 1 }, ref: { r: id }, now: at, leaseUntil: at + 1000, stopAfter: null, maxAge: null },
  );
}

describeOnDatabases('servers', (open) => {
  test('a start makes a new generation and forgets what the last one left', async () => {
    await using opened = await open();
    const { db } = opened;
    await addServer(db, 's1', 'ada');

    expect(await repo.queueStart(db, 's1', NOW)).toBe(true);
    expect(await repo.queueStart(db, 's1', NOW)).toBe(false);
    expect(await repo.findServerById(db, 's1')).toMatchObject({
      userName: 'ada',
      phase: 'queued',
      desired: 'running',
      generation: 1,
      queuedAt: NOW,
      userOptions: { a: 1 },
      failure: null,
    });

    expect(await repo.wantStopped(db, 's1', { code: 'user', by: 'ada', at: NOW })).toBe(1);
    expect(await repo.findServerById(db, 's1')).toMatchObject({
      phase: 'stopped',
      desired: 'stopped',
      stopReason: { code: 'user', by: 'ada' },
    });
    expect(await repo.deleteServerRow(db, 's1')).toBe(true);
  });

  test('only the holder of the lease may save, and a stop asked for meanwhile wins over ready', async () => {
    await using opened = await open();
    const { db } = opened;
    await addServer(db, 's1', 'ada');
    await startOf(db, 's1', NOW);
    const mine = { id: 's1', generation: 1, owner: 'hub1' };

    expect(await takeLease(db, 's1', 'hub2', NOW, NOW + 5000)).toBe(false);
    expect(await saveStep(db, { ...mine, owner: 'hub2' }, { attempt: '1' })).toBe(false);
    expect(await saveStep(db, { ...mine, generation: 2 }, { attempt: '1' })).toBe(false);
    expect(await saveStep(db, mine, { attempt: '{"zone":"a"}' })).toBe(true);
    expect(await findWork(db, 's1')).toMatchObject({ spec: { s: 1 }, ref: { r: 's1' }, attempt: { zone: 'a' } });

    expect(await repo.wantStopped(db, 's1', { code: 'user', at: NOW })).toBeUndefined();
    expect(await saveReady(db, mine, READY)).toBe(false);
    expect(await listDue(db, NOW, 'hub1')).toEqual(['s1']);
    expect(await listDue(db, NOW, 'hub2')).toEqual([]);
    expect(await takeLease(db, 's1', 'hub2', NOW + 1001, NOW + 5000)).toBe('taken over');
    await renewLeases(db, ['s1'], 'hub2', NOW + 9000);
    expect(await listDue(db, NOW + 8000, 'hub1')).toEqual([]);
    await dropForeignLeases(db, 'hub1');
    expect(await listDue(db, NOW + 8000, 'hub1')).toEqual(['s1']);
  });

  test('the queue gives everybody a first turn before anybody a second', async () => {
    await using opened = await open();
    const { db } = opened;
    for (const [at, [id, user, name]] of [
      ['a1', 'ada', 'x'],
      ['a2', 'ada', 'y'],
      ['b1', 'bob', ''],
      ['c1', 'carl', ''],
    ].entries()) {
      await addServer(db, id ?? '', user ?? '', name);
      await repo.queueStart(db, id ?? '', NOW + at);
    }

    expect(await readQueue(db, 10)).toEqual(['a1', 'b1', 'c1', 'a2']);
    await admit(
      db,
      { id: 'a1', generation: 1, owner: 'h' },
      { spec: null, ref: null, now: NOW, leaseUntil: NOW, stopAfter: null, maxAge: null },
    );
    expect(await countBusy(db)).toMatchObject({ starting: 1 });
    expect(await readQueue(db, 2)).toEqual(['b1', 'c1']);
    await failQueued(db, 'b1', 1, { code: 'x', class: 'config', message: 'no', log: [], at: NOW });
    expect(await readQueue(db, 9)).toEqual(['c1', 'a2']);
    expect((await repo.findServerById(db, 'b1'))?.failure?.message).toBe('no');
  });

  test('events are read after an id; the typical start is measured from request to ready', async () => {
    await using opened = await open();
    const { db } = opened;
    await addServer(db, 's1', 'ada');
    const event = { serverId: 's1', generation: 1, percent: 0, message: 'Server requested', kind: 'progress' as const };
    await insertEvents(db, [
      { ...event, at: NOW },
      { ...event, at: NOW + 1500, percent: 100, kind: 'ready' },
    ]);

    const all = await readEvents(db, 's1', 1, 0);
    expect(all.map((one) => one.kind)).toEqual(['progress', 'ready']);
    expect(await readEvents(db, 's1', 1, all[0]?.id ?? 0)).toHaveLength(1);
    expect(await recentStartTimes(db, 5)).toEqual([1500]);
    await deleteEventsBefore(db, 's1', 2);
    expect(await readEvents(db, 's1', 1, 0)).toEqual([]);
  });

  test('activity moves forward only; idle servers are found by their own, their owner’s or the general setting', async () => {
    await using opened = await open();
    const { db } = opened;
    await addServer(db, 's1', 'ada');
    await startOf(db, 's1', NOW);
    await saveReady(db, { id: 's1', generation: 1, owner: 'hub1' }, READY);
    const idleAt = async (seconds: number, rules: Partial<IdleRules> = {}) =>
      (await listIdle(db, { stopAfter: 3600, maxAge: 0, warnBefore: 0, now: NOW + seconds * 1000, ...rules })).map(
        (row) => row.tooOld,
      );

    expect(await idleAt(3599)).toEqual([]);
    expect(await idleAt(3600)).toEqual([false]);
    expect(await idleAt(3299, { warnBefore: 300 })).toEqual([]);
    expect(await idleAt(3300, { warnBefore: 300 })).toEqual([false]);
    expect(await idleAt(1800, { warnBefore: 9000 })).toEqual([false]);
    expect(await idleAt(10, { stopAfter: 0, maxAge: 0 })).toEqual([]);
    expect(await idleAt(10, { stopAfter: 0, maxAge: 10 })).toEqual([true]);
    const month = 30 * 86_400;
    expect(await idleAt(month, { stopAfter: month, maxAge: 2 * month })).toEqual([false]);
    expect(await idleAt(month, { stopAfter: 0, maxAge: month - 0.5 })).toEqual([true]);

    await repo.touchServer(db, 's1', { lastWork: NOW + 1000, lastActivity: NOW + 9 });
    await repo.touchServer(db, 's1', { lastWork: NOW - 1000, lastActivity: NOW });
    expect(await repo.findServerById(db, 's1')).toMatchObject({ lastWork: NOW + 1000, lastActivity: NOW + 9 });
    expect(await idleAt(3600)).toEqual([]);

    await db.updateTable('users').set({ stop_after: month }).execute();
    expect(await idleAt(month + 1)).toEqual([false]);
    await db.updateTable('users').set({ stop_after: 60 }).execute();
    expect(await idleAt(61)).toEqual([false]);
    await repo.updateServer(db, 's1', { stopAfter: 0, displayName: 'New', userOptions: { b: 2 } });
    expect(await idleAt(99_999)).toEqual([]);
  });

  test('routes carry a version; removals stay known', async () => {
    await using opened = await open();
    const { db } = opened;
    const route = { path: '/user/ada', target: { kind: 'unix' as const, path: '/run/x.sock' }, serverId: 's1' };
    await putRoute(db, route);
    const version = await routeVersion(db);

    expect(await readRoutes(db)).toEqual([route]);
    await deleteRoutesOf(db, 's1');
    await deleteRoutesOf(db, 's1');

    expect(await readRoutes(db)).toEqual([]);
    expect(await readRouteChanges(db, version)).toEqual({ set: [], delete: ['/user/ada'], version: version + 1 });
    expect(await readRouteChanges(db, version + 1)).toEqual({ set: [], delete: [], version: version + 1 });
  });

  test('servers are listed by person and counted', async () => {
    await using opened = await open();
    const { db } = opened;
    await addServer(db, 's1', 'ada');
    await addServer(db, 's2', 'ada', 'thesis');
    const [user] = await db.selectFrom('users').select('id').execute();
    const id = user?.id ?? 0;

    expect((await repo.listServers(db, [id])).get(id)?.map((server) => server.name)).toEqual(['', 'thesis']);
    expect(await repo.countServers(db, { named: id })).toBe(1);
    expect(await repo.countServers(db, 'active')).toBe(0);
    expect((await repo.findServer(db, id, 'thesis'))?.id).toBe('s2');
    expect(
      await repo.insertServer(db, {
        id: 's3',
        userId: id,
        name: 'thesis',
        displayName: '',
        userOptions: {},
        spawnerId: 'x',
        now: NOW,
      }),
    ).toBe(false);
    await startOf(db, 's2', NOW);
    expect((await repo.listActiveServers(db)).map((server) => server.id)).toEqual(['s2']);
    await repo.wantRunning(db, 's2', NOW);
    expect(await repo.findRef(db, 's2')).toBe('{"r":"s2"}');
    expect(await repo.deleteServerRow(db, 's2')).toBe(false);
  });
});
