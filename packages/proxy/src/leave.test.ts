import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProxy } from './proxy.ts';
import { httpServer, quiet, rawServer, route, startRig, until } from './test-kit.ts';

const GET = 'GET /user/ada HTTP/1.1\r\nHost: x\r\n\r\n';
const ASK = 'GET /user/bob HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n';

/** A server that accepts a websocket and echoes bytes. */
const echo = () =>
  rawServer((socket) => {
    let greeted = false;
    socket.on('data', (chunk) => {
      socket.write(greeted ? `<${chunk}>` : ACCEPTED);
      greeted = true;
    });
  });

test('who leaves serves whoever is connected once more, tells them to come again, and ends with the last', async () => {
  await using ada = await httpServer((_, reply) => void reply.end('ada'));
  await using bob = await echo();
  await using rig = await startRig({ routes: [route('/user/ada', ada), route('/user/bob', bob)] });
  using kept = await rig.client();
  using silent = await rig.client();
  using socket = await rig.client();
  kept.socket.write(GET);
  expect(await kept.sees('\r\n\r\nada')).not.toContain('Connection: close');
  socket.socket.write(ASK);
  await socket.sees('101');

  let left = false;
  const leaving = rig.proxy.leave({ deadlineMs: 60_000 }).then(() => (left = true));
  await expect(fetch(rig.url('/user/ada'))).rejects.toThrow();
  kept.socket.write(GET);
  silent.socket.write(GET);
  const answers = [await kept.ended(), await silent.ended()];
  socket.socket.write('still here');
  await socket.sees('<still here>');

  for (const answer of answers) expect(answer).toMatch(/Connection: close\r\n(?:[^\r\n]+\r\n)*\r\nada$/);
  expect(left).toBe(false);
  socket.socket.end();
  await leaving;
});

test('an answer that began before is finished, and its connection lasts for one more', async () => {
  let finish = () => {};
  await using ada = await httpServer((_, reply) => {
    reply.writeHead(200, { 'content-length': 4 }).write('be');
    finish = () => void reply.end('gn');
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  using client = await rig.client();
  client.socket.write(GET);
  await client.sees('\r\n\r\nbe');

  const leaving = rig.proxy.leave({ deadlineMs: 60_000 });
  finish();
  await client.sees('\r\n\r\nbegn');
  client.socket.write(GET);
  await until('the server was asked again', () => client.received().split('\r\n\r\nbe').length === 3);
  finish();

  expect(await client.ended()).toMatch(/Connection: close\r\n(?:[^\r\n]+\r\n)*\r\nbegn$/);
  await leaving;
});

test('at its deadline a websocket gets a close frame, and closing early does not wait for it', async () => {
  await using bob = await echo();
  for (const deadlineMs of [50, 60_000]) {
    await using rig = await startRig({ routes: [route('/user/bob', bob)] });
    using socket = await rig.client();
    socket.socket.write(ASK);
    await socket.sees('101');

    const leaving = rig.proxy.leave({ deadlineMs });
    if (deadlineMs < 1_000) await leaving;
    const closing = rig.proxy.close();

    expect((await socket.ended()).endsWith('\x88\x02\x03\xe9')).toBe(true);
    await Promise.all([leaving, closing]);
  }
});

test('who takes a place listens once the hub has said its routes, and without one by the last table', async () => {
  await using ada = await httpServer((_, reply) => void reply.end('ada'));
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  const { hub, dir } = rig;
  const tableFile = join(dir, 'other/routes.json');
  const options = { host: '127.0.0.1', port: 0, hub: hub.hub, control: hub.control, tableFile, log: quiet };

  const next = await startProxy({ ...options, awaitRoutes: true });
  expect(next.stats()).toMatchObject({ routes: 1, routeVersion: 1 });
  await next.close();
  await hub.kill();
  await using alone = await startProxy({ ...options, awaitRoutes: true });

  expect(alone.stats()).toMatchObject({ routes: 1, routeVersion: 1 });
  expect(await (await fetch(`http://127.0.0.1:${alone.address.port}/user/ada`)).text()).toBe('ada');
});
