import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { testPython } from '../../tools/test-machine.ts';
import { parentOf } from '../lib/processes.ts';
import { readyTemplates, warmOf } from './warmth.ts';
import { childrenOf, type Started, startWorld } from './world.ts';

/** `WARM_STARTS=200` is what was promised; it takes a quarter of an hour on two cores. */
const STARTS = Number(process.env.WARM_STARTS) || 20;
const AT_ONCE = 10;
/** More than the allocator's own ups and downs, and less than one leaked page per start would come to in a day. */
const MOST_GROWTH = 2 * 2 ** 20;
/** Until processes that were ended have been waited for. */
const GONE = { timeout: 20_000, interval: 200 };
const START_MS = 5_000;

const USERS = Array.from({ length: AT_ONCE }, (_, at) => `many${at}`);

test.skipIf(process.platform !== 'linux' || !testPython())(
  `a template is as it was after ${STARTS} starts and stops`,
  { timeout: 600_000 + STARTS * START_MS },
  async () => {
    await using world = await startWorld();
    await world.serve({ start: 'warm', python: testPython()! });
    const round = async (users: readonly string[]) => {
      const started = await Promise.all(users.map((user) => world.begin(user)));
      await Promise.all(users.map((user) => world.end(user)));
      await expect.poll(() => started.filter(isThere).length, GONE).toBe(0);
    };
    // Homes are made, and the template has done everything once.
    await round(USERS);
    await round(USERS.slice(0, 1));
    const [template, ...others] = await readyTemplates(world.cli);
    expect(others).toEqual([]);
    const { pid } = template!;
    await expect.poll(() => childrenOf(pid), GONE).toEqual([]);
    const before = { memory: privateMemory(pid), open: descriptors(pid), warm: (await warmOf(world.cli)).starts.warm };

    for (let done = 0; done < STARTS; done += AT_ONCE) await round(USERS.slice(0, Math.min(AT_ONCE, STARTS - done)));

    await expect.poll(() => childrenOf(pid), GONE).toEqual([]);
    expect((await readyTemplates(world.cli)).map((one) => one.pid)).toEqual([pid]);
    expect((await warmOf(world.cli)).starts.warm - before.warm).toBe(STARTS);
    expect(privateMemory(pid) - before.memory).toBeLessThanOrEqual(MOST_GROWTH);
    expect(descriptors(pid)).toEqual(before.open);
    const { pid: up, hubPid } = world.up.state();
    expect([up, hubPid ?? 0].flatMap(childrenOf).filter(isZombie), 'zombies').toEqual([]);
  },
);

const isThere = ({ pid }: Started) => parentOf(pid) !== 0;

/**
 * Bytes that only this process has, and no file: whether pages of a file count as its own depends on who else on the machine
 * has that file open. Without children: what is shared with them would not count.
 */
function privateMemory(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_Dirty:\s+(\d+) kB/gm);
  return [...lines].reduce((sum, [, kb]) => sum + Number(kb) * 1024, 0);
}

const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).sort((a, b) => Number(a) - Number(b));

const isZombie = (pid: number) => /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
