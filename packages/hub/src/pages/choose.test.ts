import { sharedPassword } from '@atrium/auth-shared-password';
import { bytesOf, type FormFile, Secret } from '@atrium/sdk';
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

type Options = NonNullable<Parameters<typeof echoSpawner>[0]>;

const open = (config: Partial<HubConfigInput> = {}, profiles = PROFILES, more: Options = {}) =>
  startTestHub({
    spawner: echoSpawner({ profiles, ...more }),
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

  // What it is to be called comes along through the form.
  const asked = (await ada.post('/hub/home/new', { name: 'has.dot' })).location;
  expect(asked).toBe('/hub/spawn/ada/has-dot-03e27fdf?display_name=has.dot');
  expect((await ada.get(asked)).text).toContain('name="display_name" value="has.dot"');
  await ada.post('/hub/spawn/ada/has-dot-03e27fdf', { 'opt-profile': 'small', display_name: 'has.dot' });
  expect((await serverOf(hub, ada, 'has-dot-03e27fdf'))?.displayName).toBe('has.dot');
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

const FIELDS: Options['fields'] = [
  { name: 'course', label: 'Course', kind: 'text', required: true },
  { name: 'colour', label: 'Colour', kind: 'choice', choices: [{ value: 'red', title: 'Red' }] },
  { name: 'data', label: 'Data', kind: 'file', hint: 'A small table.' },
];

/** Sends the form of the page as a browser does: file inputs that nobody touched are there, too. */
async function sendForm(ada: Person, fields: Record<string, string | Blob[]>, path = '/hub/spawn/ada') {
  await ada.browser.fetch('/hub/token');
  const form = new FormData();
  form.set('_xsrf', [...ada.browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '');
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.set(name, value);
    else for (const file of value) form.append(name, file, (file as File).name);
  }
  const reply = await ada.browser.fetch(path, { method: 'POST', body: form });
  return { status: reply.status, location: reply.headers.get('location'), text: await reply.text() };
}
const EMPTY = [new File([], '', { type: 'application/octet-stream' })];

test('a form asks for more than the kind, files included, and what is said the next time is there already', async () => {
  await using hub = await open({}, PROFILES.slice(0, 1), { fields: FIELDS });
  const ada = await signedIn(hub, 'ada');
  const page = await ada.get('/hub/spawn');
  const files = [new File(['a;b\n1;é\n'], 'täble.csv', { type: 'text/csv' }), new File(['\0\xff'], 'raw')];

  const sent = await sendForm(ada, {
    next: '/user/ada/lab',
    'opt-profile': 'small',
    'opt-course': 'Physics 101',
    'opt-colour': '',
    'opt-data': files,
    ignored: 'as it has no prefix',
  });

  expect(page.text).toContain('enctype="multipart/form-data"');
  expect(page.text).toMatch(/<label for="opt-data">Data <span class="muted">\(optional\)/);
  expect([sent.status, sent.location]).toEqual([302, '/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Flab']);
  const options = (await serverOf(hub, ada))?.userOptions;
  expect(options).toMatchObject({ profile: 'small', course: 'Physics 101' });
  expect(Object.keys(options ?? {}).sort()).toEqual(['course', 'data_file', 'profile']);
  const stored = (options?.data_file ?? []) as FormFile[];
  expect(stored.map(({ filename, content_type: type }) => [filename, type])).toEqual([
    ['täble.csv', 'text/csv'],
    ['raw', 'application/octet-stream'],
  ]);
  for (const [at, file] of files.entries())
    expect(Buffer.from(bytesOf(stored[at] as FormFile))).toEqual(Buffer.from(await file.arrayBuffer()));

  await waitForServer(hub.ctx, (await serverOf(hub, ada))?.id ?? '', isReady, WAIT.timeout);
  await ada.post('/hub/home/stop', { server: '' });
  await expect.poll(async () => (await serverOf(hub, ada))?.phase, WAIT).toBe('stopped');
  expect((await ada.get('/hub/spawn')).text).toContain('value="Physics 101"');
  const again = await sendForm(ada, { profile: 'small', course: 'Maths', data: EMPTY });
  expect(again.status).toBe(302);
  expect((await serverOf(hub, ada))?.userOptions).toEqual({ profile: 'small', course: 'Maths' });
});

test('a form that cannot be taken says why, and starts nothing', async () => {
  await using hub = await open({}, PROFILES.slice(0, 1), { fields: FIELDS });
  const ada = await signedIn(hub, 'ada');
  const file = (bytes: number) => [new File([Buffer.alloc(bytes)], 'big.bin')];

  const without = await sendForm(ada, { 'opt-profile': 'small', 'opt-course': '', 'opt-data': EMPTY });
  const large = await sendForm(ada, { 'opt-profile': 'small', 'opt-course': 'x', 'opt-data': file(600 * 1024) });
  const huge = await sendForm(ada, { 'opt-profile': 'small', 'opt-course': 'x', 'opt-data': file(3 * 1024 * 1024) });
  const nameless = await sendForm(ada, { 'opt-': 'x' });
  const foreign = await ada.browser.fetch('/hub/spawn/ada', { method: 'POST', body: new FormData() });
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  const broken = await ada.browser.fetch('/hub/spawn/ada', { method: 'POST', headers, body: '--x\r\nnothing' });

  expect([without.status, large.status, huge.status, nameless.status]).toEqual([422, 413, 413, 422]);
  expect(without.text).toContain('Course: this is needed.');
  expect(large.text).toContain('The files are too large: 600 KB. All files of one form may have 512 KB.');
  expect(huge.text).toContain('That is too large');
  expect([foreign.status, broken.status]).toEqual([403, 400]);
  expect(await serverOf(hub, ada)).toBeUndefined();
});
