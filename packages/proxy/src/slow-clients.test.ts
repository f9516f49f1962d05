import { expect, test } from 'vitest';
import { httpServer, rawServer, route, startRig, until, untilStill } from './test-kit.ts';

test('who asks ahead and takes no answer gets no more of them made ready, and all of them once it reads', async () => {
  const asked = 600;
  let answered = 0;
  const page = Buffer.alloc(32 * 1024, 'x');
  await using ada = await httpServer((_, reply) => {
    answered += 1;
    reply.end(page);
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  using client = await rig.client();
  client.socket.pause();
  client.socket.write('GET /user/ada/ HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(asked));

  expect(await untilStill('no more is asked of the server', () => answered)).toBeLessThan(asked / 2);
  let bytes = 0;
  client.socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  client.socket.resume();
  await until('everything has come', () => answered === asked && bytes > asked * page.length);
});

test('an answer that began before its request was complete may take its time', async () => {
  const stallTimeoutMs = 300;
  await using ada = await rawServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
      let sent = 0;
      const more = setInterval(() => {
        socket.write('x');
        sent += 1;
        if (sent === 10) clearInterval(more);
      }, stallTimeoutMs / 2);
      socket.on('close', () => clearInterval(more));
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)], limits: { stallTimeoutMs } });
  using client = await rig.client();
  client.socket.write('POST /user/ada/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
  await client.sees('\r\n\r\n');
  client.socket.write('cd');

  await client.sees('x'.repeat(10));
});
