import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Log } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { httpServer, quiet, rawServer, route, startRig, until } from './test-kit.ts';

/** What a server does with a request, and what comes of it: status and code for the client, a line for the log. */
const CASES: Record<string, { act: (socket: Socket) => void; status: number; code: string; line: RegExp }> = {
  'resets before it answers': {
    act: (socket) => void socket.resetAndDestroy(),
    status: 502,
    code: 'server_broke_off',
    line: /broke off/,
  },
  'hangs up before it answers': {
    act: (socket) => void socket.end(),
    status: 502,
    code: 'server_broke_off',
    line: /broke off/,
  },
  'hangs up in the middle of its head': {
    act: (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
    status: 502,
    code: 'server_broke_off',
    line: /broke off/,
  },
  'says nothing': { act: () => {}, status: 504, code: 'server_timeout', line: /too long/ },
  'stops in the middle of its head': {
    act: (socket) => void socket.write('HTTP/1.1 200 OK\r\n'),
    status: 504,
    code: 'server_timeout',
    line: /too long/,
  },
  'gives two lengths': {
    act: (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'),
    status: 502,
    code: 'server_malformed',
    line: /cannot be read/,
  },
};

/** A log that keeps what is worth a look. */
function keptLog() {
  const lines: { facts: Record<string, unknown>; text: string }[] = [];
  const keep = (facts: object, text: string) => void lines.push({ facts: { ...facts }, text });
  return { lines, log: { ...quiet, info: keep, warn: keep, error: keep } satisfies Log };
}

test.each(Object.keys(CASES))('a server that %s: status, page and a line in the log', async (name) => {
  const { act, status, code, line } = CASES[name]!;
  const { lines, log } = keptLog();
  await using ada = await rawServer((socket) => void socket.once('data', () => act(socket)));
  await using rig = await startRig({
    routes: [route('/user/ada', ada, 'server-1')],
    limits: { answerTimeoutMs: 300 },
    log,
  });
  lines.length = 0;

  const json = await fetch(rig.url('/user/ada/api/x'));
  const page = await fetch(rig.url('/user/ada/lab'), { headers: { accept: 'text/html' } });

  expect([json.status, page.status]).toEqual([status, status]);
  expect(await json.json()).toMatchObject({ status, code });
  expect(await page.text()).toContain('Your server');
  const [first] = lines;
  expect(first?.text).toMatch(line);
  expect(first?.facts).toMatchObject({ serverId: 'server-1', requestId: json.headers.get('x-request-id') });
  // A tab asks again and again: the second time within moments is no news.
  expect(lines).toHaveLength(1);
});

test('a server that refuses, by TCP or by a Unix socket that is gone: 503 and a line', async () => {
  const { lines, log } = keptLog();
  await using tcp = await httpServer(() => {});
  await using rig = await startRig({ routes: [route('/user/ada', tcp, 'server-1')], log });
  const path = `${rig.dir}/bob.sock`;
  await using unix = await httpServer(() => {}, { kind: 'unix', path });
  rig.hub.send({ type: 'change', version: 2, set: [route('/user/bob', unix, 'server-2')], delete: [] });
  await until('the route is there', () => rig.proxy.stats().routes === 2);
  await Promise.all([tcp.kill(), unix.kill()]);
  rmSync(path, { force: true });
  lines.length = 0;

  for (const name of ['ada', 'bob']) {
    const reply = await fetch(rig.url(`/user/${name}/api/x`));
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: 'server_unreachable' });
  }

  expect(lines.map(({ facts, text }) => [facts.serverId, text])).toEqual([
    ['server-1', 'a server does not accept connections'],
    ['server-2', 'a server does not accept connections'],
  ]);
});

test('a server whose answer is shorter or longer than it said: cut short, or cut at its end, and a line', async () => {
  const { lines, log } = keptLog();
  await using ada = await rawServer((socket) => {
    socket.on('data', (chunk) => {
      const isShort = chunk.includes('/short');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${isShort ? 10 : 2}\r\n\r\nabcd`, () => isShort && socket.end());
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada, 'server-1')], log });
  lines.length = 0;

  const short = await rig.exchange('GET /user/ada/short HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('that is said', () => lines.length === 1);
  const long = await rig.exchange('GET /user/ada/long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

  expect(short).toMatch(/Content-Length: 10\r\n\r\nabcd$/);
  expect(long).toMatch(/\r\n\r\nab$/);
  expect(lines.map(({ facts, text }) => [facts.serverId, text])).toEqual([
    ['server-1', 'a server broke off its answer'],
    ['server-1', 'a server sent more than its answer'],
  ]);
});

test('a hub that is gone, or breaks off, is said, too', async () => {
  const { lines, log } = keptLog();
  await using rig = await startRig({
    hubWaitMs: 100,
    page: (request) => void request.socket.destroy(),
    log,
  });
  lines.length = 0;

  expect((await fetch(rig.url('/hub/x'), { method: 'POST', body: 'x'.repeat(20_000) })).status).toBe(502);
  await rig.hub.kill();
  expect((await fetch(rig.url('/hub/home'))).status).toBe(503);

  const said = lines.map(({ facts, text }) => `${facts.to ?? ''} ${text}`);
  expect(said).toContain('hub the hub broke off its answer');
  expect(said).toContain('hub the hub does not accept connections');
});
