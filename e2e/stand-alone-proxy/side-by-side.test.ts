import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, type ProxyProcess, startBoth } from './both.ts';
import type { RawAnswer, RawRequest } from './raw.ts';
import { startTarget } from './target.ts';

/** Where nobody listens. */
const NOWHERE = 'http://127.0.0.1:9';

const told = ({ status, headers, text }: RawAnswer) => ({
  status,
  type: headers['content-type'],
  location: headers.location,
  own: headers['x-own'],
  text,
});

/** What both answer to the same request, which must be the same. */
async function same(
  both: { theirs: ProxyProcess; ours: ProxyProcess },
  request: RawRequest,
): Promise<ReturnType<typeof told>> {
  const [theirs, ours] = await Promise.all([both.theirs.ask(request), both.ours.ask(request)]);
  expect(told(ours), `${request.method ?? 'GET'} ${request.path}`).toEqual(told(theirs));
  return told(ours);
}

test('the API of routes answers as configurable-http-proxy does', async () => {
  using home = folder();
  await using both = await startBoth([], home.path);
  const shown = ({ status, headers, text }: RawAnswer) => ({
    status,
    type: text.startsWith('{') ? headers['content-type'] : undefined,
    text: text.replace(/"last_activity":"[^"]*"/g, '"last_activity":"…"'),
  });
  const ask = async (...[method, path, body, token]: Parameters<ProxyProcess['api']>) => {
    const [theirs, ours] = await Promise.all([both.theirs, both.ours].map((one) => one.api(method, path, body, token)));
    return [shown(ours!), shown(theirs!)] as const;
  };
  const target = NOWHERE;
  const requests: Parameters<ProxyProcess['api']>[] = [
    ['GET', '/api/routes'],
    ['GET', '/api/routes/'],
    ['POST', '/api/routes/user/ada', { target, jupyterhub: true, user: 'ada', server_name: '' }],
    ['POST', '/api/routes/user/b%40c/', { target: `${target}/base`, more: { deep: [1, null] } }],
    ['POST', '/api/routes', { target: `${target}/root` }],
    ['POST', '/api/routes/a%2Fb', { target }],
    ['GET', '/api/routes'],
    ['GET', '/api/routes/user/ada'],
    ['GET', '/api/routes/user/ada/'],
    ['GET', '/api/routes/user/b@c'],
    ['GET', '/api/routes/user'],
    ['GET', '/api/routes?inactive_since=2000-01-01T00:00:00Z'],
    ['GET', '/api/routes?inactiveSince=2100-01-01T00:00:00.000Z'],
    ['GET', '/api/routes?inactive_since=yesterday'],
    ['GET', '/api/routes?inactive_since='],
    ['POST', '/api/routes/user/ada', { target, user: 'again' }],
    ['GET', '/api/routes/user/ada'],
    ['POST', '/api/routes/x', {}],
    ['POST', '/api/routes/x', { target: 5 }],
    ['POST', '/api/routes/x', []],
    ['POST', '/api/routes/x', 'null'],
    ['PUT', '/api/routes/x', { target }],
    ['PATCH', '/api/routes/x'],
    ['DELETE', '/api/routes/nothing'],
    ['DELETE', '/api/routes/user/ada'],
    ['DELETE', '/api/routes/user/ada'],
    ['GET', '/api/routes/user/ada'],
    ['GET', '/api'],
    ['GET', '/'],
    ['GET', '/api/routesx'],
    ['GET', '/api/routes', undefined, 'wrong'],
    ['POST', '/api/routes/x', { target }, 'wrong'],
    ['DELETE', '/api/routes/a/b', undefined, 'wrong'],
    ['GET', '/api/routes', undefined, ''],
    ['GET', '/api/routes'],
  ];
  for (const request of requests) {
    const [ours, theirs] = await ask(...request);
    expect(
      ours,
      request
        .slice(0, 3)
        .map((part) => JSON.stringify(part))
        .join(' '),
    ).toEqual(theirs);
  }

  // Not JSON: the same status, in other words.
  const [ours, theirs] = await ask('POST', '/api/routes/x', '{"target":');
  expect([ours.status, theirs.status]).toEqual([400, 400]);

  // Where ours says no and theirs takes what it cannot use, or never answers.
  for (const wrong of ['not a url', 'ftp://a.test/', 'http+unix://relative', 'http://ada:secret@a.test/'])
    expect(await both.ours.api('POST', '/api/routes/x', { target: wrong })).toMatchObject({
      status: 400,
      text: expect.stringContaining(wrong.includes('secret') ? 'password' : 'target'),
    });
  expect((await both.ours.api('GET', '/api/routes/%E0%A4%A')).status).toBe(400);
  expect((await both.ours.api('GET', '/api/routes', undefined, `${'x'.repeat(3)} token`)).status).toBe(403);
  expect((await both.ours.api('POST', '/api/routes/x', ' '.repeat(2_000_000))).status).toBe(413);
});

const FORWARDED = {
  Host: 'front.test:8000',
  'X-Forwarded-For': '203.0.113.7',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '443',
  'X-Forwarded-Host': 'outer.test',
  'X-Real-IP': '203.0.113.7',
  Forwarded: 'for=203.0.113.7',
  'X-Request-Id': 'abc',
  Cookie: 'a=b; c=d',
};

test('requests reach their targets as configurable-http-proxy sends them', async () => {
  using home = folder();
  await using target = await startTarget();
  const flags = ['--default-target', `${target.url}/default`, '--error-target', `${target.url}/pages`];
  await using both = await startBoth(flags, home.path);
  await both.route('/user/ada', target.url);
  await both.route('/based', `${target.url}/base/?q=1`);
  await both.route('/dead', NOWHERE);

  const host = { Host: 'front.test' };
  for (const path of [
    '/user/ada',
    '/user/ada/',
    '/user/ada/lab?x=1&y=%20',
    '/user/adam',
    '/',
    '/x?y',
    '/based/a?b=2',
    '/based',
  ])
    await same(both, { path, headers: host });
  await same(both, { path: '/user/ada/headers', headers: FORWARDED });
  await same(both, { path: '/user/ada/x', headers: { Host: 'front.test:8443', 'X-Forwarded-For': '1.2.3.4' } });
  await same(both, { method: 'POST', path: '/user/ada/x', headers: host, body: 'a body' });
  await same(both, { method: 'PUT', path: '/user/ada/x', headers: host, body: '' });
  await same(both, { path: '/user/ada/away/302', headers: host });

  // The error target writes the page; the status is the proxy's.
  const page = await same(both, { path: '/dead/lab?a=b&c=/d', headers: host });
  expect(page).toMatchObject({ status: 503, type: 'text/x-page', text: expect.stringContaining('/pages/503?url=') });
  const upgrade = { ...host, Connection: 'Upgrade', Upgrade: 'websocket' };
  const refused = await Promise.all(
    [both.theirs, both.ours].map((one) => one.ask({ path: '/dead/ws', headers: upgrade })),
  );
  expect(refused.map(({ status, text }) => [status, text])).toEqual([
    [503, ''],
    [503, ''],
  ]);
  await same(both, { path: '/user/ada/refused', headers: upgrade });
  await same(both, { path: '/_chp_healthz', headers: host });

  // A route without a use yet is as old as itself; what was answered with an error is no use.
  const activity = async ({ api }: ProxyProcess) =>
    Date.parse((JSON.parse((await api('GET', '/api/routes/dead')).text) as { last_activity: string }).last_activity);
  const before = await activity(both.ours);
  await both.ours.ask({ path: '/dead/again', headers: host });
  expect(await activity(both.ours)).toBe(before);

  const figures = await Promise.all([both.theirs, both.ours].map(figuresOf));
  for (const name of [
    'requests_web',
    'requests_ws',
    'api_route_add',
    'requests_proxy{status="200"}',
    'requests_api{status="201"}',
  ])
    expect([name, figures[1]!.get(name)]).toEqual([name, figures[0]!.get(name)! + (name === 'requests_web' ? 1 : 0)]);
  for (const name of ['find_target_for_req_count', 'last_activity_updating_count', 'process_resident_memory_bytes'])
    expect(figures.map((one) => [name, one.has(name)])).toEqual([
      [name, true],
      [name, true],
    ]);
});

/** A figure by its name and labels. */
async function figuresOf({ metricsPort }: ProxyProcess): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test('flags that change requests and redirects mean the same', async () => {
  using home = folder();
  const pages = join(home.path, 'pages');
  mkdirSync(pages);
  writeFileSync(join(pages, '404.html'), '<p>nothing</p>');
  writeFileSync(join(pages, 'error.html'), '<p>broken</p>');
  await using target = await startTarget();
  await using both = await startBoth(
    [
      ...['--no-include-prefix', '--change-origin', '--auto-rewrite', '--protocol-rewrite', 'https'],
      ...['--custom-header', 'X-Campus: north ', '--custom-header', 'cookie:none', '--error-path', pages],
    ],
    home.path,
  );
  await both.route('/user/ada', target.url);
  await both.route('/based', `${target.url}/base`);
  await both.route('/dead', NOWHERE);
  const headers = { Host: 'front.test:8000', Cookie: 'secret=1', 'X-Campus': 'south' };

  for (const path of ['/user/ada', '/user/ada/', '/user/ada/lab?x=/user/ada', '/based/a', '/based'])
    await same(both, { path, headers });
  const away = await same(both, { path: '/user/ada/away/302', headers });
  expect(away.location).toBe('https://front.test:8000/there?x=1#y');
  for (const [code, location] of [
    [201, ''],
    [303, ''],
    [307, ''],
    [302, 'http://other.test/x'],
    [302, '/relative'],
  ] as const)
    await same(both, { path: `/user/ada/away/${code}/${encodeURIComponent(location)}`, headers });
  expect(await same(both, { path: '/nothing', headers })).toMatchObject({ status: 404, text: '<p>nothing</p>' });
  expect(await same(both, { path: '/dead', headers })).toMatchObject({ status: 503, text: '<p>broken</p>' });
});

test('host routing, bare forwarding and sockets mean the same', async () => {
  using home = folder();
  await using target = await startTarget();
  await using local = await startTarget(join(home.path, 'target.sock'));
  await using both = await startBoth(['--host-routing', '--no-x-forward', '--no-prepend-path'], home.path);
  await both.route('/', `${target.url}/all`);
  await both.route('/ada.test/user/ada', `${local.url}/base`);
  await both.route('/bob.test', target.url);
  await both.route('/dead.test', `${NOWHERE}/`);

  for (const [host, path] of [
    ['ada.test', '/user/ada/lab'],
    ['ada.test:8000', '/user/ada'],
    ['ada.test', '/user/bob'],
    ['bob.test', '/'],
    ['bob.test', '/user/ada/x?y=1'],
    ['other.test', '/user/ada'],
  ] as const)
    await same(both, { path, headers: { ...FORWARDED, Host: host } });
  const list = await Promise.all([both.theirs, both.ours].map((one) => one.api('GET', '/api/routes')));
  const hosts = list.map(({ text }) =>
    Object.entries(JSON.parse(text) as Record<string, { host?: string }>).map(([key, { host }]) => [key, host]),
  );
  expect(hosts[1]).toEqual(hosts[0]);
  const dead = await Promise.all([both.theirs, both.ours].map((one) => one.ask({ headers: { Host: 'dead.test' } })));
  expect(dead.map(({ status }) => status)).toEqual([503, 503]);
});
