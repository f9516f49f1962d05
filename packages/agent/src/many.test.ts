import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import type { Launch } from './index.ts';
import { testWorld } from './test-world.ts';

const SOON = { timeout: 60_000, interval: 50 };
const COUNT = 60;

/** A notebook server within this process. */
const launchWithin: Launch = async ({ env }) => {
  const { hostname, port } = new URL(env.JUPYTERHUB_SERVICE_URL!);
  let end = (_: { code: number; log: string }) => {};
  const ended = new Promise<{ code: number; log: string }>((resolve) => {
    end = resolve;
  });
  const server = createServer((_, response) => response.end('[]')).listen(Number(port), hostname);
  const stop = () => {
    server.closeAllConnections();
    server.close(() => end({ code: 0, log: '' }));
  };
  return { ended, stop };
};

test('sixty agents in one process start, beat apart from each other, and end when the hub is gone', async () => {
  await using world = await testWorld({ speed: 10 });
  const machines = await Promise.all(Array.from({ length: COUNT }, (_, n) => world.machine(n, { leaseMs: 240_000 })));
  const before = process.memoryUsage().rss;

  const booted = machines.map((machine) => machine.boot({ launch: launchWithin }));
  await expect
    .poll(() => machines.filter(({ id }) => world.hub.of(id, 'heartbeat').length > 1).length, SOON)
    .toBe(COUNT);
  expect((process.memoryUsage().rss - before) / COUNT).toBeLessThan(3e6);
  expect(world.hub.violations).toEqual([]);
  world.hub.mode = 'dead';
  const ends = await Promise.all(booted.map(({ ended }) => ended));

  expect(new Set(ends.map(({ why }) => why))).toEqual(new Set(['idle']));
  const last = Math.max(...world.hub.calls.map(({ at }) => at));
  expect(world.clock.now() - last).toBeLessThan(240_000 + 120_000);
}, 120_000);
