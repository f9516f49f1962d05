import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { rawServer, route, startRig, until, untilStill } from './test-kit.ts';
import { isSocketWork, isWork, socketKind } from './work.ts';

const CHANNEL = '/user/ada/api/kernels/k/channels';
const ask = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n`;
const ACCEPTED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n';

test('a websocket is spliced as bytes, early ones first, and each side may finish on its own', async () => {
  let seen = '';
  const sockets: Socket[] = [];
  await using ada = await rawServer((socket) => {
    sockets.push(socket);
    let greeted = false;
    socket.on('data', (chunk) => {
      seen += chunk;
      if (!greeted && seen.includes('\r\n\r\n')) {
        greeted = true;
        socket.write(`${ACCEPTED}early`);
      } else socket.write(`<${chunk}>`);
    });
    socket.on('end', () => socket.write('last words'));
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  using client = await rig.client();

  client.socket.write(`${ask(CHANNEL)}ahead`);
  await client.sees('\r\n\r\nearly<ahead>');
  client.socket.write('more');
  await client.sees('<more>');
  expect(client.received()).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n');
  expect(seen).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n');
  expect(rig.proxy.stats()).toMatchObject({ connections: 0, upgraded: 1 });

  client.socket.end();
  expect(await client.ended()).toMatch(/last words$/);
  await until('both ends are closed', () => rig.proxy.stats().upgraded === 0);
});

test('a websocket outlives a change of its route, the hub being killed, and the hub coming back', async () => {
  await using ada = await rawServer((socket) => {
    let greeted = false;
    socket.on('data', (chunk) => {
      socket.write(greeted ? `<${chunk}>` : ACCEPTED);
      greeted = true;
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  using client = await rig.client();
  client.socket.write(ask(CHANNEL));
  await client.sees('101');

  rig.hub.send({ type: 'change', version: 2, set: [], delete: ['/user/ada'] });
  await until('the route is gone', () => rig.proxy.stats().routes === 0);
  client.socket.write('one');
  await client.sees('<one>');
  await rig.hub.kill();
  client.socket.write('two');
  await client.sees('<two>');
  await rig.hub.start();
  await until('the stream is back', () => rig.hub.since.length === 2);
  client.socket.write('three');
  await client.sees('<three>');

  const closing = rig.proxy.close({ graceMs: 2_000 });
  expect((await client.ended()).endsWith('\x88\x02\x03\xe9')).toBe(true);
  await closing;
});

test('a websocket that is refused keeps its status; nothing sent behind it becomes a request', async () => {
  let requests = 0;
  await using ada = await rawServer((socket) => {
    socket.on('data', () => {
      requests++;
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });

  const answer = await rig.exchange(`${ask(CHANNEL)}GET /user/ada/smuggled HTTP/1.1\r\nHost: x\r\n\r\n`);

  expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*Connection: close\r\n\r\nno$/);
  expect(requests).toBe(1);
});

test('one side that reads slowly makes the other wait, and no byte is lost', async () => {
  const size = 48 * 1024 * 1024;
  let written = 0;
  await using ada = await rawServer((socket) => {
    socket.once('data', () => {
      socket.write(ACCEPTED);
      const block = Buffer.alloc(1024 * 1024, 'x');
      const fill = (): void => {
        while (written < size) {
          written += block.length;
          if (!socket.write(block)) return void socket.once('drain', fill);
        }
        socket.end();
      };
      fill();
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  using client = await rig.client();
  client.socket.write(ask(CHANNEL));
  await client.sees('101');
  client.socket.pause();
  expect(await untilStill('the server is held up', () => written)).toBeLessThan(size);
  client.socket.resume();

  expect((await client.ended()).length).toBeGreaterThan(size);
});

test('uses of a server are reported in batches, and again when a report was lost', async () => {
  await using ada = await rawServer((socket) => {
    let upgraded = false;
    socket.on('data', (chunk) => {
      if (upgraded) return;
      const text = String(chunk);
      upgraded = text.includes('Upgrade: websocket');
      const status = text.includes('missing') ? '404 Not Found' : '200 OK';
      socket.write(upgraded ? ACCEPTED : `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    });
  });
  const server = (name: string) => route(`/user/${name}`, ada, name);
  await using rig = await startRig({
    routes: ['worker', 'poller', 'typist', 'watcher', 'lost'].map(server),
    activityEveryMs: 50,
  });
  const known = (): Record<string, { lastActivity: number; lastWork: number }> =>
    Object.assign({}, ...rig.hub.reports.map((report) => report.servers));
  const began = Date.now();
  await rig.hub.kill();

  await fetch(rig.url('/user/worker/lab'));
  await fetch(rig.url('/user/poller/api/kernels?1700000000000'));
  await fetch(rig.url('/user/lost/missing'));
  using typist = await rig.client();
  using watcher = await rig.client();
  typist.socket.write(ask('/user/typist/api/kernels/k/channels'));
  watcher.socket.write(ask('/user/watcher/api/kernels/k/channels'));
  await Promise.all([typist.sees('101'), watcher.sees('101')]);
  typist.socket.write(Buffer.from([0x82, 0x81, 1, 2, 3, 4, 5]));
  watcher.socket.write(Buffer.from([0x8a, 0x80, 1, 2, 3, 4]));
  await rig.hub.start();
  await until('all are reported', () => Object.keys(known()).length === 4);

  const { worker, poller, typist: typed, watcher: watched, lost } = known();
  expect(lost).toBeUndefined();
  for (const used of [worker, poller, typed, watched]) expect(used!.lastActivity).toBeGreaterThanOrEqual(began);
  await until('the typing is reported', () => known().typist!.lastWork >= began);
  expect(worker!.lastWork).toBeGreaterThanOrEqual(began);
  expect([poller!.lastWork, watched!.lastWork]).toEqual([0, 0]);
});

test('a long transfer is a use of the server for as long as it moves, and an upload is work', async () => {
  await using ada = await rawServer((socket) => void socket.resume());
  await using rig = await startRig({ routes: [route('/user/ada', ada, 'ada')], activityEveryMs: 50 });
  using client = await rig.client();
  client.socket.write('PUT /user/ada/api/contents/big HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
  const last = () => rig.hub.reports.at(-1)?.servers.ada?.lastWork ?? 0;

  client.socket.write('x');
  await until('it is reported', () => last() > 0);
  const first = last();
  client.socket.write('x');

  await until('it is reported again', () => last() > first);
});

test('what an open JupyterLab tab asks for by itself is not work', () => {
  const polled = [
    'api/kernels?1',
    'api/kernels/abc?1',
    'api/kernels/abc/channels',
    'api/terminals',
    'api/sessions?1',
    'api/status',
    'api/kernelspecs',
    'api/me?x',
    'api',
    'api/contents?content=1&hash=0&1',
    'api/contents/work?content=1&hash=0',
    'api/contents/a.ipynb?content=0&hash=0&type=notebook',
    'api/contents/a.ipynb/checkpoints',
    'lab/api/settings/x',
    'lab/api/workspaces/auto-k?1',
    'static/lab/main.js',
    'lab/extensions/x/y.js',
    'metrics',
    'api/metrics/v1',
    'api/events/subscribe',
    'lsp/status',
  ];
  const work = [
    'lab',
    'tree/x',
    '',
    'api/contents/a.ipynb?type=notebook&content=1&hash=1',
    'files/a.csv',
    'nbconvert/html/a.ipynb',
    'proxy/8080/',
  ];

  expect(polled.filter((path) => isWork('GET', path))).toEqual([]);
  expect(work.filter((path) => !isWork('GET', path))).toEqual([]);
  expect([
    isWork('POST', 'api/kernels'),
    isWork('PUT', 'api/contents/a.ipynb'),
    isWork('POST', 'api/kernels/a/interrupt'),
  ]).toEqual([true, true, true]);
  expect(isWork('POST', 'git/repo/status')).toBe(false);
  expect(isWork('PUT', 'lab/api/workspaces/default?1795258860101')).toBe(false);
});

test('of a shared document, editing is work and being there is not', () => {
  const room = socketKind('api/collaboration/room/json:notebook:x');
  const frame = (first: number, length = 5) => Buffer.from([0x82, 0x80 | length, 9, 8, 7, 6, first ^ 9, 0, 0, 0, 0]);

  expect(isSocketWork(room, frame(1))).toBe(false);
  expect(isSocketWork(room, frame(0))).toBe(true);
  expect(isSocketWork(socketKind('api/events/subscribe'), frame(0))).toBe(false);
  expect(isSocketWork(socketKind('terminals/websocket/1'), frame(1))).toBe(true);
  expect(isSocketWork('work', Buffer.from([0x89]))).toBe(false);
});
