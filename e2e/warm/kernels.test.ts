import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readablePython } from '../../tools/ec2-sim/src/runner/readable-python.ts';
import { testPython } from '../../tools/test-machine.ts';
import { type KernelSocket, openKernel } from '../lib/kernel.ts';
import { forksKernels, parentOf } from '../lib/processes.ts';
import { childrenOf, logOf, type Started, startWorld, type World } from './world.ts';

const MINUTE = 60_000;
const SOON = { timeout: 30_000, interval: 100 };
const isRoot = process.getuid?.() === 0;

interface Kernel {
  id: string;
  execution_state: string;
}

describe.each([
  ['of this account', 'this account', testPython(), ''],
  ['of a hub that is not root', 'ordinary', readablePython(), "isolation: 'none'"],
] as const)('kernels of a warm server %s', (_, as, python, more) => {
  const skip = process.platform !== 'linux' || !python || (as === 'ordinary' && !isRoot);

  describe.skipIf(skip)('are forked', () => {
    let world: World;
    let server: Started;
    /** The process that kernels are forked from, as the machine numbers it. */
    let parent: number;

    beforeAll(async () => {
      world = await startWorld(as);
      await world.serve({ start: 'warm', python: python!, more });
      await begin();
    }, 8 * MINUTE);
    afterAll(async () => {
      await world?.[Symbol.asyncDispose]();
    }, MINUTE);

    const begin = async () => {
      server = await world.begin('ada');
      // Only a warm one has it.
      parent = childrenOf(server.pid).find(forksKernels) ?? 0;
      expect(parent).not.toBe(0);
    };
    const base = () => new URL('user/ada/', world.up.url);
    const open = () => openKernel(base(), world.token);
    const ask = async (path: string, method = 'GET') => {
      const answer = await fetch(new URL(`api/${path}`, base()), {
        method,
        headers: { authorization: `token ${world.token}` },
      });
      return answer.status === 204 ? [] : ((await answer.json()) as Kernel[]);
    };
    const endAll = async () => {
      for (const { id } of await ask('kernels')) await ask(`kernels/${id}`, 'DELETE');
    };
    /** Kernels by how they were made: forked by the process for that, or run by the server. */
    const forked = () => childrenOf(parent);
    const log = () => logOf(world, server);

    test('each has the process beside the server as its parent, says so to itself, and no luck in common', async () => {
      await using one = await open();
      await using other = await open();
      const draw = 'import random, uuid, os; print(random.random(), uuid.uuid4(), uuid.uuid1(), os.urandom(4))';

      const [first, second] = [await one.run(draw), await other.run(draw)];

      expect(forked()).toHaveLength(2);
      expect(first.split(' ').filter((word) => second.split(' ').includes(word))).toEqual([]);
      expect(await one.run(PARENTS)).toBe('True');
      expect(log()).toContain('Warm kernel');
      expect(log()).not.toContain('Cold kernel');
      await endAll();
    });

    test('one is interrupted, restarted, and found dead with its status when it was killed', async () => {
      await using kernel = await open();
      const [{ id } = { id: '' }] = await ask('kernels');
      const began = join(world.home('ada'), 'began');
      const endless = kernel.run(`import time\nopen('began', 'w')\nwhile True: time.sleep(0.1)`).catch(String);
      await expect.poll(() => existsSync(began), SOON).toBe(true);

      await ask(`kernels/${id}/interrupt`, 'POST');
      // What an interrupted cell says; not that nothing came of it in time.
      expect(await endless).toBe('Error');
      // For a moment after an error, kernels skip what they are asked.
      await expect.poll(() => runs(kernel), SOON).toBe(true);

      const [before] = forked();
      await ask(`kernels/${id}/restart`, 'POST');
      await expect.poll(forked, SOON).toEqual([expect.not.toSatisfy((pid) => pid === before)]);
      await expect.poll(() => runs(kernel), SOON).toBe(true);

      const [second] = forked();
      process.kill(second!, 'SIGKILL');
      // Jupyter's own watch over its kernels brings it back.
      await expect.poll(() => forked().filter((pid) => pid !== second), SOON).toHaveLength(1);
      await expect.poll(() => runs(kernel), SOON).toBe(true);
      await endAll();
    });

    test('twenty that came and went leave nothing', { timeout: 3 * MINUTE }, async () => {
      const round = async () => {
        await using kernel = await open();
        expect(await kernel.run('print(6 * 7)')).toBe('42');
        await endAll();
      };
      await round();
      await expect.poll(forked, SOON).toEqual([]);
      await delay(2_000);
      const before = [openOf(parent), openOf(server.pid)];

      for (let done = 0; done < 20; done += 1) await round();

      await expect.poll(forked, SOON).toEqual([]);
      await expect.poll(() => openOf(parent), SOON).toBe(before[0]);
      // Of the server's own some are kept open for a while, whoever starts its kernels.
      await expect.poll(() => openOf(server.pid) - before[1]!, SOON).toBeLessThan(10);
      expect(childrenOf(server.pid)).toEqual([parent]);
    });

    test('one that does not fit is started in the ordinary way, and the log says why', async () => {
      const module = join(world.home('ada'), 'random.py');
      writeFileSync(module, '');
      await using kernel = await open();

      expect(await kernel.run('print(6 * 7)')).toBe('42');

      expect(forked()).toEqual([]);
      expect(log()).toMatch(/Cold kernel .*: shadowed the working directory has random.py/);
      rmSync(module);
      await endAll();
    });

    test('a program in a terminal starts its kernels in the ordinary way', { timeout: 2 * MINUTE }, async () => {
      await using kernel = await open();

      const said = await kernel.run(NESTED);

      expect(said).toContain('local');
      await endAll();
    });

    test('the process beside it hangs: kernels start in the ordinary way', { timeout: 2 * MINUTE }, async () => {
      process.kill(parent, 'SIGSTOP');
      await using kernel = await open();
      expect(await kernel.run('print(6 * 7)')).toBe('42');
      expect(log()).toMatch(/Cold kernel .*: it was not there within/);

      // Only one of them waits.
      await using next = await open();
      expect(await next.run('print(6 * 7)')).toBe('42');
      expect(log()).toMatch(/Cold kernel .*: the process that forks kernels did not answer a while ago/);

      process.kill(parent, 'SIGCONT');
      await expect.poll(forked, SOON).toEqual([]);
      await endAll();
    });

    test('the process beside it was killed: kernels start in the ordinary way', { timeout: 2 * MINUTE }, async () => {
      process.kill(parent, 'SIGKILL');
      await expect.poll(() => readFileSync(`/proc/${parent}/status`, 'utf8'), SOON).toMatch(/^State:\tZ/m);
      await using other = await open();
      expect(await other.run('print(6 * 7)')).toBe('42');

      await endAll();
      await expect.poll(() => childrenOf(server.pid), SOON).toEqual([]);
    });

    test('it ends with its server, and so do its kernels', { timeout: 2 * MINUTE }, async () => {
      await world.end('ada');
      await begin();
      await using kernel = await open();
      expect(await kernel.run('print(6 * 7)')).toBe('42');
      const [forkedOne] = forked();
      expect(forkedOne).toBeDefined();

      process.kill(server.pid, 'SIGKILL');

      await expect.poll(() => [parent, forkedOne!].map(parentOf), SOON).toEqual([0, 0]);
    });
  });
});

/** Which process a kernel takes for its own's parent: by its environment, by what ipykernel read there, and really. */
const PARENTS = `
import os
from ipykernel.kernelapp import IPKernelApp
told = int(os.environ["JPY_PARENT_PID"]), IPKernelApp.instance().parent_handle, IPKernelApp.parent_handle.default_value
print(set(told) == {os.getppid()})
`;

const NESTED = `
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
print("local" if type(manager.provisioner).__name__ == "LocalProvisioner" else type(manager.provisioner))
manager.shutdown_kernel(now=True)
`;

/** What a kernel says before everybody has connected to it again is lost, whoever started it. */
const runs = (kernel: KernelSocket) =>
  Promise.race([
    kernel.run('print(6 * 7)').then(
      (text) => text === '42',
      () => false,
    ),
    delay(3_000, false),
  ]);

const openOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
