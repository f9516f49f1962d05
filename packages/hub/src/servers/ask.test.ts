import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { get } from './ask.ts';

const FOR_EVER = 60_000;
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';

/** A server that answers as it likes. */
async function serverThat(answer: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    address: { kind: 'tcp', host: '127.0.0.1', port } as const,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a server that answers is heard', async () => {
  await using server = await serverThat((socket) => socket.end(`${HEAD}hello`));

  expect(await get(server.address, '/', {}, FOR_EVER)).toMatchObject({ status: 200, body: 'hello' });
});

test('a server that sends a byte now and then keeps nobody waiting beyond the time', async () => {
  await using server = await serverThat((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 20);
    socket.on('close', () => clearInterval(drip));
  });

  await expect(get(server.address, '/', {}, 200)).rejects.toThrow('No answer within 200 ms.');
});

test('a server that is silent is left at once when the caller has lost interest', async () => {
  const asked = new AbortController();
  await using server = await serverThat(() => asked.abort());

  await expect(get(server.address, '/', {}, FOR_EVER, asked.signal)).rejects.toThrow(/abort/i);
});

test.each([
  ['switches protocols unasked', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ['breaks off', `${HEAD}he`],
  ['talks nonsense', 'nonsense\r\n\r\n'],
  ['never stops', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_100_000)}`],
])('a server that %s is an error', async (_, text) => {
  await using server = await serverThat((socket) => socket.end(text));

  await expect(get(server.address, '/', {}, FOR_EVER)).rejects.toThrow();
});
