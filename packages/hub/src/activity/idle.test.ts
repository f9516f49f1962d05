import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { apiHub, onBothDatabases } from '../api/test-hub.ts';
import type { HubConfigInput } from '../config/schema.ts';
import { signedIn } from '../pages/testing/signed-in.ts';
import { findServer, requestStart, touchServer } from '../servers/servers.service.ts';
import type { TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { findUser, updateUser } from '../users/users.service.ts';
import { runningWork } from './busy.ts';
import { validWarning } from './ending.ts';
import { stopIdle } from './idle.service.ts';

const MINUTE = 60_000;
const WAIT = { timeout: 20_000, interval: 50 };
const NOON = Date.UTC(2026, 10, 21, 12);

onBothDatabases((on) => {
  async function open(config: Partial<HubConfigInput> = {}, profiles: { stopAfter?: number; maxAge?: number }[] = []) {
    const clock = shiftedClock(NOON);
    const world = new EchoWorld();
    const hub = await apiHub({
      on,
      clock,
      config,
      spawner: echoSpawner({ world, profiles: profiles.map((one, at) => ({ id: `${at}`, title: `${at}`, ...one })) }),
    });
    const ada = await signedIn(hub, 'ada');
    await requestStart(hub.ctx, ada.user, '', { by: 'ada' });
    await expect.poll(() => phaseOf(hub), WAIT).toBe('ready');
    /** A sign-in of a test lasts an hour of its clock. */
    const person = () => signedIn(hub, 'ada');
    const home = async () => (await (await person()).get('/hub/home')).text;
    return { hub, clock, world, person, home };
  }
  async function serverOf(hub: TestHub) {
    const user = await findUser(hub.ctx.db, 'ada');
    const server = user && (await findServer(hub.ctx.db, user.id, ''));
    if (!server) throw new Error('ada has no server');
    return server;
  }
  const phaseOf = async (hub: TestHub) => (await serverOf(hub)).phase;
  const isOn = async (hub: TestHub) => (await serverOf(hub)).desired === 'running';

  test('an idle server is stopped only after its owner was warned, and the warning has a button that keeps it', async () => {
    const { hub, clock, person, home } = await open();
    await using _ = hub;

    clock.move(54 * MINUTE);
    await stopIdle(hub.ctx);
    expect(await home()).not.toContain('Keep working');
    clock.move(2 * MINUTE);
    await stopIdle(hub.ctx);
    expect(await home()).toContain('Stops in 5 min, because nobody is using it.');
    clock.move(MINUTE);
    const kept = await (await person()).post('/hub/home/keep', { server: '' });
    expect(kept).toMatchObject({ status: 303, location: '/hub/home?done=kept' });
    expect(await home()).not.toContain('Keep working');

    clock.move(54 * MINUTE);
    await stopIdle(hub.ctx);
    expect(await isOn(hub)).toBe(true);
    clock.move(2 * MINUTE);
    await stopIdle(hub.ctx);
    clock.move(4 * MINUTE + 59_000);
    await stopIdle(hub.ctx);
    expect(await isOn(hub)).toBe(true);
    clock.move(1_000);
    await stopIdle(hub.ctx);
    await expect.poll(() => phaseOf(hub), WAIT).toBe('stopped');
    expect((await serverOf(hub)).stopReason?.code).toBe('idle');
  });

  test('a hub that was away does not stop at once what became idle meanwhile: the warning comes first', async () => {
    const { hub, clock, home } = await open();
    await using _ = hub;

    clock.move(300 * MINUTE);
    await stopIdle(hub.ctx);
    expect(await isOn(hub)).toBe(true);
    expect(await home()).toContain('Stops in 5 min');
    clock.move(5 * MINUTE);
    await stopIdle(hub.ctx);
    expect(await isOn(hub)).toBe(false);
  });

  test('work after a warning makes it void; a running cell prevents one', async () => {
    const { hub, clock, world, home } = await open();
    await using _ = hub;
    clock.move(56 * MINUTE);
    await stopIdle(hub.ctx);
    clock.move(MINUTE);
    await touchServer(hub.ctx.db, (await serverOf(hub)).id, { lastWork: clock.now() });
    expect(await home()).not.toContain('Stops in');
    world.running = ['long.ipynb'];
    clock.move(600 * MINUTE);
    await stopIdle(hub.ctx);
    expect(await home()).not.toContain('Stops in');
    expect(await isOn(hub)).toBe(true);
  });

  test('"keep it on until" holds within its cap, is seen, can be taken back, and ends with a warning', async () => {
    const { hub, clock, person, home } = await open({ idle: { keepOnMax: '3h' } });
    await using _ = hub;

    expect((await (await person()).post('/hub/home/keep-on', { server: '', for: '14400' })).status).toBe(400);
    expect((await (await person()).post('/hub/home/keep-on', { server: '', for: 'x' })).status).toBe(400);
    expect((await (await person()).post('/hub/home/keep-on', { server: '', for: '10800' })).status).toBe(303);
    expect(await home()).toContain('Kept on until');
    clock.move(179 * MINUTE);
    await stopIdle(hub.ctx);
    expect((await serverOf(hub)).warnedAt).toBeNull();
    clock.move(MINUTE);
    await stopIdle(hub.ctx);
    expect(await home()).toContain('Stops in 5 min');
    await (await person()).post('/hub/home/keep-on', { server: '', for: '3600' });
    clock.move(10 * MINUTE);
    await stopIdle(hub.ctx);
    expect(await home()).not.toContain('Stops in');
    await (await person()).post('/hub/home/keep-on', { server: '', for: '0' });
    expect((await serverOf(hub)).keepOnUntil).toBeNull();
    await stopIdle(hub.ctx);
    expect(await isOn(hub)).toBe(false);
  });

  test('the greatest age is told before it ends a server, and nothing keeps it on for longer', async () => {
    const { hub, clock, person, home } = await open({ idle: { stopAfter: 0, maxAge: '2h' } });
    await using _ = hub;
    const ada = await hub.api({ name: 'ada' });

    const too = await ada('PUT', '/atrium/users/ada/server/keep-on', {
      until: new Date(NOON + 180 * MINUTE).toISOString(),
    });
    expect([too.status, too.body]).toEqual([
      400,
      expect.objectContaining({ message: expect.stringContaining('2026-11-21T14:00') }),
    ]);
    clock.move(116 * MINUTE);
    expect(await home()).toContain('Stops in 4 min, because it has then run for as long as a server may.');
    expect(await home()).not.toContain('Keep working');
    await (await person()).post('/hub/home/keep', { server: '' });
    clock.move(4 * MINUTE);
    await stopIdle(hub.ctx);
    await expect.poll(() => phaseOf(hub), WAIT).toBe('stopped');
  });

  test('the kind of server says when it stops, unless its owner chose something sooner', async () => {
    const { hub, clock, home, world } = await open({}, [{ stopAfter: 600, maxAge: 7200 }]);
    await using _ = hub;
    const stopAfter = async (seconds: number | null) => {
      await updateUser(hub.ctx.db, (await serverOf(hub)).userId, { stopAfter: seconds });
      await stopIdle(hub.ctx);
      return validWarning(await serverOf(hub)) === null;
    };

    clock.move(4 * MINUTE);
    expect(await stopAfter(null)).toBe(true);
    // Half of five minutes is its warning; a longer time than the kind's is no longer time.
    expect(await stopAfter(300)).toBe(false);
    await touchServer(hub.ctx.db, (await serverOf(hub)).id, { lastWork: clock.now() + 1 });
    clock.move(6 * MINUTE);
    await stopAfter(1800);
    expect(await home()).toContain('Stops in 5 min, because nobody is using it.');
    await touchServer(hub.ctx.db, (await serverOf(hub)).id, { lastWork: clock.now() + 1 });
    clock.move(108 * MINUTE);
    world.running = ['long.ipynb'];
    expect(await stopAfter(0)).toBe(true);
    expect(await home()).toContain('as long as a server may');
    clock.move(2 * MINUTE);
    await stopIdle(hub.ctx);
    await expect.poll(() => phaseOf(hub), WAIT).toBe('stopped');
    expect((await serverOf(hub)).stopReason?.code).toBe('max_age');
  });

  test('the API does the same as the page, for those who may', async () => {
    const { hub, clock } = await open();
    await using _ = hub;
    const [ada, bob] = [await hub.api({ name: 'ada' }), await hub.api({ name: 'bob' })];
    const url = '/atrium/users/ada/server';
    clock.move(56 * MINUTE);
    await stopIdle(hub.ctx);

    expect((await ada('GET', `${url}/stay`)).body).toEqual({
      stops_at: '2026-11-21T13:01:00.000Z',
      stops_because: 'idle',
      kept_on_until: null,
    });
    expect((await ada('POST', `${url}/keep-working`)).body).toMatchObject({ stops_at: null });
    const until = new Date(clock.now() + 60 * MINUTE).toISOString();
    expect((await ada('PUT', `${url}/keep-on`, { until })).body).toMatchObject({ kept_on_until: until });
    expect((await ada('DELETE', `${url}/keep-on`)).body).toMatchObject({ kept_on_until: null });
    expect((await ada('PUT', `${url}/keep-on`, { until: 'tomorrow' })).status).toBe(400);
    expect((await bob('POST', `${url}/keep-working`)).status).toBe(404);
    const reader = await hub.api({ name: 'ada' }, ['read:servers!user=ada']);
    expect((await reader('POST', `${url}/keep-working`)).status).toBe(403);
  });

  test('stopping under a running cell asks first and says what runs; saying so again stops it', async () => {
    const { hub, world, person } = await open();
    await using _ = hub;
    world.running = ['thesis <b>.ipynb', 'b.ipynb'];

    expect(await runningWork(hub.ctx, await serverOf(hub))).toEqual(['thesis <b>.ipynb', 'b.ipynb']);
    const asked = await (await person()).post('/hub/home/stop', { server: '' });
    expect(asked.status).toBe(200);
    expect(asked.text).toContain('thesis &lt;b&gt;.ipynb');
    expect(await isOn(hub)).toBe(true);
    const sure = await (await person()).post('/hub/home/stop', { server: '', sure: '1' });
    expect(sure.status).toBe(303);
    await expect.poll(() => phaseOf(hub), WAIT).toBe('stopped');
  });
});
