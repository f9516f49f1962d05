import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { listen } from './listen.ts';
import { quiet } from './test-kit.ts';

const CONNECTIONS = 64;
/** Opens connections in a thread of its own and says when the kernel has them all. */
const CLIENTS = `
  const { connect } = require('node:net');
  const { workerData: { port, count, flag } } = require('node:worker_threads');
  let open = 0;
  for (let i = 0; i < count; i += 1) connect(port, '127.0.0.1', () => {
    if (++open === count) { Atomics.store(flag, 0, 1); Atomics.notify(flag, 0); }
  });`;

test('a burst of connections is not taken one by one, a turn of the loop each', async () => {
  const accepted: Socket[] = [];
  const listener = await listen({ host: '127.0.0.1', port: 0 }, quiet, (socket) => void accepted.push(socket));
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { port: listener.address.port, count: CONNECTIONS, flag };
  const worker = new Worker(CLIENTS, { eval: true, workerData });
  try {
    // This loop stands still until all of them wait in the kernel.
    expect(Atomics.wait(flag, 0, 0, 10_000)).not.toBe('timed-out');
    expect(accepted).toEqual([]);
    let turns = 0;
    while (accepted.length < CONNECTIONS && turns < 1000) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
    expect(accepted.length).toBe(CONNECTIONS);
    if (process.platform === 'linux') expect(turns).toBeLessThan(CONNECTIONS / 2);
  } finally {
    for (const socket of accepted) socket.destroy();
    void listener.close();
    await worker.terminate();
  }
});

test('a port that somebody has is said to be taken, also when it is another proxy that would share it', async () => {
  const first = await listen({ host: '127.0.0.1', port: 0 }, quiet, () => {});
  try {
    const again = listen({ host: '127.0.0.1', port: first.address.port }, quiet, () => {});
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  } finally {
    void first.close();
  }
});

test('an address that this machine does not have is refused', async () => {
  await expect(listen({ host: '203.0.113.1', port: 0 }, quiet, () => {})).rejects.toMatchObject({
    code: 'EADDRNOTAVAIL',
  });
});
