import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { httpServer, rawServer, route, SOON_MS, startRig, testDir, until, untilStill } from '../test-kit.ts';
import { answerOf, ask, FLAGS, FRAMES, frame, HEAD, headOf, NAME, testBrowsers } from './test-browser.ts';

const SOON = { timeout: SOON_MS };
const shared = await testDir();
afterAll(() => shared[Symbol.asyncDispose]());
const { tls, secure, raw, browser } = testBrowsers(shared.path);

test('a request by HTTP/2 reaches the server as one of HTTP/1.1, and its answer comes back', async () => {
  let seen: Record<string, unknown> = {};
  await using server = await httpServer((request, reply) => {
    seen = { ...request.headers, method: request.method, url: request.url, version: request.httpVersion };
    reply.setHeader('Set-Cookie', ['a=1', 'b=2']);
    // What is sent is UTF-8, whatever Node takes text for.
    reply.setHeader('X-Words', Buffer.from('café').toString('latin1'));
    reply.end('hello');
  });
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)] });
  using session = await browser(rig.proxy.address.port);

  const { headers, body } = await ask(session, '/user/ada/x?y=1', { cookie: 'c=1; d=2', 'x-one': 'first' });

  expect(body.toString()).toBe('hello');
  expect(headers).toMatchObject({
    ':status': 200,
    'set-cookie': ['a=1', 'b=2'],
    'x-words': Buffer.from('café').toString('latin1'),
    'content-length': '5',
    'strict-transport-security': 'max-age=600',
  });
  expect(headers).not.toHaveProperty('connection');
  expect(headers).not.toHaveProperty('keep-alive');
  expect(seen).toMatchObject({
    method: 'GET',
    url: '/user/ada/x?y=1',
    version: '1.1',
    host: NAME,
    cookie: 'c=1; d=2',
    'x-one': 'first',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '127.0.0.1',
  });
});

test('bodies of any framing come through whole, both ways, many at a time', async () => {
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const page = randomBytes(3 * 2 ** 20);
  const framings: unknown[] = [];
  await using server = await httpServer(async (request, reply) => {
    framings.push(request.headers['content-length'] ?? request.headers['transfer-encoding']);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    reply.setHeader('X-Digest', digest(Buffer.concat(pieces)));
    if (request.url?.endsWith('length')) reply.setHeader('Content-Length', page.length);
    if (request.url?.endsWith('close')) reply.shouldKeepAlive = false;
    reply.end(page);
  });
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)] });
  using session = await browser(rig.proxy.address.port);

  const asked = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const sent = randomBytes(1 + at * 100_000);
      const known = at % 2 === 0 ? { 'content-length': sent.length } : {};
      const path = `/user/ada/${['length', 'chunked', 'close'][at % 3]}`;
      const { headers, body } = await ask(session, path, { ':method': 'POST', ...known }, sent);
      return headers['x-digest'] === digest(sent) && body.equals(page);
    }),
  );

  expect(asked).toEqual(asked.map(() => true));
  expect(new Set(framings)).toContain('chunked');
  expect(framings).toContain('1');
  await expect.poll(() => rig.proxy.stats().connections, SOON).toBe(0);
});

test('answers without a body, interim answers, and what the proxy says by itself', async () => {
  await using server = await httpServer((request, reply) => {
    if (request.url?.endsWith('/early')) reply.writeEarlyHints({ link: '</style.css>; rel=preload' });
    reply.statusCode = request.url?.endsWith('/none') ? 204 : 200;
    reply.setHeader('X-Seen', request.method ?? '');
    if (request.method === 'HEAD') reply.setHeader('Content-Length', 4);
    reply.end(request.url?.endsWith('/none') ? undefined : 'body');
  });
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)], hubWaitMs: 50 });
  using session = await browser(rig.proxy.address.port);

  expect(await ask(session, '/user/ada/', { ':method': 'HEAD' })).toMatchObject({
    headers: { ':status': 200, 'x-seen': 'HEAD', 'content-length': '4' },
    body: Buffer.alloc(0),
  });
  expect((await ask(session, '/user/ada/none')).headers).toMatchObject({ ':status': 204 });
  const early = session.request({ ':path': '/user/ada/early' });
  const hints = once(early, 'headers');
  expect((await answerOf(early)).body.toString()).toBe('body');
  expect((await hints)[0]).toMatchObject({ ':status': 103, link: '</style.css>; rel=preload' });
  expect(await ask(session, '/user/..%2fada')).toMatchObject({ headers: { ':status': 400 } });
  expect((await ask(session, '/_chp_healthz')).body.toString()).toBe('{"status":"OK"}');
  await server.kill();
  expect((await ask(session, '/user/ada/')).headers).toMatchObject({ ':status': 503 });
});

test.each([['Content-Length: 100\r\n\r\nhalf'], ['Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n']])(
  'an answer that breaks off is an error, not a shorter answer; the other requests go on: %j',
  async (head) => {
    await using ada = await rawServer((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${head}`, () => socket.destroy());
      });
    });
    await using bob = await httpServer((_, reply) => void reply.end('whole'));
    await using rig = await startRig({ tls, routes: [route('/user/ada', ada), route('/user/bob', bob)] });
    using session = await browser(rig.proxy.address.port);

    for (let times = 0; times < 5; times++) {
      await expect(answerOf(session.request({ ':path': '/user/ada/' }))).rejects.toThrow(
        'Stream closed with error code',
      );
    }
    expect((await ask(session, '/user/bob/')).body.toString()).toBe('whole');
  },
);

test.each([
  ['a reset', (socket: TLSSocket) => socket.write(frame(FRAMES.RST_STREAM, 0, 1, '\0\0\0\x08'))],
  ['a reset without a reason', (socket: TLSSocket) => socket.write(frame(FRAMES.RST_STREAM, 0, 1, '\0\0\0\0'))],
  ['the end of the connection', (socket: TLSSocket) => socket.destroy()],
])(
  'an upload of unknown length that is broken off by %s does not come to the server as a whole one',
  async (_, end) => {
    let got = '';
    let over = false;
    await using ada = await rawServer((socket) => {
      socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
      socket.on('close', () => (over = true));
    });
    await using rig = await startRig({ tls, routes: [route('/user/ada', ada)] });
    const socket = await raw(rig.proxy.address.port);
    socket.write(frame(FRAMES.HEADERS, FLAGS.END_HEADERS, 1, headOf(HEAD.with(1, 'POST'))));
    socket.write(frame(FRAMES.DATA, 0, 1, 'first half'));
    await until('the half has come', () => got.includes('first half'));

    end(socket);

    await until('the server hears of the end', () => over);
    expect(got).toMatch(/first half\r\n$/);
    socket.destroy();
  },
);

test('who takes nothing of a small answer is cut off as one who takes nothing of a large one', async () => {
  await using server = await httpServer((_, reply) => void reply.end('small'));
  const limits = { stallTimeoutMs: 300, idleTimeoutMs: 300, headTimeoutMs: 300 };
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)], limits });
  using session = await browser(rig.proxy.address.port, { initialWindowSize: 0 });
  const over = new Promise((resolve) => session.on('close', resolve));
  const streams = Array.from({ length: 20 }, () => session.request({ ':path': '/user/ada/', ':authority': NAME }));

  await Promise.all(
    streams.map((stream) => new Promise((resolve) => stream.on('error', resolve).on('close', resolve))),
  );
  await expect.poll(() => rig.proxy.stats().connections, SOON).toBe(0);
  await over;
});

test('an upload that is answered before it is taken holds nothing up', async () => {
  await using server = await httpServer(() => undefined);
  await server.kill();
  const limits = { idleTimeoutMs: 300, headTimeoutMs: 300 };
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)], limits });
  using session = await browser(rig.proxy.address.port);
  const over = new Promise((resolve) => session.on('close', resolve));
  const stream = session.request({ ':path': '/user/ada/', ':method': 'POST', ':authority': NAME });
  stream.on('error', () => undefined);
  stream.write(Buffer.alloc(2 ** 20));

  expect((await answerOf(stream)).headers).toMatchObject({ ':status': 503 });

  await over;
});

test('a request that is given up ends at the server, too', async () => {
  let closed = 0;
  await using server = await httpServer((request) => {
    request.socket.on('close', () => closed++);
  });
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)] });
  using session = await browser(rig.proxy.address.port);
  const stream = session.request({ ':path': '/user/ada/' });
  stream.on('error', () => undefined);
  await until('the server has the request', () => server.accepted() === 1);

  stream.close(constants.NGHTTP2_CANCEL);

  await expect.poll(() => closed, SOON).toBe(1);
  await expect.poll(() => rig.proxy.stats().connections, SOON).toBe(0);
});

test('who takes nothing of an answer holds up the server, not the memory of the proxy', async () => {
  let sent = 0;
  const piece = Buffer.alloc(64 * 1024);
  await using server = await httpServer((_, reply) => {
    const more = () => {
      while (sent < 64 * 2 ** 20) {
        sent += piece.length;
        if (!reply.write(piece)) return void reply.once('drain', more);
      }
      reply.end();
    };
    more();
  });
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)] });
  using session = await browser(rig.proxy.address.port);
  const stream = session.request({ ':path': '/user/ada/' });
  await once(stream, 'response');

  expect(await untilStill('the server is held up', () => sent)).toBeLessThan(32 * 2 ** 20);
  let taken = 0;
  stream.on('data', (chunk: Buffer) => {
    taken += chunk.length;
  });
  await once(stream, 'end');
  expect(taken).toBe(sent);
});

test('whoever sends a body that no server takes is held up', async () => {
  let server: { resume(): void } | undefined;
  let total = 0;
  await using ada = await rawServer((socket) => {
    socket.pause();
    server = socket;
    socket.on('data', (chunk: Buffer) => {
      total += chunk.length;
      if (total > 48 * 2 ** 20) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    socket.pause();
  });
  await using rig = await startRig({ tls, routes: [route('/user/ada', ada)] });
  using session = await browser(rig.proxy.address.port);
  const length = 48 * 2 ** 20 + 1;
  const stream = session.request({ ':path': '/user/ada/', ':method': 'POST', 'content-length': length });
  const answer = answerOf(stream);
  let written = 0;
  const piece = Buffer.alloc(64 * 1024);
  const more = () => {
    while (written < length) {
      const next = piece.subarray(0, Math.min(piece.length, length - written));
      written += next.length;
      if (!stream.write(next)) return void stream.once('drain', more);
    }
    stream.end();
  };
  more();

  expect(await untilStill('the client is held up', () => written)).toBeLessThan(24 * 2 ** 20);
  server?.resume();
  expect((await answer).body.toString()).toBe('ok');
});

test('a websocket comes by HTTP/1.1, also to who offers both', async () => {
  await using rig = await startRig({ tls });
  const { port } = rig.proxy.address;
  const chosen = async (offered: string[]) => {
    const socket = await secure(port, offered);
    socket.destroy();
    return socket.alpnProtocol;
  };

  expect(await chosen(['h2', 'http/1.1'])).toBe('h2');
  expect(await chosen(['http/1.1'])).toBe('http/1.1');
  using session = await browser(port);
  // As it is offered nowhere, no browser asks for one here.
  expect(session.remoteSettings.enableConnectProtocol ?? false).toBe(false);
  await expect(ask(session, '/', { ':method': 'CONNECT', ':protocol': 'websocket' })).rejects.toThrow();
});

test.each([
  ['at the end', false],
  ['when another process takes its place', true],
])('%s, what is under way is answered, and browsers are told to come again', async (_, leaves) => {
  let answer: (() => void) | undefined;
  await using server = await httpServer((_, reply) => {
    answer = () => reply.end('at last');
  });
  await using rig = await startRig({ tls, routes: [route('/user/ada', server)] });
  using session = await browser(rig.proxy.address.port);
  const asked = ask(session, '/user/ada/');
  await until('the server has the request', () => answer !== undefined);
  const goaway = once(session, 'goaway');

  const { proxy } = rig;
  const closed = leaves ? proxy.leave({ deadlineMs: 60_000 }) : proxy.close({ graceMs: SOON_MS });

  expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
  answer?.();
  expect((await asked).body.toString()).toBe('at last');
  await closed;
});
