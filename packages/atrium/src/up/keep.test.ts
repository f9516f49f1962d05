import { expect, test } from 'vitest';
import { keepRunning } from './keep.ts';
import type { ProxyChild } from './proxy-child.ts';
import { keepWorkers } from './workers.ts';

const SOON = { timeout: 30_000 };

/** Processes that start when they may, and end when they are told to. */
function works() {
  const said: string[] = [];
  let last = 0;
  const it = {
    said,
    starts: 0,
    /** Why none can start; undefined when they can. */
    broken: undefined as string | undefined,
    alive: new Map<number, (how: string) => void>(),
    over: new AbortController(),
    async start(): Promise<ProxyChild> {
      it.starts += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (it.broken !== undefined) throw new Error(it.broken);
      const pid = ++last;
      const { promise: ended, resolve } = Promise.withResolvers<string>();
      const end = (how: string) => {
        if (it.alive.delete(pid)) resolve(how);
      };
      it.alive.set(pid, end);
      return { pid, port: 1, certificates: [], ended, leave: () => end('status 0') };
    },
    say: (text: string) => void said.push(text),
    [Symbol.dispose]: () => it.over.abort(),
  };
  return it;
}

test('workers of which one cannot start again are replaced nevertheless, or the reason is told and the others go on', async () => {
  using its = works();
  let pids: readonly number[] = [];
  const { start, say, over } = its;
  const workers = keepWorkers({
    ...{ first: await start(), count: 3, start, say, signal: over.signal },
    onChange: (now) => {
      pids = now;
    },
  });
  await expect.poll(() => pids, SOON).toHaveLength(3);
  const before = [...pids];

  // One dies while none can start, and the supervisor tries again and again.
  its.broken = 'the certificate is not there';
  its.alive.get(before[0]!)!('signal SIGKILL');
  await expect.poll(() => its.said.filter((text) => text.includes('Trying again')).length, SOON).toBeGreaterThan(1);
  await expect(workers.upgrade(3, 0)).rejects.toThrow('the certificate is not there');
  expect([...its.alive.keys()]).toEqual(before.slice(1));
  // It is still tried for.
  const { starts } = its;
  await expect.poll(() => its.starts, SOON).toBeGreaterThan(starts + 1);

  its.broken = undefined;
  await workers.upgrade(3, 0);
  await expect.poll(() => [...its.alive.keys()].filter((pid) => before.includes(pid)), SOON).toEqual([]);
  await expect.poll(() => [...its.alive.keys()].sort(), SOON).toEqual([...pids].sort());
  expect(pids).toHaveLength(3);
  await workers.upgrade(1, 0);
  await expect.poll(() => its.alive.size, SOON).toBe(1);
});

test('one that its replacement ended, which then failed, is started again', async () => {
  using its = works();
  const first = await its.start();
  const kept = keepRunning<ProxyChild>({
    ...{ name: 'hub', first, start: its.start, say: its.say, signal: its.over.signal },
    onStarted: () => {},
  });

  const replaced = kept.replace(async (old) => {
    old!.leave(0);
    await old!.ended;
    throw new Error('the new one cannot');
  });

  await expect(replaced).rejects.toThrow('the new one cannot');
  await expect.poll(() => [...its.alive.keys()], SOON).toEqual([2]);
  expect(its.starts).toBe(2);
});
