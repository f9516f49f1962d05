import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import type { HubConfigInput } from '../config/schema.ts';
import { startTestHub } from '../testing/index.ts';
import { findUser, updateUser } from '../users/users.service.ts';
import { type Person, signedIn } from './testing/signed-in.ts';

const WAIT = { timeout: 10_000, interval: 50 };

const open = (config: Partial<HubConfigInput> = {}, spawner: Parameters<typeof echoSpawner>[0] = {}) =>
  startTestHub({ spawner: echoSpawner(spawner), authenticator: sharedPassword({ password: new Secret('x') }), config });

/** Starts a server from its page and waits until the page leads on. */
async function start(person: Person, path = '/hub/spawn'): Promise<string> {
  const { location } = await person.get(path);
  await expect.poll(async () => (await person.get(location)).status, WAIT).toBe(302);
  return (await person.get(location)).location;
}

test('whoever is not signed in is sent to sign in and comes back; addresses without a page lead to one', async () => {
  await using hub = await open();
  const { fetch } = hub.browser();
  const seen = async (path: string, method = 'GET') => {
    const response = await fetch(path, { method });
    return `${response.status} ${response.headers.get('location') ?? ''}`.trim();
  };

  expect(await seen('/')).toBe('302 /hub/');
  expect(await seen('/hub')).toBe('301 /hub/');
  expect(await seen('/hub/')).toBe('302 /hub/login?next=%2Fhub%2F');
  for (const page of [
    'home',
    'token',
    'admin',
    'spawn',
    'spawn/ada',
    'spawn-pending/ada',
    'user-redirect/lab',
    'user/ada/api',
  ]) {
    expect(await seen(`/hub/${page}?a=b`)).toBe(`302 /hub/login?next=${encodeURIComponent(`/hub/${page}?a=b`)}`);
  }
  expect(await seen('/user/ada')).toBe('301 /user/ada/');
  expect(await seen('/user/ada/lab?x=1')).toBe('302 /hub/user/ada/lab?x=1');
  expect(await seen('/user/ada/api', 'POST')).toBe('403');
  expect(await seen('/hub/user/ada/api', 'PUT')).toBe('405');
  expect(await seen('/services/x?a=1')).toBe('301 /services/x/?a=1');
  expect([await seen('/token?a=1'), await seen('/none', 'POST')]).toEqual(['302 /hub/token?a=1', '404']);
  expect([await seen('/hub/health'), await seen('/hub/health', 'HEAD')]).toEqual(['200', '200']);
  for (const page of ['/hub/error/503', '/hub/error/200', '/hub/error/999', '/favicon.ico', '/robots.txt'])
    expect(await seen(page)).toBe('200');
  for (const page of ['/hub/nowhere', '/hub/error/x', '/hub/static/1/none.css', '/hub/oauth_callback'])
    expect(await seen(page)).toBe('404');
});

test('a hub that is mounted below another path keeps to it', async () => {
  await using hub = await open({ basePath: '/jupyter/' });
  const { fetch } = hub.browser();
  const at = async (path: string) => {
    const response = await fetch(path);
    return `${response.status} ${response.headers.get('location') ?? ''}`.trim();
  };

  expect(await at('/jupyter/')).toBe('302 /jupyter/hub/');
  expect(await at('/jupyter/hub')).toBe('301 /jupyter/hub/');
  expect(await at('/jupyter/user/ada/lab?x=1')).toBe('302 /jupyter/hub/user/ada/lab?x=1');
  expect(await at('/jupyter/token')).toBe('302 /jupyter/hub/token');
  expect([await at('/favicon.ico'), await at('/user/ada/')]).toEqual(['404', '404']);
  expect(await (await fetch('/jupyter/hub/error/404')).text()).toContain('href="/jupyter/hub/static/');
});

test('static files of a page may be kept for ever; pages may not, and allow nothing but our own files', async () => {
  await using hub = await open({ branding: { accent: '#8c1515' } });
  const { fetch } = hub.browser();
  const response = await fetch('/hub/error/404');
  const files = [...(await response.text()).matchAll(/(?:href|src)="(\/hub\/static\/[^"]+)"/g)].map(
    ([, url = '']) => url,
  );

  expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(files.some((url) => url.endsWith('brand.css'))).toBe(true);
  for (const url of files) {
    const file = await fetch(url);
    expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
  }
});

test('a start goes over the starting page to where the person was heading, query included', async () => {
  await using hub = await open({}, { startMs: 300 });
  const ada = await signedIn(hub, 'ada');
  const next = '/user/ada/lab/tree/a%20b.ipynb?reset=1';

  const landing = await ada.get('/hub/');
  const begun = await ada.get(`/hub/spawn?next=${encodeURIComponent(next)}`);
  const page = await ada.get(begun.location);
  await expect.poll(async () => (await ada.get(begun.location)).status, WAIT).toBe(302);

  expect(landing.location).toBe('/hub/spawn');
  expect([begun.status, begun.location]).toEqual([302, `/hub/spawn-pending/ada?next=${encodeURIComponent(next)}`]);
  expect(page.status).toBe(200);
  expect(page.text).toContain('Starting your server');
  expect(page.text).toMatch(/data-progress="\/hub\/api\/users\/ada\/server\/progress\?_xsrf=/);
  expect(page.text).toContain('<noscript><meta http-equiv="refresh"');
  expect((await ada.get(begun.location)).location).toBe(next);
  expect((await ada.get('/hub/')).location).toBe('/user/ada/');
  expect((await ada.get('/hub/home')).text).toContain('Open JupyterLab');
  expect((await ada.get('/hub/user-redirect/lab?x=1')).location).toBe(
    `/hub/spawn/ada?next=${encodeURIComponent('/user/ada/lab?x=1')}`,
  );
});

test('a queued start shows its place, and can be cancelled', async () => {
  await using hub = await open({ start: { concurrency: 1 } }, { startMs: 60_000 });
  const [ada, emmy] = [await signedIn(hub, 'ada'), await signedIn(hub, 'emmy')];
  await ada.get('/hub/spawn');
  await expect.poll(async () => (await ada.get('/hub/spawn-pending/ada')).text, WAIT).toContain('Pretending to start');
  await emmy.get('/hub/spawn');
  const json = await emmy.get('/hub/spawn-pending/emmy', { accept: 'application/json' });

  expect(JSON.parse(json.text)).toMatchObject({ state: 'queued', place: 1, steps: [{ message: 'Server requested' }] });
  expect((await emmy.get('/hub/spawn-pending/emmy')).text).toContain('Place in the queue: 1');
  expect((await emmy.get('/hub/spawn-pending/emmy')).text).toContain('You can close this page');

  await emmy.post('/hub/home/new', { name: 'thesis' });
  const stopped = (await emmy.post('/hub/home/stop', { server: 'thesis' })).location;
  expect(stopped).toMatch(/^\/hub\/home\?/);
  expect((await emmy.get(stopped)).text).not.toContain('Your server is being stopped.');
  expect((await emmy.post('/hub/home/stop', { server: '' })).location).toMatch(/^\/hub\/home\?/);
  await expect.poll(async () => (await emmy.get('/hub/spawn-pending/emmy')).text, WAIT).toContain('You stopped it.');
});

test('a start that failed says why, what to do, and shows the output to its owner only', async () => {
  await using hub = await open({}, { failFor: ['ada'] });
  const ada = await signedIn(hub, 'ada');
  const next = '/user/ada/lab?x=1';
  await ada.get('/hub/spawn');
  await expect.poll(async () => (await ada.get('/hub/spawn-pending/ada')).status, WAIT).toBe(500);
  const sent = await ada.get(next.replace('/user/', '/hub/user/'));
  const { text } = await ada.get(sent.location);

  expect([sent.status, sent.location]).toEqual([303, `/hub/spawn-pending/ada?next=${encodeURIComponent(next)}`]);
  expect(text).toContain('Servers of ada fail, as configured.');
  expect(text).toMatch(/name="next" value="\/user\/ada\/lab\?x=1"/);
  expect(text).toMatch(/echo_failed · .* · request [0-9a-f]{16}/);
  expect((await ada.get('/hub/')).location).toBe('/hub/spawn-pending/ada');
  expect((await ada.get('/hub/server-log/ada')).status).toBe(200);
  expect((await (await signedIn(hub, 'emmy')).get('/hub/server-log/ada')).status).toBe(404);
});

test('while what a failed start left is removed, its page says why, and it can be tried again', async () => {
  await using hub = await open({}, { failFor: ['ada'] });
  const ada = await signedIn(hub, 'ada');
  await ada.get('/hub/spawn');
  await expect.poll(async () => (await ada.get('/hub/home')).text, WAIT).toContain('Could not start');
  // A removal that takes long: somebody else's, so that the controller leaves it alone.
  const lease = { lease_owner: 'other', lease_until: Date.now() + 600_000 };
  await hub.ctx.db
    .updateTable('servers')
    .set({ phase: 'stopping', ...lease })
    .execute();

  expect(await ada.get('/hub/spawn-pending/ada')).toMatchObject({
    status: 500,
    text: expect.stringContaining('Servers of ada fail, as configured.'),
  });
  expect((await ada.post('/hub/spawn/ada', {})).location).toBe('/hub/spawn-pending/ada');
  expect(await ada.get('/hub/spawn-pending/ada')).toMatchObject({
    status: 200,
    text: expect.stringMatching(/data-live="2">\s*<h1>Stopping your server/),
  });
});

test('where no server answers: 424 for programs, a page with a way to start for people', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');
  const token = await hub.api({ name: 'ada' });
  await token('GET', '/user');
  const stopped = await ada.get('/hub/user/ada/lab?x=1');
  const polled = await ada.get('/hub/user/ada/api/kernels');
  const asked = await ada.get('/hub/user/ada/lab', { accept: 'application/json, */*' });

  expect(stopped.status).toBe(424);
  expect(stopped.text).toContain('Your server is not running');
  expect(stopped.text).toContain('name="next" value="/user/ada/lab?x=1"');
  expect([polled.status, asked.status]).toEqual([424, 424]);
  expect(JSON.parse(polled.text).message).toBe(
    `JupyterHub server no longer running at /user/ada/api/kernels. Restart the server at ${hub.origin}/hub/spawn/ada`,
  );
  expect((await ada.post('/hub/user/ada/api/kernels')).status).toBe(424);
  expect((await ada.browser.fetch('/hub/user/ada/api', { method: 'POST' })).status).toBe(403);
});

test('the page of a server that does not run may start it by itself, and answer as older JupyterLabs expect', async () => {
  await using hub = await open({ stopped: { status: 503, startAfter: '20s' } });
  const ada = await signedIn(hub, 'ada');

  const page = await ada.browser.fetch('/hub/user/ada/lab?x=1');
  const spawn = '/hub/spawn/ada?next=%2Fuser%2Fada%2Flab%3Fx%3D1';
  expect([page.status, page.headers.get('refresh')]).toEqual([503, `20; url=${spawn}`]);
  expect(await page.text()).toContain('It starts by itself in 20 s.');
  expect((await ada.get('/hub/user/ada/api/kernels')).status).toBe(503);
  expect((await ada.get(spawn)).location).toBe('/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Flab%3Fx%3D1');
});

test('a server that runs but has no route yet is tried again, not for ever', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');
  await start(ada);

  expect(await ada.get('/hub/user/ada/lab?x=1')).toMatchObject({
    status: 302,
    location: '/user/ada/lab?x=1&redirects=1',
  });
  expect(await ada.get('/hub/user/ada/?redirects=4')).toMatchObject({ status: 500 });
});

test('a server of another JupyterHub is tried again less often: it may be the one that sends people back', async () => {
  const other = createServer((_, reply) => reply.writeHead(200, { 'x-jupyterhub-version': '5.5.0' }).end('{}'));
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const { port } = other.address() as AddressInfo;
  await using hub = await open({}, { url: `http://127.0.0.1:${port}` });
  const ada = await signedIn(hub, 'ada');
  await start(ada);

  expect((await ada.get('/hub/user/ada/?redirects=1')).location).toBe('/user/ada/?redirects=2');
  const { status, text } = await ada.get('/hub/user/ada/?redirects=2');
  expect([status, text.includes('the way to it is not open yet')]).toEqual([500, true]);
  other.close();
});

test('the page of a start that nobody asked for starts nothing, and says of a named server only what is there', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');

  const page = await ada.get('/hub/spawn-pending/ada?next=/user/ada/lab');

  expect(page.status).toBe(200);
  expect(page.text).toMatch(/action="\/hub\/home\/start"[\s\S]*name="next" value="\/user\/ada\/lab"/);
  expect((await ada.get('/hub/spawn-pending/ada/thesis')).status).toBe(404);
  expect(await hub.ctx.db.selectFrom('servers').selectAll().execute()).toEqual([]);
});

test('the server of somebody else reads the same as one that is not there', async () => {
  await using hub = await open();
  const [ada, emmy] = [await signedIn(hub, 'ada'), await signedIn(hub, 'emmy')];
  await start(ada);
  const strip = ({ text, status }: { text: string; status: number }) => [
    status,
    text.replace(/request [0-9a-f]+/g, ''),
  ];

  for (const path of ['/hub/user/NAME/', '/hub/spawn/NAME', '/hub/spawn-pending/NAME', '/hub/server-log/NAME']) {
    const theirs = strip(await emmy.get(path.replace('NAME', 'ada')));
    expect(theirs).toEqual(strip(await emmy.get(path.replace('NAME', 'nobody'))));
    expect(theirs[0]).toBe(404);
  }
  expect((await emmy.post('/hub/home/stop', { user: 'ada', server: '' })).status).toBe(404);
  expect((await emmy.post('/hub/home/start', { user: 'ada', server: 'x' })).status).toBe(404);
});

test('named servers are made, stopped and deleted on the home page', async () => {
  await using hub = await open({ namedServers: { limit: 1 } });
  const ada = await signedIn(hub, 'ada');

  const bad = await ada.post('/hub/home/new', { name: 'No  Good' });
  const made = await ada.post('/hub/home/new', { name: 'thesis' });
  await expect.poll(async () => (await ada.get(made.location)).location, WAIT).toBe('/user/ada/thesis/');
  const second = await ada.post('/hub/home/new', { name: 'more' });
  const { text } = await ada.get('/hub/home');

  expect([bad.status, made.status, second.status]).toEqual([400, 303, 400]);
  expect(bad.text).toMatch(/role="alert"[^>]*>That name does not work/);
  expect(text).toContain('Open thesis');
  expect((await ada.get('/hub/user/ada/thesis/lab')).location).toBe('/user/ada/thesis/lab?redirects=1');

  await ada.post('/hub/home/stop', { server: 'thesis' });
  await expect.poll(async () => (await ada.get('/hub/home')).text, WAIT).toContain('Start thesis');
  await ada.post('/hub/home/delete', { server: 'thesis' });
  expect((await ada.get('/hub/home')).text).not.toContain('thesis');
});

test('a new server may be called by any words: its address is made from them', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');

  const made = await ada.post('/hub/home/new', { name: ' My Thésis ' });
  const same = await ada.post('/hub/home/new', { name: 'My Thésis' });

  const path = /^\/hub\/spawn-pending\/ada\/(my-thesis-[0-9a-f]{8})$/.exec(made.location ?? '')?.[1] ?? 'none';
  expect(same.location).toBe(made.location);
  await expect.poll(async () => (await ada.get(made.location)).location, WAIT).toBe(`/user/ada/${path}/`);
  expect((await ada.get('/hub/home')).text).toContain('Open My Thésis');
});

test('a person may let their servers stop sooner than the hub does, not later', async () => {
  await using hub = await open({ idle: { stopAfter: '1h' } });
  const ada = await signedIn(hub, 'ada');

  expect((await ada.post('/hub/home/idle', { stop_after: '900' })).status).toBe(303);
  expect((await findUser(hub.ctx.db, 'ada'))?.stopAfter).toBe(900);
  expect((await ada.post('/hub/home/idle', { stop_after: '86400' })).status).toBe(400);
  expect((await ada.post('/hub/home/idle', { stop_after: '0' })).status).toBe(400);
  expect((await ada.post('/hub/home/idle', { stop_after: '' })).status).toBe(303);
  expect((await findUser(hub.ctx.db, 'ada'))?.stopAfter).toBeNull();

  await ada.post('/hub/home/new', { name: 'thesis' });
  await ada.post('/hub/home/idle', { server: 'thesis', stop_after: '1800' });
  expect((await ada.get('/hub/home')).text).toMatch(/id="stop_after-thesis"[^§]*value="1800" selected/);
  const root = await signedIn(hub, 'root', { admin: true });
  expect((await ada.post('/hub/home/idle', { user: 'root', stop_after: '900' })).status).toBe(403);
  await root.post('/hub/home/idle', { user: 'ada', stop_after: '0', back: '/hub/admin/plain' });
  const away = await root.post('/hub/home/idle', {
    user: 'ada',
    stop_after: '0',
    back: '/hub/admin/plain/../..//evil.example',
  });
  expect(away.location).toMatch(/^\/hub\/home\?/);
  expect((await findUser(hub.ctx.db, 'ada'))?.stopAfter).toBe(0);
});

test('a form without its token changes nothing', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada', { admin: true });

  for (const path of [
    'home/start',
    'home/stop',
    'home/new',
    'home/delete',
    'home/idle',
    'token',
    'admin/add',
    'spawn',
  ]) {
    const response = await ada.browser.fetch(`/hub/${path}`, {
      method: 'POST',
      body: new URLSearchParams({ name: 'x' }),
    });
    expect([path, response.status]).toEqual([path, 403]);
  }
  expect(await findUser(hub.ctx.db, 'x')).toBeUndefined();
});

test('a token is shown once, works, says what it may do, and can be revoked', async () => {
  await using hub = await open();
  const ada = await signedIn(hub, 'ada');
  const made = await ada.post('/hub/token', { note: 'my script', power: 'servers', expires_in: '86400' });
  const token = /data-copy="([0-9a-f]{32})"/.exec(made.text)?.[1] ?? '';
  const use = async () => {
    const response = await fetch(`${hub.origin}/hub/api/users/ada`, { headers: { authorization: `token ${token}` } });
    return response.status;
  };
  const { text } = await ada.get('/hub/token');
  const id = /name="id" value="(a\d+)"/.exec(text)?.[1] ?? '';

  expect(await use()).toBe(200);
  expect(text).not.toContain(token);
  expect(text).toContain('my script');
  expect(text).toContain('start and stop servers (only your own)');
  const refused = await ada.post('/hub/token', { note: 'n', power: 'listed', scopes: 'admin:users' });
  expect([refused.status, refused.text.includes('role="alert"')]).toEqual([400, true]);

  expect((await ada.post('/hub/token/revoke', { id })).location).toBe('/hub/token?done=revoked');
  expect(await use()).toBe(403);
});

test('an administrator sees people and servers, stops one with a note, and its owner reads why', async () => {
  await using hub = await open();
  const [ada, root] = [await signedIn(hub, 'ada'), await signedIn(hub, 'root', { admin: true })];
  await start(ada);
  const { text } = await root.get('/hub/admin/plain?q=AD');
  const back = '/hub/admin/plain?q=AD';

  expect((await ada.get('/hub/admin/plain')).status).toBe(403);
  expect(text).toContain('href="/user/ada/"');
  expect(text).not.toContain('>root</th>');
  const stopped = await root.post('/hub/home/stop', { user: 'ada', server: '', note: 'Exam at noon', back });
  expect(stopped.location).toBe('/hub/admin/plain?q=AD&done=stopped&of=ada');
  await expect
    .poll(async () => (await ada.get('/hub/user/ada/')).text, WAIT)
    .toContain('Note from staff: Exam at noon');
  expect((await ada.get('/hub/user/ada/')).text).toContain('root stopped it.');
  expect((await root.post('/hub/home/start', { user: 'ada', server: '', back })).location).toContain('done=started');
});

test('an administrator adds, approves, declines and blocks people', async () => {
  await using hub = await open();
  const [ada, root] = [await signedIn(hub, 'ada'), await signedIn(hub, 'root', { admin: true })];
  const { db } = hub.ctx;
  for (const name of ['yes', 'no']) {
    const { user } = await signedIn(hub, name);
    await updateUser(db, user.id, { pending: true, allowedBy: null });
  }

  expect((await root.get('/hub/admin/plain')).text).toContain('2 people ask for an account');
  await root.post('/hub/admin/approve', { user: 'yes' });
  await root.post('/hub/admin/decline', { user: 'no' });
  expect(await findUser(db, 'yes')).toMatchObject({ pending: false, allowedBy: 'approval' });
  expect(await findUser(db, 'no')).toBeUndefined();
  expect((await root.post('/hub/admin/decline', { user: 'yes' })).status).toBe(400);

  expect((await root.post('/hub/admin/add', { name: 'Emmy', admin: '1' })).text).toContain('emmy is added.');
  expect(await findUser(db, 'emmy')).toMatchObject({ admin: true, allowedBy: 'administrator' });
  expect((await root.post('/hub/admin/add', { name: 'emmy' })).status).toBe(409);
  expect((await root.post('/hub/admin/add', { name: 'a/b' })).status).toBe(400);

  expect((await root.get('/hub/admin/delete?user=yes')).text).toContain('Kept: the home folder.');
  await root.post('/hub/admin/delete', { user: 'yes' });
  expect(await findUser(db, 'yes')).toBeUndefined();
  expect((await root.post('/hub/admin/delete', { user: 'root' })).status).toBe(400);

  expect((await ada.get('/hub/home')).status).toBe(200);
  await root.post('/hub/admin/block', { user: 'ada', blocked: '1' });
  expect((await ada.get('/hub/home')).status).toBe(302);
  expect((await root.post('/hub/admin/block', { user: 'root', blocked: '1' })).status).toBe(400);
  expect((await (await signedIn(hub, 'emmy2')).post('/hub/admin/add', { name: 'x' })).status).toBe(403);
});
