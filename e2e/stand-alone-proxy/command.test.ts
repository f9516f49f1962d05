import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packProxy } from '../../scripts/lib/pack.mjs';
import { freePort } from '../../tools/free-port.ts';
import { unpackLinked } from '../lib/packed.ts';
import { folder, OURS, startProxy, TOKEN } from './both.ts';
import { authority } from './certificates.ts';
import { askRaw } from './raw.ts';
import { startTarget } from './target.ts';

/** The longest that a process may take to do what it should do at once. */
const SOON_MS = 30_000;

test('routes survive a proxy that is killed, in a file that is its owner’s alone', async () => {
  using home = folder();
  await using target = await startTarget();
  await using first = await startProxy(OURS, { home: home.path });
  expect((await first.api('POST', '/api/routes/user/ada', { target: target.url, user: 'ada' })).status).toBe(201);
  expect((await first.api('POST', '/api/routes/user/bob', { target: target.url })).status).toBe(201);
  expect((await first.api('DELETE', '/api/routes/user/bob')).status).toBe(204);
  const known = (await first.api('GET', '/api/routes')).text;
  const state = join(home.path, '.local/state/atrium-proxy');
  const saved = () => readdirSync(state).filter((name) => name.endsWith('.json'));
  await expect
    .poll(() => saved().map((name) => Object.keys(JSON.parse(readFileSync(join(state, name), 'utf8')).routes)), {
      timeout: SOON_MS,
    })
    .toEqual([['/user/ada']]);
  expect(statSync(join(state, saved()[0]!)).mode & 0o777).toBe(0o600);
  await first[Symbol.asyncDispose]();

  const ports = [first.port, first.apiPort, first.metricsPort] as const;
  await using second = await startProxy(OURS, { home: home.path, ports });
  expect((await second.api('GET', '/api/routes')).text).toBe(known);
  expect((await second.ask({ path: '/user/ada/lab' })).status).toBe(200);
  expect((await second.ask({ path: '/user/bob' })).status).toBe(404);
  await second[Symbol.asyncDispose]();

  // Without a file, and with one that is broken, it starts empty.
  await using third = await startProxy(OURS, { home: home.path, ports, flags: ['--storage-backend', 'memory'] });
  expect((await third.api('GET', '/api/routes')).text).toBe('{}');
  await third[Symbol.asyncDispose]();
  writeFileSync(join(state, saved()[0]!), '{"version":1,"routes":{"/a":');
  await using fourth = await startProxy(OURS, { home: home.path, ports });
  expect((await fourth.api('GET', '/api/routes')).text).toBe('{}');
  expect(fourth.said()).toContain('not readable');
});

test('it ends when told to, lets a request finish, and takes its files along', async () => {
  using home = folder();
  const socket = join(home.path, 'public.sock');
  const apiSocket = join(home.path, 'api.sock');
  const pidFile = join(home.path, 'proxy.pid');
  const start = () =>
    spawn(process.execPath, [...OURS, '--socket', socket, '--api-socket', apiSocket, '--pid-file', pidFile], {
      env: { PATH: process.env.PATH, HOME: home.path, CONFIGPROXY_AUTH_TOKEN: TOKEN },
      stdio: 'ignore',
    });
  const isUp = (path: string) => () =>
    askRaw({ socketPath: path }, { path: '/_chp_healthz' }).then(
      ({ status }) => status,
      () => 0,
    );
  const killed = start();
  await expect.poll(isUp(apiSocket), { timeout: SOON_MS }).toBe(404);
  killed.kill('SIGKILL');
  await once(killed, 'exit');

  // Its sockets lie there still; nobody is behind them.
  const child = start();
  await expect.poll(isUp(socket), { timeout: SOON_MS }).toBe(200);
  await expect
    .poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8'), { timeout: SOON_MS })
    .toBe(String(child.pid));
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  expect([socket, apiSocket, pidFile].map((path) => existsSync(path))).toEqual([false, false, false]);
});

test('TLS with certificates of clients on all three hops, and a port that sends browsers there', async () => {
  using home = folder();
  const people = authority(home.path, 'people');
  const inside = authority(home.path, 'inside');
  const [door, api, client, target] = ['door', 'api', 'client', 'target'].map((name) => inside.sign(name));
  const person = people.sign('ada');
  const behind = createSecureServer(
    { key: target!.key, cert: target!.cert, ca: inside.cert, requestCert: true, rejectUnauthorized: true },
    (request, reply) => reply.end(JSON.stringify(request.headers)),
  ).listen(0, '127.0.0.1');
  await once(behind, 'listening');
  const redirectPort = await freePort();
  const flags = [
    ...['--ssl-key', door!.keyFile, '--ssl-cert', door!.certFile, '--ssl-ca', people.certFile],
    ...['--ssl-request-cert', '--ssl-reject-unauthorized', '--redirect-port', String(redirectPort)],
    ...['--api-ssl-key', api!.keyFile, '--api-ssl-cert', api!.certFile, '--api-ssl-ca', inside.certFile],
    ...['--api-ssl-request-cert', '--api-ssl-reject-unauthorized'],
    ...['--client-ssl-key', client!.keyFile, '--client-ssl-cert', client!.certFile, '--client-ssl-ca', inside.certFile],
    ...['--client-ssl-request-cert', '--client-ssl-reject-unauthorized'],
    ...['--default-target', `https://127.0.0.1:${(behind.address() as AddressInfo).port}`],
  ];
  await using proxy = await startProxy(OURS, { home: home.path, flags });
  const asPerson = { port: proxy.port, tls: { ca: inside.cert, key: person.key, cert: person.cert } };
  const asHub = { port: proxy.apiPort, tls: { ca: inside.cert, key: client!.key, cert: client!.cert } };
  const headers = { Host: 'hub.test', Authorization: `token ${TOKEN}` };
  await expect
    .poll(
      () =>
        askRaw(asHub, { path: '/api/routes', headers }).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: SOON_MS },
    )
    .toBe(200);

  for (const path of ['/first', '/on-a-kept-connection']) {
    const answer = await askRaw(asPerson, { path, headers: { Host: 'hub.test' } });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      expect.objectContaining({ 'x-forwarded-proto': 'https', 'x-forwarded-port': '443', host: 'hub.test' }),
    ]);
  }
  await expect(askRaw({ ...asPerson, tls: { ca: inside.cert } }, {})).rejects.toThrow();
  await expect(askRaw({ ...asHub, tls: { ...asHub.tls, key: person.key, cert: person.cert } }, {})).rejects.toThrow();

  // Whoever signed another's certificate did not sign the target's.
  const wrong = flags
    .map((flag, at) => (flags[at - 1] === '--client-ssl-ca' ? people.certFile : flag))
    .filter((_, at) => !/redirect-port/.test(flags[at]!) && !/redirect-port/.test(flags[at - 1] ?? ''));
  await using distrustful = await startProxy(OURS, { home: home.path, flags: wrong });
  const door2 = { ...asPerson, port: distrustful.port };
  await expect
    .poll(
      () =>
        askRaw(door2, { headers: { Host: 'hub.test' } }).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: SOON_MS },
    )
    .toBe(503);

  const sent = await askRaw(
    { port: redirectPort },
    { path: '/hub/home?x=1', headers: { Host: `hub.test:${redirectPort}` } },
  );
  expect([sent.status, sent.headers.location]).toEqual([301, `https://hub.test:${proxy.port}/hub/home?x=1`]);
  expect((await askRaw({ port: redirectPort }, { headers: { Host: 'a"b' } })).status).toBe(400);
  behind.closeAllConnections();
  behind.close();
});

test('packed, it starts from its archive', async () => {
  using home = folder();
  const { file } = await packProxy(join(home.path, 'archive'));
  const installed = join(home.path, 'node_modules/@atrium/proxy');
  await unpackLinked(file, installed);
  await using proxy = await startProxy([join(installed, 'bin/atrium-proxy.mjs')], { home: home.path });
  await using target = await startTarget();
  expect((await proxy.api('POST', '/api/routes/a', { target: target.url })).status).toBe(201);
  expect((await proxy.ask({ path: '/a' })).status).toBe(200);
});

test('what it cannot follow it says in a sentence', async () => {
  using home = folder();
  const env = { PATH: process.env.PATH, HOME: home.path };
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [...OURS, ...args], { env });
  await expect(run('--storage-backend', './redis.js')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Routes are kept in a file'),
  });
  await using other = await startProxy(OURS, { home: home.path });
  await expect(run('--ip', '127.0.0.1', '--port', String(other.port))).rejects.toMatchObject({
    code: 1,
    stderr: `atrium-proxy: Another program listens at port ${other.port} at 127.0.0.1.\n`,
  });
  expect((await run('--help')).stdout).toContain('--client-ssl-ca <file>');
});
