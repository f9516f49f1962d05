import { readFile, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startProxy } from './proxy.ts';
import { httpServer, quiet, rawServer, route, startRig, until } from './test-kit.ts';

const HTML = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

test('requests for the hub wait while it restarts, and are then answered', async () => {
  await using rig = await startRig();
  await rig.hub.kill();

  const reading = fetch(rig.url('/hub/home')).then((reply) => reply.text());
  const writing = fetch(rig.url('/hub/login'), { method: 'POST', body: 'x'.repeat(1000) }).then((reply) =>
    reply.text(),
  );
  await until('both wait', () => rig.proxy.stats().requests === 2);
  await rig.hub.start();

  expect(await Promise.all([reading, writing])).toEqual(['hub /hub/home', 'hub /hub/login']);
});

test('what a killed hub left unanswered is asked of the next one, which is told when it may have been done', async () => {
  const seen: string[] = [];
  let hang = true;
  await using rig = await startRig({
    page: async (request, reply) => {
      const body = await text(request);
      seen.push(`${request.method} ${request.headers['x-atrium-repeat'] ?? ''} ${body}`);
      if (!hang) reply.end(`hub ${request.url} ${body}`);
    },
  });
  const ask = (method: string, body?: string) =>
    fetch(rig.url('/hub/api/x'), { method, headers: { 'x-atrium-repeat': 'forged' }, ...(body ? { body } : {}) });

  const read = ask('GET');
  const stop = ask('DELETE');
  const start = ask('POST');
  const form = ask('POST', 'a=1');
  const upload = ask('POST', 'x'.repeat(17 * 1024));
  await until('all have arrived', () => seen.length === 5);
  hang = false;
  await rig.hub.kill();
  await rig.hub.start();

  expect(await (await read).text()).toBe('hub /hub/api/x ');
  expect(await (await stop).text()).toBe('hub /hub/api/x ');
  expect(await (await start).text()).toBe('hub /hub/api/x ');
  expect(await (await form).text()).toBe('hub /hub/api/x a=1');
  expect(seen.slice(5).toSorted()).toEqual(['DELETE  ', 'GET  ', 'POST 1 ', 'POST 1 a=1']);
  const broken = await upload;
  expect(broken.status).toBe(502);
  expect(((await broken.json()) as { message: string }).message).toContain('may or may not have been done');
});

test('the wait for a hub counts from its end, however long it had worked on the request', async () => {
  let asked = 0;
  await using rig = await startRig({
    page: (_request, reply) => {
      asked++;
      if (asked > 1) reply.end('done');
    },
    hubWaitMs: 3_000,
  });

  const began = Date.now();
  const start = fetch(rig.url('/hub/api/x'), { method: 'POST' });
  await until('it has been worked on for longer', () => asked === 1 && Date.now() - began > 3_100);
  await rig.hub.kill();
  await rig.hub.start();

  expect(await (await start).text()).toBe('done');
});

test('a hub that does not come back after it had the request: nobody says that nothing was done', async () => {
  let asked = 0;
  await using rig = await startRig({ page: () => void asked++, hubWaitMs: 300 });

  const start = fetch(rig.url('/hub/api/x'), { method: 'POST' });
  await until('it has arrived', () => asked === 1);
  await rig.hub.kill();

  expect((await (await start).json()) as object).toMatchObject({ status: 502, code: 'hub_broke_off' });
});

test('a health check does not queue behind pages: it goes to the hub by its internal socket, and waits for a hub like they do', async () => {
  await using rig = await startRig({ hubWaitMs: 10_000 });

  expect(await (await fetch(rig.url('/hub/health'))).text()).toBe('control');
  await rig.hub.kill();
  const waiting = fetch(rig.url('/hub/health')).then((reply) => reply.text());
  await rig.hub.start();

  expect(await waiting).toBe('control');
});

test('a hub that stays away is explained, with a time to try again', async () => {
  await using rig = await startRig({ hubDown: true, hubWaitMs: 300 });

  const reply = await fetch(rig.url('/hub/home'), HTML);

  expect(reply.status).toBe(503);
  expect(reply.headers.get('retry-after')).toBe('5');
  expect(reply.headers.get('content-type')).toContain('text/html');
  expect(reply.headers.get('content-security-policy')).not.toContain('unsafe');
  const page = await reply.text();
  expect(page).toContain('Servers that run go on running');
  expect(page).toContain(`request ${reply.headers.get('x-request-id')}`);
});

test('a kept connection that the server closed meanwhile costs nobody an answer', async () => {
  await using ada = await httpServer((request, reply) => void reply.end(request.method));
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  const ask = (method: string) => fetch(rig.url('/user/ada'), { method });

  for (let round = 0; round < 20; round++) {
    expect((await ask('GET')).status).toBe(200);
    for (const socket of ada.sockets) socket.resetAndDestroy();
    expect((await ask(round % 2 === 0 ? 'GET' : 'DELETE')).status).toBe(200);
  }
  // Here the server closes at the very moment the request is on its way.
  let calls = 0;
  await using shy = await rawServer((socket) => {
    let first = true;
    socket.on('data', () => {
      calls++;
      if (first) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else socket.resetAndDestroy();
      first = false;
    });
  });
  rig.hub.send({ type: 'change', version: 2, set: [route('/user/shy', shy)], delete: [] });
  await until('the route is there', () => rig.proxy.stats().routes === 2);
  expect((await fetch(rig.url('/user/shy'))).status).toBe(200);
  expect((await fetch(rig.url('/user/shy'))).status).toBe(200);
  expect(calls).toBe(3);
  const post = await fetch(rig.url('/user/shy'), { method: 'POST', body: 'x' });
  expect(post.status).toBe(502);
});

test('a server that does not answer: 503 as a page, as JSON, as a bare line for a websocket', async () => {
  await using ada = await httpServer(() => {});
  await using rig = await startRig({ routes: [route('/user/ada', ada)], basePath: '/jh/' });
  await ada.kill();

  const page = await fetch(rig.url('/user/ada/lab'), HTML);
  const json = await fetch(rig.url('/user/ada/api/kernels?1'), HTML);
  const script = await fetch(rig.url('/user/ada/lab'), { headers: { accept: 'application/json' } });
  const socket = await rig.exchange(
    'GET /user/ada/api/kernels/x/channels HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );

  expect([page.status, json.status, script.status]).toEqual([503, 503, 503]);
  expect(await page.text()).toMatch(/Your server does not answer[\s\S]*href="\/jh\/hub\/home"/);
  expect(await json.json()).toMatchObject({
    status: 503,
    code: 'server_unreachable',
    request_id: json.headers.get('x-request-id'),
  });
  expect(await script.json()).toMatchObject({ code: 'server_unreachable' });
  expect(socket).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n[^<{]*\r\n\r\n$/);
  expect(rig.proxy.stats().problems).toEqual({ 503: 4 });
});

test('a browser whose cookies have grown too large is told so on a page', async () => {
  await using rig = await startRig();

  const cookie = `a=${'b'.repeat(70_000)}`;
  const page = await rig.exchange(
    `GET /hub/home HTTP/1.1\r\nHost: x\r\nAccept: text/html,*/*\r\nCookie: ${cookie}\r\n\r\n`,
  );

  expect(page).toMatch(/^HTTP\/1\.1 431 [\s\S]*text\/html[\s\S]*Delete the cookies of this site/);
});

test('slow heads, slow answers and silent connections end', async () => {
  await using mute = await rawServer(() => {});
  await using rig = await startRig({
    routes: [route('/user/mute', mute)],
    limits: { headTimeoutMs: 200, answerTimeoutMs: 300, idleTimeoutMs: 200, stallTimeoutMs: 300 },
  });

  const [slow, silent, idle, late, stalled] = await Promise.all([
    rig.exchange('GET / HTTP/1.1\r\nHo'),
    rig.exchange(''),
    rig.exchange('GET /_chp_healthz HTTP/1.1\r\nHost: x\r\n\r\n'),
    rig.exchange('GET /user/mute HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    rig.exchange('POST /user/mute HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'),
  ]);

  expect(slow).toMatch(/^HTTP\/1\.1 408 /);
  expect(silent).toBe('');
  expect(idle).toMatch(/^HTTP\/1\.1 200 /);
  expect(late).toMatch(/^HTTP\/1\.1 504 /);
  expect(stalled).toBe('');
});

test('routes come from the stream and are kept on disk; the next proxy has them with no hub at all', async () => {
  await using ada = await httpServer((_, reply) => void reply.end('ada'));
  await using bob = await httpServer((_, reply) => void reply.end('bob'));
  await using rig = await startRig({ routes: [route('/user/ada', ada)], hubWaitMs: 100 });
  const tableFile = join(rig.dir, 'data/routes.json');

  rig.hub.send({ type: 'change', version: 7, set: [route('/user/bob', bob)], delete: ['/user/ada'] });
  await until('the change is here', () => rig.proxy.stats().routeVersion === 7);
  expect(await (await fetch(rig.url('/user/bob'))).text()).toBe('bob');
  expect(await (await fetch(rig.url('/user/ada'))).text()).toBe('hub /user/ada');

  await rig.hub.kill();
  expect(await (await fetch(rig.url('/user/bob'))).text()).toBe('bob');
  await rig.hub.start();
  await until('it asks from where it was', () => rig.hub.since.at(-1) === '7');
  await until('the disk has it', async () =>
    (await readFile(tableFile, 'utf8').catch(() => '')).includes('"version":7'),
  );
  expect((await stat(tableFile)).mode & 0o777).toBe(0o600);
  await rig.hub.kill();

  const where = { host: '127.0.0.1', port: 0, hub: rig.hub.hub, control: rig.hub.control, tableFile, log: quiet };
  await using second = await startProxy(where);
  expect(await (await fetch(`http://127.0.0.1:${second.address.port}/user/bob`)).text()).toBe('bob');
  await writeFile(join(rig.dir, 'broken.json'), '{"version": 3, "routes": [{"path"');
  await using third = await startProxy({ ...where, tableFile: join(rig.dir, 'broken.json') });
  expect(third.stats()).toMatchObject({ routes: 0, routeVersion: undefined });
});

test('the hub is told how far the proxy is with the routes, by every new hub anew, and of a burst the last', async () => {
  await using ada = await httpServer((_, reply) => void reply.end('ada'));
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  const versions = () => rig.hub.applied.map(({ version }) => version);
  await until('the snapshot', () => versions().join() === '1');

  for (let version = 2; version <= 40; version++) {
    rig.hub.send({ type: 'change', version, set: [route(`/user/p${version}`, ada)], delete: [] });
  }
  await until('the burst', () => versions().at(-1) === 40);
  expect(await (await fetch(rig.url('/user/p40'))).text()).toBe('ada');
  expect(versions()).toEqual([...versions()].sort((a, b) => a - b));
  expect(new Set(rig.hub.applied.map(({ proxy }) => proxy)).size).toBe(1);

  await rig.hub.kill();
  const before = rig.hub.applied.length;
  await rig.hub.start();
  await until('the next hub', () => versions().slice(before).includes(40));
});

test('a silent route stream is left for a new one', async () => {
  await using rig = await startRig({ silenceMs: 200 });

  await until('it asks again', () => rig.hub.since.length >= 3);

  expect(rig.hub.since.slice(0, 3)).toEqual([null, '1', '1']);
});

test("the servers' listener offers the hub's API and nothing else", async () => {
  await using ada = await httpServer((_, reply) => void reply.end('ada'));
  await using rig = await startRig({
    basePath: '/jh/',
    api: { host: '127.0.0.1', port: 0 },
    routes: [route('/jh/user/ada', ada)],
  });
  const { port } = rig.proxy.apiAddress!;
  // Not fetch: that would tidy the path up first.
  const ask = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = httpRequest({ port, path, agent: false }, (reply) => {
        let text = '';
        reply
          .on('data', (chunk) => (text += chunk))
          .on('end', () => resolve(`${reply.statusCode} ${text.slice(0, 40)}`));
      });
      call.on('error', reject).end();
    });

  expect(await ask('/jh/hub/api')).toBe('200 hub /jh/hub/api');
  expect(await ask('/jh/hub/api/users/ada/activity?x')).toBe('200 hub /jh/hub/api/users/ada/activity?x');
  for (const path of [
    '/',
    '/jh/hub/apix',
    '/jh/hub/login',
    '/jh/hub',
    '/jh/user/ada',
    '/_chp_healthz',
    '/hub/api',
    '/jh%2fhub/api',
  ]) {
    expect.soft(await ask(path), path).toMatch(/^404 \{"status":404/);
  }
  expect(await ask('/jh/hub/api/../login')).toMatch(/^400/);
  expect(await ask('/jh/hub/api/%2e%2e/login')).toMatch(/^400/);
  expect(await ask('/jh/hub/api/..%2flogin')).toMatch(/^400/);
});

test('closing lets what is under way finish, takes nothing new, and says why a port cannot be had', async () => {
  let finish: () => void = () => {};
  await using ada = await httpServer((_, reply) => {
    finish = () => void reply.end('done');
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  await expect(
    startProxy({
      host: '127.0.0.1',
      port: rig.proxy.address.port,
      hub: rig.hub.hub,
      control: rig.hub.control,
      tableFile: join(rig.dir, 'x'),
      log: quiet,
    }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  using idle = await rig.client();
  const reading = fetch(rig.url('/user/ada'));
  await until('it is under way', () => ada.accepted() === 1);

  const closing = rig.proxy.close({ graceMs: 5_000 });
  await idle.ended();
  await expect(fetch(rig.url('/'))).rejects.toThrow();
  finish();

  expect(await (await reading).text()).toBe('done');
  await closing;
});
