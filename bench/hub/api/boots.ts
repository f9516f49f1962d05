import { setTimeout as delay } from 'node:timers/promises';
import { statusOf } from '../hub.ts';
import { usageOf } from '../processes.ts';
import { quantile } from '../quantile.ts';
import type { SeededKind } from './kinds.ts';
import { type SeededOptions, withSeeded } from './seeded.ts';
import { makeWorld } from './world.ts';

export interface BootsOptions extends SeededOptions {
  users: number;
  running: number;
  /** Starts; the median counts. */
  times: number;
}

/** From starting the command, ms. */
export interface BootsRow {
  hub: string;
  users: number;
  running: number;
  /** To the first good answer of `/hub/health`. */
  healthy: number;
  /** To the first good answers of servers that ran all the time: the first, one in the middle, the last. */
  served: number;
  /** Bytes, the most the hub's process had by then. */
  peakRss: number;
}

const DEADLINE_MS = 120_000;
const LOOK_MS = 10;

/** How long a hub needs to come back to people whose servers run. */
export async function boots(kind: SeededKind, options: BootsOptions): Promise<BootsRow> {
  const { users, running, times, ...seeded } = options;
  const world = makeWorld(users, running);
  return await withSeeded(kind, world, seeded, async ({ start }) => {
    const rows: BootsRow[] = [];
    for (let run = 0; run < times; run += 1) {
      await using hub = await start();
      const began = performance.now();
      for (const at of [0, running >> 1, running - 1]) {
        const path = `/user/${world.servers[at]?.user}/`;
        while ((await statusOf(`${hub.door.origin}${path}`)) !== 200) {
          if (performance.now() - began > DEADLINE_MS) throw new Error(`${kind.title}: ${path} did not come back`);
          await delay(LOOK_MS);
        }
      }
      const served = hub.bootMs + performance.now() - began;
      const peakRss = Math.max(...hub.pids('hub').map((pid) => usageOf(pid).peakRss));
      rows.push({ hub: kind.title, users, running, healthy: hub.bootMs, served, peakRss });
    }
    const median = (of: (row: BootsRow) => number) => quantile(rows.map(of), 0.5);
    return {
      hub: kind.title,
      users,
      running,
      healthy: median(({ healthy }) => healthy),
      served: median(({ served }) => served),
      peakRss: median(({ peakRss }) => peakRss),
    };
  });
}
