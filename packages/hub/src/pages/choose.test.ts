import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import type { HubConfigInput } from '../config/schema.ts';
import { findServer, isReady, requestStop, waitForServer } from '../servers/servers.service.ts';
import { startTestHub, type TestHub } from '../testing/index.ts';
import { type Person, signedIn } from './testing/signed-in.ts';

const WAIT = { timeout: 15_000, interval: 50 };
const PROFILES = [
  { id: 'small', title: 'Small', description: 'For the exercises.', facts: ['2 vCPU', '4 GiB'], perHour: 0.0416 },
  { id: 'big', title: 'Big', facts: ['8 vCPU'], perHour: 1.5 },
  { id: 'gpu', title: 'GPU', facts: ['1 × T4'], perHour: 0.526, groups: ['vision'] },
  { id: 'odd', title: 'Odd', perHour: null },
];

const open = (config: Partial<HubConfigInput> = {}, profiles = PROFILES) =>
  startTestHub({
    spawner: echoSpawner({ profiles }),
    authenticator: sharedPassword({ password: new Secret('x') }),
    config,
  });

const serverOf = (hub: TestHub, person: Person, name = '') => findServer(hub.ctx.db, person.user.id, name);
/** The choice's own piece of the page. */
const part = (page: string, id: string) =>
  /<label class="choice">[\s\S]*?<\/label>/g
    [Symbol.matchAll](page)
    .map(([text]) => text)
    .find((text) => text.includes(`value="${id}"`)) ?? '';

test('a start asks what kind, shows what each costs and why one cannot be had, and remembers the choice', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');

  const page = await ada.get('/hub/spawn?next=%2Fuser%2Fada%2Flab');

  expect(page.status).toBe(200);
  expect(await serverOf(hub, ada)).toBeUndefined();
  expect(part(page.text, 'small')).toMatch(
    /checked[\s\S]*\$0\.0416 an hour[\s\S]*2 vCPU · 4 GiB[\s\S]*For the exercises/,
  );
  expect(part(page.text, 'big')).toContain('$1.50 an hour');
  expect(part(page.text, 'odd')).toContain('price unknown');
  expect(part(page.text, 'gpu')).toMatch(/disabled[\s\S]*Only for members of vision/);
  expect(page.text).toContain('name="next" value="/user/ada/lab"');
  expect(part((await ada.get('/hub/spawn?profile=big')).text, 'big')).toContain(' checked');
  expect(part((await ada.get('/hub/spawn?profile=gpu')).text, 'gpu')).not.toContain(' checked');

  const sent = await ada.post('/hub/spawn/ada', { 'opt-profile': 'big', next: '/user/ada/lab' });
  expect(sent).toMatchObject({ status: 302, location: '/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Flab' });
  await expect.poll(async () => (await serverOf(hub, ada))?.phase, WAIT).toBe('ready');
  const running = await serverOf(hub, ada);
  expect(running?.userOptions).toEqual({ profile: 'big' });
  const { spec } = await hub.ctx.db.selectFrom('servers').select('spec').executeTakeFirstOrThrow();
  expect(JSON.parse(spec ?? '')).toEqual({ user: 'ada', profile: 'big' });

  if (!running) throw new Error('no server');
  await requestStop(hub.ctx, running, { code: 'user' });
  await waitForServer(hub.ctx, running.id, ({ phase }) => phase === 'stopped', WAIT.timeout);
  expect(part((await ada.get('/hub/spawn')).text, 'big')).toContain(' checked');
  // From the home page the last choice is good without being asked again; another one is a link away.
  expect((await ada.get('/hub/home')).text).toContain('href="/hub/spawn/ada"');
  expect((await ada.post('/hub/home/start', { server: '' })).location).toBe('/hub/spawn-pending/ada');
  const again = await waitForServer(hub.ctx, running.id, isReady, WAIT.timeout);
  expect(again.userOptions).toEqual({ profile: 'big' });
});

test('who never chose is asked, from the home page and for a new server too', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');

  expect((await ada.post('/hub/home/start', { server: '' })).location).toBe('/hub/spawn/ada');
  expect((await ada.post('/hub/home/new', { name: 'thesis' })).location).toBe('/hub/spawn/ada/thesis');
  expect((await ada.post('/hub/spawn/ada/thesis', { 'opt-profile': 'small' })).location).toBe(
    '/hub/spawn-pending/ada/thesis',
  );
  expect((await serverOf(hub, ada, 'thesis'))?.userOptions).toEqual({ profile: 'small' });
});

test('what cannot be is refused in words, by the page and by the API, and nothing starts', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');
  const api = await hub.api({ name: 'ada' });

  const gpu = await ada.post('/hub/spawn/ada', { 'opt-profile': 'gpu' });
  const none = await ada.post('/hub/spawn/ada', { 'opt-profile': 'huge' });
  const byApi = await api('POST', '/users/ada/server', { profile: 'gpu' });
  const unknown = await api('POST', '/users/ada/server', { user_options: { profile: 'huge' } });
  const odd = await api('POST', '/users/ada/server', { user_options: { profile: 'small', more: 1 } });

  expect([gpu.status, none.status, byApi.status, unknown.status, odd.status]).toEqual([403, 422, 403, 422, 422]);
  expect(gpu.text).toContain('GPU cannot be started: Only for members of vision.');
  expect(part(gpu.text, 'small')).toContain(' checked');
  expect(unknown.body).toMatchObject({ message: 'profile: Choose one of small, big, gpu, odd' });
  expect(await serverOf(hub, ada)).toBeUndefined();

  expect((await api('POST', '/users/ada/server', { profile: 'big' })).status).toBe(201);
  expect((await serverOf(hub, ada))?.userOptions).toEqual({ profile: 'big' });
});

test('members of a group have its kinds; limits grey out what is too dear, or has no price', async () => {
  await using hub = await open({
    groups: { vision: { users: ['ada'] } },
    limits: { default: { maxPerHour: 1 } },
  });
  const ada = await signedIn(hub, 'ada');

  const { text } = await ada.get('/hub/spawn');

  expect(part(text, 'gpu')).not.toContain('disabled');
  expect(part(text, 'big')).toMatch(/disabled[\s\S]*class="bad"/);
  expect(part(text, 'odd')).toMatch(/disabled[\s\S]*class="bad"/);
  expect((await ada.post('/hub/spawn/ada', { 'opt-profile': 'big' })).status).toBe(400);
});

test('one kind that can be had is not asked for; one that cannot be had says why', async () => {
  await using one = await open({}, PROFILES.slice(0, 1));
  const ada = await signedIn(one, 'ada');
  expect((await ada.get('/hub/spawn')).location).toBe('/hub/spawn-pending/ada');

  await using none = await open({}, PROFILES.slice(2, 3));
  const bob = await signedIn(none, 'bob');
  const { status, text } = await bob.get('/hub/spawn');
  expect(status).toBe(200);
  expect(text).toContain('Only for members of vision.');
  expect(text).not.toContain('class="primary"');
});
