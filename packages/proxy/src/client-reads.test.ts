import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Buffers } from './buffers.ts';
import { ClientReads } from './client-reads.ts';

async function accepted(): Promise<
  { client: Socket; server: Socket } & AsyncDisposable & { buffers: Buffers; reads: ClientReads; got: Buffer[] }
> {
  const buffers = new Buffers();
  const listener = createServer({ allowHalfOpen: true });
  const got: Buffer[] = [];
  const taken = new Promise<{ server: Socket; reads: ClientReads }>((resolve) => {
    listener.on('connection', (server) => {
      resolve({ server, reads: new ClientReads(server, buffers, (chunk) => got.push(chunk)) });
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const { server, reads } = await taken;
  return {
    client,
    server,
    buffers,
    reads,
    got,
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

test('a connection that was accepted is read into the shared buffer: this Node keeps `onread` where it is looked for', async () => {
  await using pair = await accepted();
  const { client, server, buffers, reads, got } = pair;
  client.write('hello');
  await expect.poll(() => got.length, { timeout: 20_000 }).toBe(1);
  expect(got[0]!.toString()).toBe('hello');
  expect(got[0]!.buffer).toBe(buffers.shared.buffer);
  expect(server.bytesRead).toBe(5);

  const kept = reads.keep(got[0]!);
  buffers.shared.fill(0);
  expect(kept.toString()).toBe('hello');
  const own = Buffer.from('own');
  expect(reads.keep(own)).toBe(own);
});

test('what is written from it stays as it was, though the next read is there before the reader', async () => {
  await using pair = await accepted();
  const { client, server, reads, buffers } = pair;
  // Back to the client: more than the kernel takes, so that it waits here.
  const sizes = [10, 5_000, 60_000];
  const expected: Buffer[] = [];
  for (let round = 0; round < 200; round++) {
    for (const size of sizes) {
      const chunk = buffers.shared.subarray(0, size).fill(round & 0xff);
      expected.push(Buffer.from(chunk));
      reads.pass(server, chunk);
    }
  }
  expect(server.writableLength).toBeGreaterThan(0);
  server.end();
  const read: Buffer[] = [];
  for await (const chunk of client) read.push(chunk);
  expect(Buffer.concat(read).equals(Buffer.concat(expected))).toBe(true);
});

test('pausing stops it, and another may take over', async () => {
  await using pair = await accepted();
  const { client, server, reads, got } = pair;
  server.pause();
  client.write('one');
  client.end();
  const second: string[] = [];
  reads.take = (chunk) => second.push(chunk.toString());
  const ended = once(server, 'end');
  server.resume();
  await ended;
  expect(got).toEqual([]);
  expect(second).toEqual(['one']);
});
