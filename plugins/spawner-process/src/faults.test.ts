import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ada, begin, openOn, type ProcessWorld, processWorld, runScript } from './test-world.ts';

let world: ProcessWorld;
beforeAll(async () => {
  world = await processWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const faultOf = async (...args: [script: string, options?: Parameters<typeof runScript>[2]]) =>
  (await runScript(world, ...args)).seen.fault;
const limitsOf = async () => (await openOn(world)).caps.limits;

test('a command that is not there is named', async () => {
  const spawner = await openOn(world, { command: ['no-such-command'] });
  const life = await begin(spawner, ada, 1);

  const { fault } = await life.until('exited');

  expect(fault).toMatchObject({ class: 'config', code: 'command_not_found' });
  expect(fault?.message).toContain('no-such-command');
});

test('a script whose interpreter is gone is told apart from a missing command', async () => {
  const folder = join(dirname(world.place.dataDir), 'moved');
  await mkdir(folder);
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'server'), '#!/no/such/python\n', { mode: 0o755 });
  await chmod(join(folder, 'server'), 0o755);
  const spawner = await openOn(world, { command: [join(folder, 'server')], readOnlyPaths: [folder] });
  const life = await begin(spawner, ada, 2);

  expect((await life.until('exited')).fault).toMatchObject({ class: 'config', code: 'python_missing' });
});

test('a Python package that is not installed is named', async () => {
  const fault = await faultOf(`echo "ModuleNotFoundError: No module named 'jupyterlab.extra'" >&2; exit 1`);

  expect(fault).toMatchObject({ class: 'config', code: 'python_package_missing' });
  expect(fault?.message).toContain('"jupyterlab.extra"');
  expect(fault?.advice).toContain('pip install jupyterlab');
});

test('a full disk is the person’s to mend', async ({ skip }) => {
  if ((await openOn(world)).caps.isolation === 'none') skip('no private /tmp that a test may fill');

  expect(await faultOf('head -c 3000000 /dev/zero > /tmp/big', { tmpMb: 1 })).toMatchObject({
    class: 'user',
    code: 'disk_full',
  });
});

test('an end by itself shows its last words; status 0 is no fault', async () => {
  expect(await faultOf('echo "bad config: line 3" >&2; exit 3')).toMatchObject({
    code: 'exited',
    message: 'The server ended by itself with status 3. Its last words: bad config: line 3',
  });
  expect((await runScript(world, 'exit 0')).seen).toEqual({ phase: 'exited', exit: { code: 0 } });
});

test('a kill from outside is told by its signal', async () => {
  const { seen } = await runScript(world, 'kill -9 $$');

  expect(seen).toMatchObject({ exit: { code: null, signal: 'SIGKILL' }, fault: { class: 'lost', code: 'killed' } });
});

const EAT = `head -c 200000000 /dev/zero | tail > /dev/null`;

test('a server over its memory limit is ended and told so', async ({ skip }) => {
  if (!(await limitsOf()).includes('memory')) skip('no cgroup with memory limits that this account may use');

  const { seen } = await runScript(
    world,
    `exec ${process.execPath} -e 'const a=[];for(;;)a.push(Buffer.alloc(1e6,1))'`,
    { limits: { memoryMb: 100 } },
  );

  expect(seen).toMatchObject({ exit: { reason: 'oom' }, fault: { class: 'user', code: 'out_of_memory' } });
  expect(seen.fault?.message).toContain('100 MiB');
});

test('a kernel over the limit is a notice, and the server lives', async ({ skip }) => {
  if (!(await limitsOf()).includes('memory')) skip('no cgroup with memory limits that this account may use');
  const spawner = await openOn(world, { limits: { memoryMb: 64 }, command: ['/bin/sh', '-c', `${EAT}; sleep 60`] });
  const life = await begin(spawner, ada, 7);

  await expect.poll(async () => (await life.observe()).notices?.length ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);

  const [first, second] = [await life.observe(), await life.observe()];
  expect(first.phase).toBe('starting');
  expect(first.notices).toEqual(second.notices);
  expect(first.notices?.[0]).toMatchObject({ code: 'kernel_out_of_memory' });
  await spawner.destroy(life.ref, life.io);
});

test('tasks beyond the limit are refused', async ({ skip }) => {
  if (!(await limitsOf()).includes('tasks')) skip('no cgroup with task limits that this account may use');

  const { output } = await runScript(world, 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 3 & done; echo all', {
    limits: { tasks: 8 },
  });

  expect(output).toMatch(/Cannot fork|Resource temporarily unavailable/);
});
