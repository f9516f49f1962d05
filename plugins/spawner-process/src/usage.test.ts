import { testIo, testServerIo } from '@atrium/sdk/testing';
import { expect, test } from 'vitest';
import { ada, openOn, processWorld } from './test-world.ts';

/** Holds 64 MB and is busy until it has used a second of CPU time. */
const BUSY_SERVER = `
  const kept = Buffer.alloc(64 * 1024 * 1024, 1);
  const server = require('node:http').createServer((request, response) => response.end(String(kept.length)));
  process.on('SIGTERM', () => process.exit(0));
  server.listen(process.env.ATRIUM_SOCKET);
  const work = () => { const until = Date.now() + 20; while (Date.now() < until); if (process.cpuUsage().user < 1e6) setImmediate(work); };
  work();
`;

test.runIf(process.platform === 'linux')(
  'a running server uses memory and time; one that is not there is not known',
  {
    timeout: 120_000,
  },
  async () => {
    await using world = await processWorld();
    const spawner = await openOn(world, { command: [process.execPath, '-e', BUSY_SERVER] });
    const server = { id: 'used', generation: 1 };
    const ref = spawner.identify(server.id, 1);
    const other = spawner.identify('nobody', 1);
    const spec = spawner.resolve(ada, {});
    const begun = async () => (await spawner.ensure(ref, spec, testServerIo(server))).phase;
    await expect.poll(begun, { timeout: 60_000 }).toBe('running');
    const used = async () => (await spawner.usage?.([other, ref], testIo())) ?? [];

    await expect.poll(async () => (await used())[1]?.cpuSeconds ?? 0, { timeout: 60_000 }).toBeGreaterThan(0.9);
    const [nobody, mine] = await used();

    expect(nobody).toBeNull();
    expect(mine?.memoryBytes).toBeGreaterThan(64 * 1024 * 1024);
    expect(mine?.memoryBytes).toBeLessThan(1024 * 1024 * 1024);
    await spawner.stop(ref, { graceMs: 0, force: true }, testIo());
    await expect.poll(async () => (await spawner.observe(ref, testIo())).phase, { timeout: 60_000 }).toBe('exited');
    await spawner.destroy(ref, testIo());
    expect((await used())[1]).toBeNull();
  },
);
