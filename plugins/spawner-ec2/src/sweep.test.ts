import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { memoryLog, memoryStore, testIo } from '@atrium/sdk/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Ec2Calls, Filters } from './calls/types.ts';
import { Ec2Config } from './config.ts';
import { openWorld, spawnerOf } from './index.ts';

/* One look at everybody's machines. The region is another process, as it is in life: what is measured here is ours. */

const MACHINES = 5_000;
const SIM = fileURLToPath(new URL('./testing/crowd-sim.ts', import.meta.url));
const LONG_MS = 120_000;

interface Facts {
  env: Record<string, string>;
  region: string;
  image: string;
  subnets: { id: string; zone: string }[];
  group: string;
}
let facts: Facts;
let sim: ReturnType<typeof spawn>;

beforeAll(async () => {
  sim = spawn(process.execPath, ['--conditions=atrium-source', SIM, String(MACHINES)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: sim.stdout! }), 'line')) as [string];
  facts = JSON.parse(line) as Facts;
  for (const [name, value] of Object.entries(facts.env)) vi.stubEnv(name, value);
}, LONG_MS);
afterAll(async () => {
  const ended = once(sim, 'exit');
  sim.stdin!.end();
  await ended;
  vi.unstubAllEnvs();
});

test(
  '5,000 machines are read a page at a time, and others get their turn between any two pages',
  async () => {
    const config = Ec2Config.parse({
      cluster: { name: 'class', id: 'cluster-1' },
      hubUrl: 'http://127.0.0.1:1/hub/',
      subnets: facts.subnets,
      securityGroups: [facts.group],
      profiles: [{ id: 'small', title: 'Small', types: ['t3.medium'], image: { id: facts.image } }],
    });
    const pages: number[] = [];
    const counted = (ec2: Ec2Calls): Ec2Calls => ({
      ...ec2,
      async *sweepInstances(filters: Filters, options) {
        for await (const page of ec2.sweepInstances(filters, options)) {
          pages.push(page.length);
          yield page;
        }
      },
    });
    const io = testIo({ log: memoryLog(), store: memoryStore() });
    const spawner = spawnerOf(await openWorld(config, { ...io, hubId: 'hub-1' }, counted));
    // What else there is to do in a hub: it notes how far the sweep is each time it is its turn, and how long this thread
    // has worked until then, which is how long it would have waited on a machine with nothing else to do.
    const turns = new Set<number>();
    const waits: number[] = [];
    let over = false;
    const others = (async () => {
      while (!over) {
        turns.add(pages.length);
        const last = process.threadCpuUsage();
        await new Promise((resolve) => setImmediate(resolve));
        const { user, system } = process.threadCpuUsage(last);
        waits.push((user + system) / 1000);
      }
    })();
    const begun = performance.now();

    let listed = 0;
    for await (const one of spawner.list(io)) listed += one.hubId === 'hub-1' ? 1 : 0;

    const took = performance.now() - begun;
    over = true;
    await others;
    const sorted = waits.toSorted((a, b) => b - a).map((ms) => ms.toFixed(1));
    console.log(
      `sweep of ${listed} machines in ${pages.length} pages, ${took.toFixed(0)} ms; longest turns of the event loop, in ms of ` +
        `processor time: ${sorted.slice(0, 5).join(', ')}; median of the ${pages.length} longest: ${sorted[pages.length >> 1]}`,
    );
    expect(listed).toBe(MACHINES);
    expect(Math.max(...pages)).toBeLessThanOrEqual(100);
    for (let page = 0; page <= pages.length; page += 1) expect(turns.has(page), `a turn after page ${page}`).toBe(true);
  },
  LONG_MS,
);
