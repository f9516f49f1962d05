import { readFile, stat, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Bar } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { tokenHash } from './credentials.ts';
import { startProxy } from './proxy.ts';
import { httpServer, openClient, quiet, type Rig, rawServer, route, startRig, until } from './test-kit.ts';

const ACCEPTED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n';
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]).toString('latin1');

/** What a notebook server gives a visitor: Tornado's signed cookie. */
function cookie(token: string, name = 'jupyterhub-user-ada'): string {
  const value = Buffer.from(token).toString('base64');
  return `${name}="2|1:0|10:1732200000|${name.length}:${name}|${value.length}:${value}|abcdef0123"`;
}

const upgrade = (lines: string, path = '/user/ada/terminals/websocket/1') =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n${lines}\r\n`;
const get = (lines: string, path = '/user/ada/lab') =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n`;
const bar = (token: string, serverId = 'ada', until = Date.now() + 900_000): Bar => ({
  serverId,
  token: tokenHash(token),
  until,
});

async function echoing(rig: Rig, request: string) {
  const client = await rig.client();
  client.socket.write(request);
  await client.sees('\r\n\r\n');
  return client;
}

/** Answers a websocket's head, and everything after it. */
const channel = () =>
  rawServer((socket: Socket) => {
    let greeted = false;
    socket.on('data', (chunk) => {
      socket.write(greeted ? `<${chunk}>` : ACCEPTED);
      greeted = true;
    });
  });

test('who loses a server has their websockets there closed at once; others stay, and so do theirs elsewhere', async () => {
  await using ada = await channel();
  await using bob = await channel();
  await using rig = await startRig({ routes: [route('/user/ada', ada, 'ada'), route('/user/bob', bob, 'bob')] });
  using visitor = await echoing(rig, upgrade(`Cookie: a=b; ${cookie('visitor')}\r\n`));
  using script = await echoing(rig, upgrade('Authorization: Bearer visitor-2\r\n'));
  using inAddress = await echoing(rig, upgrade('', '/user/ada/api/kernels/1/channels?token=visitor-3&x=1'));
  using stranger = await echoing(rig, upgrade('Cookie: jupyterhub-user-ada=nothing-we-know\r\n'));
  using owner = await echoing(rig, upgrade(`Cookie: ${cookie('owner')}\r\n`));
  using elsewhere = await echoing(
    rig,
    upgrade(`Cookie: ${cookie('visitor', 'jupyterhub-user-bob')}\r\n`, '/user/bob/w'),
  );

  const bars = ['visitor', 'visitor-2', 'visitor-3'].map((token) => bar(token));
  rig.hub.send({ type: 'change', version: 2, set: [], delete: [], bars });

  for (const client of [visitor, script, inAddress, stranger]) {
    await client.sees(GOING_AWAY);
    client.socket.write('still here?');
    client.socket.end();
    expect(await client.ended()).not.toContain('still here?');
  }
  for (const client of [owner, elsewhere]) {
    client.socket.write('on');
    await client.sees('<on>');
  }

  rig.hub.send({ type: 'change', version: 3, set: [], delete: [], bars: [bar('visitor', '')] });
  await elsewhere.sees(GOING_AWAY);
  owner.socket.write('and on');
  await owner.sees('<and on>');
});

test('a request of theirs reaches the server without the token, in whatever way it is written, until the bar is lifted', async () => {
  const seen: string[] = [];
  await using ada = await httpServer((request, reply) => {
    const { authorization = '-', cookie: cookies = '-' } = request.headers;
    seen.push(`${request.url} ${authorization} ${cookies}`);
    reply.end('answer');
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada, 'ada')] });
  const last = async (request: string) => {
    expect(await rig.exchange(request)).toContain('answer');
    return seen.at(-1);
  };
  const octal = cookie('visitor').replace('|1:0|', '|\\061:0|');
  rig.hub.send({ type: 'change', version: 2, set: [], delete: [], bars: [bar('visitor')] });
  await until('the bar holds', async () => {
    return (await last(get('Authorization: token visitor\r\n'))) === '/user/ada/lab - -';
  });

  expect(await last(get(`Cookie: _xsrf=1; ${cookie('visitor')}; b=2\r\n`))).toBe('/user/ada/lab - _xsrf=1; b=2');
  expect(await last(get(`Cookie: ${octal}\r\n`))).toBe('/user/ada/lab - -');
  expect(await last(get('', '/user/ada/api?token=visitor&x=1'))).toBe('/user/ada/api?x=1 - -');
  expect(await last(get('Authorization: token other\r\n', '/user/ada/api?token=mine'))).toBe(
    '/user/ada/api?token=mine token other -',
  );
  expect(await last(get(`Cookie: ${cookie('other')}\r\n`))).toBe(`/user/ada/lab - ${cookie('other')}`);

  rig.hub.send({ type: 'change', version: 3, set: [], delete: [], bars: [bar('visitor', 'ada', 0)] });
  await until('the bar is lifted', async () => {
    return (await last(get('Authorization: token visitor\r\n'))) === '/user/ada/lab token visitor -';
  });
});

test('an answer that is still being sent to somebody who loses the server is cut off', async () => {
  await using ada = await httpServer((_request, reply) => void reply.writeHead(200).write('first part'));
  await using rig = await startRig({ routes: [route('/user/ada', ada, 'ada')] });
  using visitor = await rig.client();
  visitor.socket.write(get(`Cookie: ${cookie('visitor')}\r\n`));
  await visitor.sees('first part');

  rig.hub.send({ type: 'change', version: 2, set: [], delete: [], bars: [bar('visitor')] });

  expect(await visitor.ended()).toMatch(/first part\r\n$/);
});

test('a bar that was lifted while no hub was heard ends with the first line of the next stream', async () => {
  const seen: string[] = [];
  await using ada = await httpServer((request, reply) => {
    seen.push(request.headers.authorization ?? '-');
    reply.end('answer');
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada, 'ada')] });
  const arrives = async (token: string) => {
    await rig.exchange(get(`Authorization: token ${token}\r\n`));
    return seen.at(-1) !== '-';
  };
  const bars = [bar('again'), bar('gone'), bar('gone-everywhere', ''), bar('again-everywhere', '')];
  rig.hub.send({ type: 'change', version: 2, set: [], delete: [], bars });
  await until('the bars hold', async () => !(await arrives('again-everywhere')));
  expect(await arrives('again')).toBe(false);

  await rig.hub.kill();
  await rig.hub.start();
  await until('the proxy listens again', () => rig.hub.since.length === 2);
  // Bars that are only some of all lift none.
  rig.hub.send({ type: 'change', version: 3, set: [], delete: [], bars: [bar('new')] });
  await until('the new bar holds', async () => !(await arrives('new')));
  expect(await arrives('again')).toBe(false);
  rig.hub.send({ type: 'change', version: 3, set: [], delete: [], bars: [bars[1]!, bars[2]!], allBars: true });

  await until('who was let in again comes through', () => arrives('again'));
  expect(await arrives('again-everywhere')).toBe(true);
  expect(await arrives('new')).toBe(true);
  expect(await arrives('gone')).toBe(false);
  expect(await arrives('gone-everywhere')).toBe(false);

  rig.hub.send({ type: 'change', version: 3, set: [], delete: [], bars: [], allBars: true });
  await until('nobody is barred', () => arrives('gone'));
});

test('a proxy that starts while no hub answers still keeps barred tokens from servers', async () => {
  const seen: string[] = [];
  await using ada = await httpServer((request, reply) => {
    seen.push(request.headers.authorization ?? '-');
    reply.end('answer');
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada, 'ada')] });
  const tableFile = join(rig.dir, 'data/routes.json');
  const saved = async () => JSON.parse(await readFile(tableFile, 'utf8').catch(() => '{}'));
  const over = Date.now() + 300;
  const bars = [bar('gone'), bar('gone-everywhere', ''), bar('over', 'ada', over), bar('lifted')];
  rig.hub.send({ type: 'change', version: 1, set: [], delete: [], bars });
  rig.hub.send({ type: 'change', version: 1, set: [], delete: [], bars: [bar('lifted', 'ada', 0)] });
  await until('the bars are on disk', async () => {
    const { bars: kept } = await saved();
    return kept?.length > 0 && !kept.some(({ token }: Bar) => token === tokenHash('lifted'));
  });
  expect((await stat(tableFile)).mode & 0o777).toBe(0o600);
  await rig.hub.kill();
  await until('one of them is over', () => Date.now() > over);

  const arrivesAfterStart = async (file: string) => {
    const { hub, control } = rig.hub;
    await using second = await startProxy({ host: '127.0.0.1', port: 0, hub, control, tableFile: file, log: quiet });
    for (const token of ['gone', 'gone-everywhere', 'over', 'lifted']) {
      using client = await openClient(second.address.port);
      client.socket.write(get(`Authorization: token ${token}\r\n`));
      expect(await client.ended()).toContain('answer');
    }
    return seen.splice(0);
  };
  expect(await arrivesAfterStart(tableFile)).toEqual(['-', '-', 'token over', 'token lifted']);

  // As it was written before bars were kept.
  const older = join(rig.dir, 'older.json');
  const { version, routes } = await saved();
  await writeFile(older, JSON.stringify({ version, routes }));
  expect(await arrivesAfterStart(older)).toEqual(['token gone', 'token gone-everywhere', 'token over', 'token lifted']);
});
