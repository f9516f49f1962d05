import { expect, test } from 'vitest';
import { openClient, rawServer } from '../test-kit.ts';
import { openRedirect } from './redirect.ts';

test('a head that comes byte by byte does not last for ever', async () => {
  const redirect = openRedirect({ toPort: () => 443, lastsMs: 200 });
  await using server = await rawServer((socket) => redirect.accept(socket));
  const { port } = server.address as { port: number };
  using client = await openClient(port);
  client.socket.write('GET / HTTP/1.1\r\nX: ');
  const dripping = setInterval(() => client.socket.write('x'), 10);

  try {
    expect(await client.ended()).toBe('');
  } finally {
    clearInterval(dripping);
  }
});
