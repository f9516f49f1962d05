import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeSpawner, memoryLog, memoryStore, testIo, testServerIo } from '@atrium/sdk/testing';
import { expect, test } from 'vitest';
import { EchoWorld, echoSpawner, serveEcho } from './index.ts';

type Options = Parameters<typeof echoSpawner>[0];

async function open(options: Options, runDir: string, hubId = 'kithub') {
  const configured = echoSpawner(options);
  const io = testIo();
  return configured.create(configured.config.parse(configured.options), {
    hubId,
    dataDir: runDir,
    runDir,
    clock: io.clock,
    log: memoryLog(),
    store: memoryStore(),
    helper: undefined,
  });
}

describeSpawner('echo', async () => {
  const runDir = await mkdtemp(join(tmpdir(), 'echo-'));
  const world = new EchoWorld();
  return {
    open: ({ hubId }) => open({ world }, runDir, hubId),
    living: async (server, generation, hubId) => (world.get(hubId, { server, generation }) ? 1 : 0),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await rm(runDir, { recursive: true });
    },
  };
});

test('a websocket gets back what it sends, short, long and very long', async () => {
  await using server = await serveEcho({ port: 0 });
  if (server.address.kind !== 'tcp') throw new Error('it listens on a port');
  const socket = new WebSocket(`ws://127.0.0.1:${server.address.port}/user/ada/api/kernels/1/channels`);
  await new Promise((resolve) => socket.addEventListener('open', resolve));

  for (const text of ['short', 'long'.repeat(100), 'longer'.repeat(20_000)]) {
    const back = new Promise((resolve) =>
      socket.addEventListener('message', ({ data }) => resolve(data), { once: true }),
    );
    socket.send(text);
    expect(await back).toBe(text);
  }
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
  socket.close();
  await closed;
});

test('every path is a page that shows it, and the api tells its version', async () => {
  await using server = await serveEcho({ port: 0 });
  if (server.address.kind !== 'tcp') throw new Error('it listens on a port');

  const page = await fetch(`http://127.0.0.1:${server.address.port}/user/ada/lab`);
  const api = await fetch(`http://127.0.0.1:${server.address.port}/user/ada/api`);

  expect(await page.text()).toContain('<h1>/user/ada/lab</h1>');
  expect(await api.json()).toEqual({ version: '2.21.0' });
});

test('a start takes as long as configured, and fails for whom it should', async () => {
  const spawner = await open({ startMs: 1_000, failFor: ['bob'], url: 'http://127.0.0.1:9' }, '/nowhere');
  let now = 0;
  const clock = { now: () => now, sleep: async () => undefined };
  const ref = spawner.identify('a', 1);

  expect((await spawner.ensure(ref, { user: 'ada' }, testServerIo({}, { clock }))).phase).toBe('starting');
  now = 1_000;
  expect(await spawner.observe(ref, testIo({ clock }))).toEqual({
    phase: 'running',
    address: { kind: 'tcp', host: '127.0.0.1', port: 9 },
  });
  await expect(spawner.ensure(ref, { user: 'bob' }, testServerIo())).rejects.toThrow(/as configured/);
});
