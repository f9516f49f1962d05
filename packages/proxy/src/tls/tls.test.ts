import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { connect, type TLSSocket } from 'node:tls';
import { systemClock } from '@atrium/sdk';
import { afterAll, expect, test } from 'vitest';
import { httpServer, openClient, quiet, rawServer, route, SOON_MS, startRig, testDir, until } from '../test-kit.ts';
import { openTlsFront } from './front.ts';
import { readPair } from './pair.ts';
import { ensureSelfSigned } from './self-signed.ts';
import { secureExchange, testAuthority } from './test-certificates.ts';

const SOON = { timeout: SOON_MS };
const WATCH = { watchEveryMs: 20 };

const shared = await testDir();
afterAll(() => shared[Symbol.asyncDispose]());
const authority = testAuthority(shared.path);
const ca = readFileSync(authority.root);
const first = authority.issue('first', ['hub.example.org']);
const second = authority.issue('second', ['*.other.example.org']);
const get = (path: string, host = 'hub.example.org') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nX-Forwarded-Proto: http\r\n\r\n`;

test('a request by TLS reaches the server, which hears that it was https, and from whom', async () => {
  let seen: Record<string, unknown> = {};
  await using server = await httpServer((request, reply) => {
    seen = request.headers;
    reply.end('hello');
  });
  await using rig = await startRig({
    tls: { certificates: [first], hstsSeconds: 600 },
    routes: [route('/user/ada', server)],
  });
  const { port } = rig.proxy.address;

  const { answer, protocol } = await secureExchange({ port, ca, servername: 'hub.example.org' }, get('/user/ada/'));

  expect(answer).toMatch(/^HTTP\/1\.1 200 .*hello$/s);
  expect(answer).toContain('Strict-Transport-Security: max-age=600\r\n');
  expect(protocol).toBe('TLSv1.3');
  expect(seen).toMatchObject({
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '443',
    'x-forwarded-for': '127.0.0.1',
  });
  // On a port of its own it would be said of everything else on that host, too.
  const elsewhere = await secureExchange(
    { port, ca, servername: 'hub.example.org' },
    get('/', `hub.example.org:${port}`),
  );
  expect(elsewhere.answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(elsewhere.answer).not.toContain('Strict-Transport');
  expect(rig.proxy.stats().tls).toMatchObject({
    handshakes: 2,
    failed: 0,
    certificates: [{ subject: 'hub.example.org', names: ['hub.example.org'], selfSigned: false }],
  });
});

test('answers of the proxy’s own ask for https, too, where those of servers do', async () => {
  await using rig = await startRig({ tls: { certificates: [first], hstsSeconds: 600 } });
  const { port } = rig.proxy.address;
  const ask = async (path: string, host?: string) =>
    (await secureExchange({ port, ca, servername: 'hub.example.org' }, get(path, host))).answer;

  for (const [path, start] of [
    ['/_chp_healthz', 'HTTP/1.1 200 OK\r\n'],
    ['/user/..%2fada', 'HTTP/1.1 400 Bad Request\r\n'],
  ] as const) {
    const answer = await ask(path);
    expect(answer.startsWith(start)).toBe(true);
    expect(answer.split('\r\n\r\n')[0]!.match(/^Strict-Transport-Security: max-age=600$/gm)).toHaveLength(1);
    expect(await ask(path, 'hub.example.org:8443')).not.toContain('Strict-Transport');
  }
});

test('old versions and suites are refused, renegotiation too, and TLS 1.2 is spoken', async () => {
  await using rig = await startRig({ tls: { certificates: [first] } });
  const at = { port: rig.proxy.address.port, ca, servername: 'hub.example.org' };

  const old = secureExchange(
    { ...at, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
    get('/'),
  );
  await expect(old).rejects.toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION/) });
  const weak = secureExchange({ ...at, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }, get('/'));
  await expect(weak).rejects.toMatchObject({ code: expect.stringMatching(/HANDSHAKE_FAILURE/) });
  const { protocol } = await secureExchange({ ...at, maxVersion: 'TLSv1.2' }, get('/'));
  expect(protocol).toBe('TLSv1.2');
  await expect.poll(() => rig.proxy.stats().tls?.failed, SOON).toBe(2);
});

test('the certificate is chosen by name; who asks for none of them, or for no name, gets the first', async () => {
  await using rig = await startRig({ tls: { certificates: [first, second] } });
  const { port } = rig.proxy.address;
  const ask = async (servername: string | undefined) => {
    const options = { port, ca, checkServerIdentity: () => undefined, ...(servername !== undefined && { servername }) };
    return (await secureExchange(options, get('/'))).commonName;
  };

  expect(
    await Promise.all(['hub.example.org', 'A.other.example.org', 'a.b.other.example.org', undefined].map(ask)),
  ).toEqual(['hub.example.org', '*.other.example.org', 'hub.example.org', 'hub.example.org']);
});

test('new files are served without a connection lost; bad ones are not, and that is said once', async () => {
  const files = { cert: authority.path('live.pem'), key: authority.path('live.key') };
  const put = (from: typeof first) => {
    copyFileSync(from.key, files.key);
    copyFileSync(from.cert, files.cert);
  };
  put(first);
  const said: string[] = [];
  const log = { ...quiet, error: (_facts: object, text: string) => void said.push(text) };
  await using server = await rawServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.on('data', (chunk) => void socket.write(chunk));
    });
  });
  await using rig = await startRig({
    tls: { certificates: [files], ...WATCH },
    routes: [route('/user/ada', server)],
    log: log as typeof quiet,
  });
  const { port } = rig.proxy.address;
  using socket = await webSocket(port);
  const commonName = async () => {
    const options = { port, ca, servername: 'x', checkServerIdentity: () => undefined };
    return (await secureExchange(options, get('/'))).commonName;
  };
  expect(await commonName()).toBe('hub.example.org');

  put(second);
  await expect.poll(commonName, SOON).toBe('*.other.example.org');
  copyFileSync(first.key, files.key);
  await until('the wrong key is noticed', () => said.length > 0);
  writeFileSync(files.cert, 'nothing');
  await until('the broken certificate is noticed', () => said.length > 1);
  expect(await commonName()).toBe('*.other.example.org');
  put(first);
  await expect.poll(commonName, SOON).toBe('hub.example.org');

  expect(said).toHaveLength(2);
  expect(await socket.echo('still here')).toBe('still here');
});

test('who comes without TLS is sent to https with path and query, on either port; health is answered', async () => {
  await using rig = await startRig({ tls: { certificates: [first] }, redirect: { host: '127.0.0.1', port: 0 } });
  const { port } = rig.proxy.address;
  const ask = (at: number, path: string, host = 'hub.example.org:80', method = 'GET') =>
    new Promise<string>((resolve, reject) => {
      request({ port: at, path, method, headers: { host } }, (answer) => {
        answer.resume().on('end', () => resolve(`${answer.statusCode} ${answer.headers.location ?? ''}`));
      })
        .on('error', reject)
        .end();
    });
  const plain = rig.proxy.redirectAddress!.port;

  expect(await ask(plain, '/user/ada/?a=b&c')).toBe(`308 https://hub.example.org:${port}/user/ada/?a=b&c`);
  expect(await ask(plain, '/', '[::1]:8000', 'POST')).toBe(`308 https://[::1]:${port}/`);
  expect(await ask(port, '/x')).toBe(`308 https://hub.example.org:${port}/x`);
  expect(await ask(plain, '/_chp_healthz')).toBe('200 ');
  expect(await ask(plain, '/hub/health')).toBe('200 ');
  expect(await ask(plain, '/hub/health/ready')).toBe(`308 https://hub.example.org:${port}/hub/health/ready`);
  expect(await ask(plain, '/', 'a b"<')).toBe('400 ');
  expect(await ask(plain, '//evil.example')).toBe(`308 https://hub.example.org:${port}//evil.example`);

  // One that restarts is waited for; one that stays away is not well.
  await rig.hub.kill();
  const waiting = ask(plain, '/hub/health');
  await rig.hub.start();
  expect(await waiting).toBe('200 ');
});

test('a hub that stays away is not well, at the port without TLS either', async () => {
  await using rig = await startRig({
    ...{ hubDown: true, hubWaitMs: 200 },
    ...{ tls: { certificates: [first] }, redirect: { host: '127.0.0.1', port: 0 } },
  });

  expect((await fetch(`http://127.0.0.1:${rig.proxy.redirectAddress!.port}/hub/health`)).status).toBe(503);
});

test('silence, and a handshake that stops half way, end', async () => {
  await using rig = await startRig({ tls: { certificates: [first], handshakeTimeoutMs: 100 } });
  using silent = await openClient(rig.proxy.address.port);
  using half = await openClient(rig.proxy.address.port);
  half.socket.write(Buffer.from([0x16, 3, 1]));

  await Promise.all([silent.ended(), half.ended()]);

  expect(rig.proxy.stats()).toMatchObject({ connections: 0, tls: { handshakes: 0, failed: 1 } });
});

const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));

test.skipIf(!hasIpv6)('both families reach one listener', async () => {
  let seen: unknown;
  await using server = await httpServer((request, reply) => {
    seen = request.headers['x-forwarded-for'];
    reply.end('hello');
  });
  await using rig = await startRig({
    host: '::',
    tls: { certificates: [first] },
    routes: [route('/user/ada', server)],
  });
  for (const host of ['127.0.0.1', '::1']) {
    const options = { host, port: rig.proxy.address.port, ca, servername: 'hub.example.org' };
    expect((await secureExchange(options, get('/user/ada/'))).answer).toContain('hello');
    expect(seen).toBe(host);
  }
});

test('a self-signed certificate is made once, private, renewed before its end, and never asks for https for ever', async () => {
  await using dir = await testDir();
  const selfSigned = {
    dir: `${dir.path}/tls`,
    names: ['hub.example.org', '127.0.0.1'],
    moreNames: ['localhost', '::1'],
  };
  const ask = async () => {
    await using rig = await startRig({ tls: { selfSigned, hstsSeconds: 600 } });
    const own = readFileSync(`${selfSigned.dir}/self-signed.pem`);
    const { answer } = await secureExchange(
      { port: rig.proxy.address.port, ca: own, servername: 'hub.example.org' },
      get('/'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).not.toContain('Strict-Transport');
    return rig.proxy.stats().tls!.certificates[0]!;
  };

  const made = await ask();
  expect(made).toMatchObject({ selfSigned: true, fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}/) });
  expect(made.names).toEqual(['hub.example.org', '127.0.0.1', 'localhost', '0:0:0:0:0:0:0:1']);
  expect((await ask()).fingerprint).toBe(made.fingerprint);
  expect(statSync(`${selfSigned.dir}/self-signed-key.pem`).mode & 0o777).toBe(0o600);
  expect(statSync(selfSigned.dir).mode & 0o777).toBe(0o700);
  await ensureSelfSigned(selfSigned, Date.now() + 370 * 86_400_000);
  const renewed = await ask();
  expect(renewed.fingerprint).not.toBe(made.fingerprint);
  // A key that belongs to another certificate.
  copyFileSync(second.key, `${selfSigned.dir}/self-signed-key.pem`);
  await ensureSelfSigned(selfSigned, Date.now());
  expect(
    (await readPair({ cert: `${selfSigned.dir}/self-signed.pem`, key: `${selfSigned.dir}/self-signed-key.pem` }))
      .selfSigned,
  ).toBe(true);
  await ensureSelfSigned({ ...selfSigned, names: ['new.example.org'] }, Date.now());
  expect((await ask()).fingerprint).not.toBe(renewed.fingerprint);
});

test('a proxy without a certificate that can be used does not start, and leaves its port', async () => {
  const tls = { certificates: [{ ...first, key: second.key }] };
  await expect(startRig({ tls })).rejects.toMatchObject({ name: 'CertificateError' });
  const front = openTlsFront({ ...tls, clock: systemClock, log: quiet, onSecure() {} });
  await expect(front).rejects.toThrow('key of another certificate');
});

async function webSocket(port: number): Promise<Disposable & { echo(text: string): Promise<string> }> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca, servername: 'hub.example.org' });
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  socket.write(
    'GET /user/ada/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await until('the websocket is open', () => received.includes('\r\n\r\n'));
  return {
    async echo(text) {
      received = '';
      socket.write(text);
      await until('the echo comes', () => received.length >= text.length);
      return received;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
