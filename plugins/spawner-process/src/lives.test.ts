import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testIo, testServerIo } from '@atrium/sdk/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tend } from './control.ts';
import { homesDir, launchDir, launchesDir, type ProcessRef } from './layout.ts';
import { logFile } from './logs.ts';
import { launches } from './look.ts';
import { readClaim, signal } from './processes.ts';
import { ada, begin, helperFor, openOn, type ProcessWorld, processWorld, TINY_SERVER } from './test-world.ts';

let world: ProcessWorld;
beforeEach(async () => {
  world = await processWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const KILLS = 8;
const ONE_NODE = [process.execPath, '-e', TINY_SERVER] as const;

test('kill -9 of a hub that is starting servers: each start ends with one process, each stop with none', {
  timeout: 120_000,
}, async () => {
  const heir = await openOn(world);
  const io = testIo();
  const seen = { started: 0 };
  for (let round = 1; round <= KILLS; round += 1) {
    const hub = fork(join(import.meta.dirname, 'test-hub.ts'), [JSON.stringify(world.place), String(round)], {
      execArgv: ['--conditions=atrium-source'],
      silent: true,
    });
    let said = '';
    hub.stderr!.on('data', (text) => {
      said += text;
    });
    const ended = once(hub, 'exit');
    await Promise.race([once(hub, 'message'), ended]);
    // In the middle of five starts, with none to five of them having a folder.
    const mine = async () => (await launches(world.place)).filter(({ server }) => server.startsWith(`kill${round}x`));
    await expect
      .poll(async () => (await mine()).length, { timeout: 20_000, interval: 1 })
      .toBeGreaterThanOrEqual(round % 6);
    hub.kill('SIGKILL');
    expect(await ended, said).toEqual([null, 'SIGKILL']);

    const left = await Array.fromAsync(heir.list(io));
    seen.started += left.length;
    for (const { ref, serverId, generation } of left) {
      const life = { id: serverId, generation };
      const spec = heir.resolve(ada, {});
      await expect
        .poll(async () => (await heir.ensure(ref, spec, testServerIo(life))).phase, { timeout: 20_000 })
        .toBe('running');
      expect(await world.living(serverId, generation, world.place.hubId)).toBe(1);
      await heir.stop(ref, { graceMs: 0, force: true }, io);
      await expect.poll(async () => (await heir.observe(ref, io)).phase, { timeout: 20_000 }).toBe('exited');
      await heir.destroy(ref, io);
      expect(await world.living(serverId, generation, world.place.hubId)).toBe(0);
    }
    // What was cut off before it had a folder is gone as well, as for every row that is stopped.
    for (const at of [1, 2, 3, 4, 5]) await heir.destroy(heir.identify(`kill${round}x${at}`, 1), io);
  }
  expect(seen.started).toBeGreaterThan(0);
});

test('its socket gets the name that the proxy uses also when several look after it at the same moment', async () => {
  const life = await begin(await openOn(world), ada);
  await life.until('running');
  const dir = launchDir(world.place, life.ref as ProcessRef);
  await expect.poll(() => readdir(dir)).toContain('sock');

  for (let round = 0; round < 20; round += 1) {
    await rm(join(dir, 'sock'));
    await Promise.all(Array.from({ length: 4 }, () => tend(world.place, life.ref as ProcessRef, Date.now())));
    expect(await readdir(dir)).toContain('sock');
  }

  expect((await readdir(dir)).filter((name) => name.startsWith('sock'))).toEqual(['sock']);
});

test('a server whose keeper was killed still runs, and still stops', async () => {
  const spawner = await openOn(world);
  const life = await begin(spawner, ada);
  await life.until('running');
  const keeper = await readClaim(join(launchDir(world.place, life.ref as ProcessRef), 'keeper'));
  if (!keeper || keeper === 'void') throw new Error('no keeper');

  signal(keeper.pid, 'SIGKILL');

  expect((await life.observe()).phase).toBe('running');
  await spawner.stop(life.ref, { graceMs: 1_000, force: false }, life.io);
  expect(await life.until('exited')).toMatchObject({ exit: { code: null, reason: 'stopped' } });
});

test('force ends what has left its session and ignores being asked', async () => {
  const script = `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' & exec ${process.execPath} -e "$TINY"`;
  const spawner = await openOn(world, {
    command: ['/bin/sh', '-c', script],
    environment: { TINY: TINY_SERVER.replace('process.exit(0)', '0') },
  });
  const life = await begin(spawner, ada);
  await life.until('running');

  await spawner.stop(life.ref, { graceMs: 100, force: false }, life.io);
  expect((await life.observe()).phase).toBe('stopping');
  await spawner.stop(life.ref, { graceMs: 0, force: true }, life.io);
  await life.until('exited');

  await expect.poll(() => world.living(life.io.server.id, 1, 'kithub'), { timeout: 5_000 }).toBe(0);
});

test('a stop that comes between folder and process keeps a late process from running', async () => {
  const spawner = await openOn(world);
  const helper = helperFor(world.place);
  const life = await begin(spawner, ada);
  await life.until('running');
  // The same folder without its process: what a hub leaves that dies in between.
  const ref = { server: 'late', generation: 1 };
  const meta = JSON.parse(await readFile(join(launchDir(world.place, life.ref as ProcessRef), 'meta.json'), 'utf8'));
  await mkdir(join(launchDir(world.place, ref), 'io'), { recursive: true });
  await writeFile(join(launchDir(world.place, ref), 'meta.json'), JSON.stringify({ ...meta, ...ref, cgroups: [] }));
  expect((await spawner.observe(ref, life.io)).phase).toBe('pending');

  await spawner.stop(ref, { graceMs: 0, force: false }, life.io);

  expect(await spawner.observe(ref, life.io)).toMatchObject({ phase: 'exited', exit: { reason: 'stopped' } });
  expect((await spawner.ensure(ref, spawner.resolve(ada, {}), life.io)).phase).toBe('exited');
  await helper.call('remove', { ref });
});

test('a start that is taken back at once leaves nothing, however late its process comes', async () => {
  const spawner = await openOn(world);
  const io = testIo();

  for (let generation = 1; generation <= 40; generation += 1) {
    const { ref } = await begin(spawner, ada, generation);
    await spawner.stop(ref, { graceMs: 0, force: true }, io);
    await spawner.destroy(ref, io);
  }

  expect(await readdir(launchesDir(world.place))).toEqual([]);
});

test('a machine that was restarted is told, and nothing is taken for the old process', async () => {
  const spawner = await openOn(world);
  const life = await begin(spawner, ada);
  await life.until('running');
  const file = join(launchDir(world.place, life.ref as ProcessRef), 'meta.json');
  const meta = JSON.parse(await readFile(file, 'utf8'));

  await writeFile(file, JSON.stringify({ ...meta, boot: 'another-boot' }));

  expect(await life.observe()).toMatchObject({ phase: 'exited', fault: { class: 'lost', code: 'machine_restarted' } });
  await writeFile(file, JSON.stringify(meta));
});

test('a log that grows too large is cut while the server writes to it', async () => {
  const spawner = await openOn(world, {
    command: ['/bin/sh', '-c', 'head -c 11000000 /dev/zero | tr "\\0" "x"; echo; echo newest; exec sleep 60'],
  });
  const life = await begin(spawner, ada);
  const log = logFile(world.place, life.io.server.id);
  await expect.poll(async () => (await stat(log)).size, { timeout: 15_000 }).toBeGreaterThan(11_000_000);

  await life.observe();

  expect((await stat(log)).size).toBeLessThan(1_000);
  expect((await stat(`${log}.1`)).size).toBeGreaterThan(10_000_000);
});

test('a log that a server stretches with a hole is not copied whole', async () => {
  const stretch = `import os, time; os.ftruncate(1, 1 << 40); print("newest", flush=True); time.sleep(60)`;
  const spawner = await openOn(world, { command: ['python3', '-c', stretch] });
  const life = await begin(spawner, ada);
  const log = logFile(world.place, life.io.server.id);
  await expect.poll(async () => (await stat(log)).size, { timeout: 15_000 }).toBeGreaterThan(1e12);

  await life.observe();

  expect((await stat(log)).size).toBeLessThan(1_000);
  expect((await stat(`${log}.1`)).size).toBeLessThan(11_000_000);
});

test('what a person’s other server does to a folder that is being removed leads root nowhere', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only as root');
  const precious = join(world.place.dataDir, 'precious');
  const files = Array.from({ length: 50 }, (_, at) => String(at));
  await mkdir(precious);
  for (const name of files) await writeFile(join(precious, name), '');
  // Swaps a folder and a link as fast as it can, in a folder that it holds open.
  const swap = `
    const fs = require('node:fs');
    fs.mkdirSync('a');
    for (let i = 0; i < 200; i++) fs.writeFileSync('a/' + i, '');
    fs.symlinkSync(process.argv[1], 'b');
    process.stdout.write('go');
    for (;;) try {
      fs.renameSync('a', 'c'); fs.renameSync('b', 'a'); fs.renameSync('a', 'b'); fs.renameSync('c', 'a');
    } catch { try { fs.symlinkSync(process.argv[1], 'b'); fs.mkdirSync('a'); } catch {} }
  `;
  const spawner = await openOn(world);
  for (let generation = 1; generation <= 5; generation += 1) {
    const life = await begin(spawner, ada, generation);
    await life.until('running');
    const cwd = join(launchDir(world.place, life.ref as ProcessRef), 'io');
    const other = spawn(process.execPath, ['-e', swap, precious], {
      cwd,
      uid: ada.uid,
      gid: ada.uid,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(other.stdout, 'data');

    await spawner.stop(life.ref, { graceMs: 0, force: true }, life.io);
    await life.until('exited');
    await spawner.destroy(life.ref, life.io).catch(() => {});
    other.kill('SIGKILL');
    await once(other, 'exit');
  }

  expect((await readdir(precious)).toSorted()).toEqual(files.toSorted());
});

test('storage goes only when no server uses it, and a link in its place leads nowhere', async () => {
  const spawner = await openOn(world);
  const life = await begin(spawner, ada);
  await life.until('running');

  await expect(spawner.destroyStorage!(ada.storage!, life.io)).rejects.toThrow(/Stop it first/);
  await spawner.stop(life.ref, { graceMs: 0, force: true }, life.io);
  await life.until('exited');
  const home = join(homesDir(world.place), ada.storage!);
  await symlink('/etc', join(home, 'trap'));
  await spawner.destroyStorage!(ada.storage!, life.io);
  await spawner.destroyStorage!(ada.storage!, life.io);

  await expect(stat(home)).rejects.toThrow(/ENOENT/);
  expect((await stat('/etc/passwd')).isFile()).toBe(true);
  await symlink('/etc', home);
  await expect(spawner.ensure(spawner.identify('x', 1), spawner.resolve(ada, {}), life.io)).rejects.toThrow(
    /could not be prepared/,
  );
});

test('the helper refuses accounts, names and folders that are not its own', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only as root');
  const helper = helperFor(world.place);
  const launch = {
    ref: { server: 'abc', generation: 1 },
    mode: 'namespaces',
    uid: ada.uid,
    user: 'ada',
    storage: ada.storage,
    command: [...ONE_NODE],
    env: {},
    limits: {},
    address: 'unix',
    python: '/nowhere',
    readOnlyPaths: [],
    umask: '022',
    tmpMb: 1,
    warm: null,
  };
  const refused = (change: object) => expect(helper.call('launch', { ...launch, ...change })).rejects.toThrow();

  await refused({ uid: 0, storage: 'root-0' });
  await refused({ storage: 'bob-1900001002' });
  await refused({ storage: '../../etc-1900001001' });
  await refused({ ref: { server: '../abc', generation: 1 } });
  await refused({ mode: 'none' });
  await refused({ env: { 'A B': 'x' } });
  await refused({ extra: true });
  await symlink('/etc', launchesDir(world.place));
  await refused({});
  await rm(launchesDir(world.place));
});
