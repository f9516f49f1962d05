import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import { expect, test } from 'vitest';
import { hasPostgres, testDatabase } from '../../../../tools/test-postgres.ts';
import { startTestHub, type TestHub } from '../testing/index.ts';

const WAIT = 20_000;
const authenticator = sharedPassword({ password: new Secret('x') });
const isRoot = process.getuid?.() === 0;

async function started(hub: TestHub): Promise<Awaited<ReturnType<TestHub['api']>>> {
  const ada = await hub.api({ name: 'ada', admin: true });
  expect((await ada('POST', '/users/ada/server')).status).toBe(201);
  return ada;
}

const ready = async (ada: Awaited<ReturnType<TestHub['api']>>) =>
  ((await ada('GET', '/users/ada')).body as { server?: string | null }).server;

/** Stands between the hub and PostgreSQL and can take the way to it away. */
async function cuttableWay(url: string) {
  const target = new URL(url);
  const there = { host: target.hostname, port: Number(target.port) };
  const open = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(there);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one);
      one
        .on('error', () => {})
        .on('close', () => {
          open.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  });
  const listen = async (port: number) => {
    relay.listen(port, '127.0.0.1');
    await once(relay, 'listening');
  };
  await listen(0);
  const { port } = relay.address() as AddressInfo;
  target.port = String(port);
  const cut = async () => {
    relay.close();
    for (const socket of open) socket.destroy();
  };
  return { url: target.href, cut, mend: () => listen(port), [Symbol.asyncDispose]: cut };
}

test.skipIf(!hasPostgres)(
  'while PostgreSQL is gone the hub says so and stops nothing; when it is back all goes on',
  async () => {
    await using database = await testDatabase();
    await using way = await cuttableWay(database.url);
    const world = new EchoWorld();
    await using hub = await startTestHub({ spawner: echoSpawner({ world }), authenticator, database: way.url });
    const ada = await started(hub);

    await way.cut();
    const gone = await ada('GET', '/users/ada');

    expect(gone).toMatchObject({
      status: 503,
      body: { message: expect.stringContaining('Running servers keep running') },
    });
    expect(world.all(hub.ctx.hubId)).toHaveLength(1);
    await way.mend();
    await expect.poll(async () => (await ada('GET', '/users/ada')).status, { timeout: WAIT }).toBe(200);
    expect(await ready(ada)).toBe('/user/ada/');
    expect((await ada('DELETE', '/users/ada/server')).status).toBe(204);
    expect((await ada('POST', '/users/ada/server')).status).toBe(201);
  },
);

test.skipIf(!isRoot || process.platform !== 'linux')(
  'while the disk is full the hub says so and stops nothing; with room it goes on',
  async () => {
    const dataDir = mkdtempSync('/tmp/atrium-full-');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dataDir]);
    try {
      const world = new EchoWorld();
      await using hub = await startTestHub({ spawner: echoSpawner({ world, listen: 'tcp' }), authenticator, dataDir });
      const ada = await started(hub);
      for (let at = 0; ; at += 1) {
        try {
          writeFileSync(join(dataDir, `fill-${at}`), Buffer.alloc(64 * 1024));
        } catch {
          break;
        }
      }
      let full: { status: number; body: unknown } | undefined;
      for (let at = 0; at < 200 && full?.status !== 507; at += 1)
        full = await ada('POST', '/users', { usernames: [`u${at}`] });

      expect(full).toMatchObject({ status: 507, body: { message: expect.stringMatching(/disk/i) } });
      expect(await ready(ada)).toBe('/user/ada/');

      for (const name of readdirSync(dataDir).filter((entry) => entry.startsWith('fill-'))) rmSync(join(dataDir, name));
      expect((await ada('POST', '/users', { usernames: ['after'] })).status).toBe(201);
      expect((await ada('DELETE', '/users/ada/server')).status).toBe(204);
    } finally {
      execFileSync('umount', ['-l', dataDir]);
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
);
