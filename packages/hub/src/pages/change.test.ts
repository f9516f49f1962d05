import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { wantRunning, wantStopped } from '../servers/servers.repo.ts';
import { findServer, isReady, type Server } from '../servers/servers.service.ts';
import { startTestHub } from '../testing/index.ts';
import { signedIn } from './testing/signed-in.ts';

const WAIT = { timeout: 15_000, interval: 50 };
const PROFILES = [
  { id: 'small', title: 'Small', perHour: 0.0416 },
  { id: 'big', title: 'Big', perHour: 1.5 },
  { id: 'gpu', title: 'GPU', perHour: 0.526, groups: ['vision'] },
];

async function open() {
  const world = new EchoWorld();
  const hub = await startTestHub({
    spawner: echoSpawner({ profiles: PROFILES, world }),
    authenticator: sharedPassword({ password: new Secret('x') }),
  });
  const ada = await signedIn(hub, 'ada');
  const server = async (): Promise<Server> => {
    const row = await findServer(hub.ctx.db, ada.user.id, '');
    if (!row) throw new Error('no server');
    return row;
  };
  const ready = async (generation: number) => {
    await expect
      .poll(async () => [isReady(await server()), (await server()).generation], WAIT)
      .toEqual([true, generation]);
  };
  await ada.post('/hub/spawn/ada', { 'opt-profile': 'small' });
  await ready(1);
  return { hub, world, ada, server, ready };
}

test('a running server is changed to another kind: it stops and starts anew, after a question where something runs', async () => {
  const { hub, world, ada, server, ready } = await open();
  await using _ = hub;

  expect((await ada.get('/hub/home')).text).toContain('href="/hub/change/ada"');
  const page = await ada.get('/hub/change/ada');
  expect(page.status).toBe(200);
  expect(page.text).toContain('only in memory');
  expect(page.text).toMatch(/Small <span class="tag">now<\/span>/);

  world.running = ['thesis <b>.ipynb'];
  const asked = await ada.post('/hub/change/ada', { 'opt-profile': 'big' });
  expect(asked.status).toBe(200);
  expect(asked.text).toContain('thesis &lt;b&gt;.ipynb');
  expect(asked.text).toMatch(/name="opt-profile" value="big"[\s\S]*name="sure" value="1"/);
  expect(isReady(await server())).toBe(true);

  const sure = await ada.post('/hub/change/ada', { 'opt-profile': 'big', sure: '1' });
  expect(sure).toMatchObject({ status: 303, location: '/hub/spawn-pending/ada' });
  await ready(2);
  expect((await server()).userOptions).toEqual({ profile: 'big' });
});

test('a start behind a stop that is only decided yet stops it all the same', async () => {
  const { hub, ada, server, ready } = await open();
  await using _ = hub;

  // One after the other, faster than any controller looks.
  const running = await server();
  await hub.ctx.db.transaction().execute(async (db) => {
    await wantStopped(db, running.id, { code: 'user', at: hub.ctx.clock.now() });
    await wantRunning(db, running.id, hub.ctx.clock.now());
  });
  hub.ctx.wakeups.notify('servers', running.id);

  await ready(2);
  expect((await ada.get('/hub/home')).text).toContain('Running');
});

test('who presses Start while the server stops gets it started after the stop, by form as by address', async () => {
  const { hub, ada, server, ready } = await open();
  await using _ = hub;
  const running = await server();
  // A stop that takes long: somebody else's, so that the controller leaves it alone.
  const held = { lease_owner: 'other', lease_until: Date.now() + 600_000 };
  await wantStopped(hub.ctx.db, running.id, { code: 'idle', at: hub.ctx.clock.now() });
  await hub.ctx.db
    .updateTable('servers')
    .set({ phase: 'stopping', ...held })
    .execute();

  expect(await ada.post('/hub/spawn/ada', { 'opt-profile': 'big' })).toMatchObject({
    status: 302,
    location: '/hub/spawn-pending/ada',
  });
  await hub.ctx.db.updateTable('servers').set({ lease_until: 0 }).execute();
  hub.ctx.wakeups.notify('servers', running.id);

  await ready(2);
  expect((await server()).userOptions).toEqual({ profile: 'big' });
  expect((await ada.post('/hub/spawn/ada', { 'opt-profile': 'big' })).status).toBe(400);
});

test('what cannot be had, or is so already, stops nothing; nobody changes what is not theirs', async () => {
  const { hub, ada, server } = await open();
  await using _ = hub;

  const refused = await ada.post('/hub/change/ada', { 'opt-profile': 'gpu' });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain('Only for members of vision');
  expect((await ada.post('/hub/change/ada', { 'opt-profile': 'small' })).text).toContain('of this kind already');
  expect((await ada.post('/hub/change/ada', { 'opt-profile': 'huge' })).status).toBe(422);
  expect((await ada.post('/hub/change/ada', {})).status).toBe(422);
  const bob = await signedIn(hub, 'bob');
  expect((await bob.get('/hub/change/ada')).status).toBe(404);
  expect((await bob.post('/hub/change/ada', { 'opt-profile': 'big' })).status).toBe(404);
  // Nothing of theirs runs: chosen for at the start.
  expect((await bob.get('/hub/change/bob')).status).toBe(404);
  expect(isReady(await server())).toBe(true);
  expect((await server()).generation).toBe(1);
});
