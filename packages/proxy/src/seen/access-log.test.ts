import { trustList } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { parseRequestHead } from '../head.ts';
import { ask, testBrowsers } from '../http2/test-browser.ts';
import { httpServer, openClient, quiet, rawServer, route, startRig, testDir, until } from '../test-kit.ts';
import { clientAddress } from './access-log.ts';

type Line = Record<string, unknown>;

/** A sink that keeps what it gets. */
function kept() {
  const lines: Line[] = [];
  return { lines, sink: { write: (line: string) => void lines.push(JSON.parse(line)), dropped: 0 } };
}

const SECRET = '5f2b0c9d8e7a46f1b3c2d1e0f9a8b7c6';

test('each request has a line when it has ended: what was asked, what came of it, and the id that the hub has too', async () => {
  const { lines, sink } = kept();
  let idAtHub: string | string[] | undefined;
  await using ada = await httpServer((request, reply) => void request.resume().on('end', () => reply.end('hello')));
  await using rig = await startRig({
    routes: [route('/user/ada', ada, 'server-1')],
    page: (request, reply) => {
      idAtHub = request.headers['x-request-id'];
      reply.writeHead(302, { location: '/' }).end();
    },
    accessLog: sink,
  });
  const { port } = rig.proxy.address;
  using client = await openClient(port);

  const first = `GET /hub/oauth?code=${SECRET}&state=${SECRET} HTTP/1.1\r\nHost: hub.example.org\r\nUser-Agent: a "browser"\r\n\r\n`;
  const second = 'POST /user/ada/api/contents HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345';
  client.socket.write(first + second);
  await client.sees('hello');
  await until('both have a line', () => lines.length === 2);
  await rig.exchange('GET /_chp_healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await rig.exchange('GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n');
  await rig.exchange('GET /user/%2e%2e/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

  const [login, upload, health, malformed, ambiguous] = lines;
  expect(login).toMatchObject({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    requestId: idAtHub,
    peer: '127.0.0.1',
    method: 'GET',
    host: 'hub.example.org',
    path: '/hub/oauth?code=*&state=*',
    status: 302,
    class: 'hub',
    bytesIn: first.length,
    agent: 'a "browser"',
    ms: expect.any(Number),
    upstreamMs: expect.any(Number),
  });
  expect(upload).toMatchObject({ method: 'POST', class: 'server', server: 'server-1', status: 200 });
  expect(upload!.bytesIn).toBe(second.length);
  expect((login!.bytesOut as number) + (upload!.bytesOut as number)).toBe(client.received().length);
  expect(health).toMatchObject({ class: 'proxy', status: 200, path: '/_chp_healthz' });
  expect(malformed).toMatchObject({ class: 'proxy', status: 400, reason: 'more than one Content-Length' });
  expect(malformed).not.toHaveProperty('path');
  expect(ambiguous).toMatchObject({ class: 'proxy', status: 400, reason: 'ambiguous path' });
  expect(lines).toHaveLength(5);
  expect(JSON.stringify(lines)).not.toContain(SECRET);
  expect(rig.proxy.stats()).toMatchObject({
    requests: 4,
    refused: 2,
    reasons: { 'more than one Content-Length': 1, 'ambiguous path': 1 },
    answers: { hub: { 302: 1 }, server: { 200: 1 }, proxy: { 200: 1, 400: 2 } },
    upstreams: { made: 2, reused: 0 },
    accessLinesLost: 0,
  });
  const { upstream, bytes } = rig.proxy.stats();
  expect(upstream.server!.counts.reduce((sum, n) => sum + n)).toBe(1);
  expect(bytes.in).toBeGreaterThanOrEqual(first.length + second.length);
  expect(bytes.out).toBeGreaterThan(client.received().length);
});

test('a request by HTTP/2 has its line, too', async () => {
  const { lines, sink } = kept();
  await using dir = await testDir();
  const { tls, browser } = testBrowsers(dir.path);
  await using ada = await httpServer((request, reply) => void request.resume().on('end', () => reply.end('hello')));
  await using rig = await startRig({ tls, routes: [route('/user/ada', ada)], accessLog: sink });
  using session = await browser(rig.proxy.address.port);

  await ask(session, `/user/ada/x?token=${SECRET}`, { ':method': 'POST' }, Buffer.alloc(1000));
  await until('it has its line', () => lines.length === 1);

  expect(lines[0]).toMatchObject({ method: 'POST', path: '/user/ada/x?token=*', status: 200, peer: '127.0.0.1' });
  expect(lines[0]!.bytesIn).toBeGreaterThan(1000);
  expect(lines[0]!.bytesOut).toBeGreaterThan('hello'.length);
});

test('a websocket has its line when it ends, with all that went through it', async () => {
  const { lines, sink } = kept();
  await using ada = await rawServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi');
      socket.on('data', (chunk) => socket.write(chunk));
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)], accessLog: sink });
  using client = await rig.client();
  const head = `GET /user/ada/ws?token=${SECRET} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  client.socket.write(head);
  await client.sees('hi');
  client.socket.write('x'.repeat(1000));
  await until('it has come back', () => client.received().endsWith('x'.repeat(1000)));
  expect(lines).toEqual([]);

  client.socket.destroy();
  await until('it has its line', () => lines.length === 1);

  expect(lines[0]).toMatchObject({
    path: '/user/ada/ws?token=*',
    status: 101,
    websocket: true,
    class: 'server',
    bytesIn: head.length + 1000,
    bytesOut: client.received().length,
  });
});

test('who leaves before the end, and whom a server leaves, are told apart from those who got everything', async () => {
  const { lines, sink } = kept();
  await using ada = await httpServer((request, reply) => {
    if (request.url!.endsWith('half')) {
      reply.writeHead(200, { 'content-length': 100 }).write('half');
      setImmediate(() => reply.socket!.destroy());
    }
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)], accessLog: sink });
  const waiting = await rig.client();
  waiting.socket.write('GET /user/ada/wait HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('it is asked', () => ada.accepted() === 1);

  waiting.socket.destroy();
  await until('the first has its line', () => lines.length === 1);
  await rig.exchange('GET /user/ada/half HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the second, too', () => lines.length === 2);
  await ada.kill();
  await rig.exchange('GET /user/ada/gone HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

  expect(lines).toMatchObject([
    { path: '/user/ada/wait', status: null, aborted: true },
    { path: '/user/ada/half', status: 200, aborted: true },
    { path: '/user/ada/gone', status: 503, class: 'server' },
  ]);
  expect(lines[2]).not.toHaveProperty('aborted');
  expect(rig.proxy.stats().answers).toEqual({ server: { 0: 1, 200: 1, 503: 1 } });
});

test('the address is that of whoever asked, as far as front servers are trusted', () => {
  const trusted = trustList(['10.0.0.0/8', '::1']);
  const from = (chain: string, peer: string) => {
    const head = parseRequestHead(`GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${chain}\r\n\r\n`);
    if (!('fields' in head)) throw new Error('it was refused');
    return clientAddress(head, peer, trusted);
  };

  expect(from('192.0.2.7', '10.0.0.1')).toBe('192.0.2.7');
  expect(from('1.2.3.4, 192.0.2.7, 10.1.1.1', '10.0.0.1')).toBe('192.0.2.7');
  expect(from('192.0.2.7', '198.51.100.1')).toBe('198.51.100.1');
  expect(from('unknown', '10.0.0.1')).toBe('10.0.0.1');
  expect(from('2001:db8::7', '::1')).toBe('2001:db8::7');
  expect(clientAddress(undefined, '10.0.0.1', trusted)).toBe('10.0.0.1');
});

test('without a log nothing is written, and what it would cost is not paid', async () => {
  await using rig = await startRig({ log: quiet });

  await rig.exchange('GET /hub/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

  expect(rig.proxy.stats().accessLinesLost).toBeUndefined();
});
