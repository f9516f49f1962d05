import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stepsOf } from './test-hub.ts';
import { reboot, testWorld } from './test-world.ts';

const SOON = { timeout: 50_000, interval: 20 };
const BUSY = JSON.stringify([{ id: 'k', execution_state: 'busy', last_activity: '2026-01-01T00:00:00Z' }]);

test('a machine proves itself, opens the home, starts the server as its person and beats', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1, { waits: 2, user: 'Ada.Łovelace@example.org' });
  machine.boot();

  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(1);

  expect(world.hub.of(machine.id, 'hello')).toHaveLength(3);
  const steps = world.hub.of(machine.id, 'step').flatMap(({ body }) => stepsOf(body).map(({ percent }) => percent));
  expect(steps).toEqual([55, 60, 65, 75, 95]);
  const beat = world.hub.of(machine.id, 'heartbeat')[0]!.body;
  expect(beat).toMatchObject({ busy: false, lastWork: null, kernels: 0, terminals: 0, server: { state: 'running' } });
  expect((beat.memory as { total: number }).total).toBeGreaterThan(1e6);
  expect((beat.disk as { total: number }).total).toBeGreaterThan(1e6);
  const home = await stat(machine.volume);
  if (process.getuid?.() === 0) expect(home.uid).toBe(machine.expected.uid);
  expect(home.mode & 0o077).toBe(0);
  expect(Number(await readFile(join(machine.root, 'run/atrium/lease'), 'utf8'))).toBeGreaterThan(world.clock.now());
  expect(world.hub.violations).toEqual([]);
});

test('no token reaches the log, the command line or a file that others can read', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  const [token = ''] = world.hub.tokens.keys();

  expect(token).not.toBe('');
  expect(machine.logs.join('\n')).not.toContain(token);
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).not.toContain(token);
  for (const name of await readdir(join(machine.root, 'run/atrium'))) {
    const file = join(machine.root, 'run/atrium', name);
    const { mode } = await stat(file);
    if ((await readFile(file, 'utf8')).includes(token)) expect(mode & 0o077, name).toBe(0);
  }
});

test('an agent that is started anew within one boot asks with the same nonce', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  await reboot(machine.root);
  const first = machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  await first.stop();

  machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'hello').length, SOON).toBe(2);

  const nonces = world.hub.of(machine.id, 'hello').map(({ body }) => body.nonce);
  expect(nonces[1]).toBe(nonces[0]);
  expect(world.hub.violations).toEqual([]);
});

test('after a stop and a start the machine has a new nonce and the home keeps its files', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  await reboot(machine.root);
  const first = machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  await writeFile(join(machine.volume, 'work.txt'), 'a semester');
  const mark = await readFile(join(machine.volume, '.atrium-filesystem'), 'utf8');
  await first.stop();

  await reboot(machine.root);
  world.hub.expect({ ...machine.expected, home: { ...machine.expected.home!, fresh: false } });
  machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(1);

  expect(await readFile(join(machine.volume, 'work.txt'), 'utf8')).toBe('a semester');
  expect(await readFile(join(machine.volume, '.atrium-filesystem'), 'utf8')).toBe(mark);
  const nonces = world.hub.of(machine.id, 'hello').map(({ body }) => body.nonce);
  expect(nonces.at(-1)).not.toBe(nonces[0]);
  expect(world.hub.violations).toEqual([]);
});

test('a disk that looks empty but was used before is not formatted, and the person reads why', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  machine.expected.home!.fresh = false;
  machine.boot();

  await expect
    .poll(() => world.hub.of(machine.id, 'step').map(({ body }) => (body.fault as { code?: string })?.code), SOON)
    .toContain('home_blank');
  expect(await readdir(machine.volume)).toEqual([]);
});

test('a command that the image does not have is told at once', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1, { command: ['/nowhere/jupyterhub-singleuser'] });
  machine.boot();

  await expect
    .poll(() => world.hub.of(machine.id, 'step').map(({ body }) => (body.fault as { code?: string })?.code), SOON)
    .toContain('command_not_found');
});

test('a hub that answers nonsense, 503 or nothing is asked again until it is well', async () => {
  await using world = await testWorld({ speed: 50 });
  const machine = await world.machine(1);
  for (const mode of ['junk', 'late', 'dead'] as const) {
    world.hub.mode = mode;
    if (mode === 'junk') machine.boot();
    const before = machine.logs.length;
    await expect
      .poll(() => machine.logs.slice(before).filter((line) => line.startsWith('no hub took')).length, SOON)
      .toBeGreaterThan(2);
  }
  world.hub.mode = 'well';

  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
});

test('hub dead for good: an idle machine switches itself off when its lease ran out', async () => {
  await using world = await testWorld({ speed: 60 });
  const machine = await world.machine(1, { leaseMs: 120_000 });
  const booted = machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  world.hub.mode = 'dead';
  const last = world.hub.of(machine.id, 'heartbeat').at(-1)!.at;

  expect(await booted.ended).toEqual({ reason: 'power-off', why: 'idle' });

  expect(booted.poweredOff()).toBe(1);
  expect(world.clock.now() - last - 120_000).toBeLessThan(120_000);
});

test('hub dead, a cell runs: the machine stays until the hard limit, warns in the home, then goes off', async () => {
  await using world = await testWorld({ speed: 200 });
  const machine = await world.machine(1, { leaseMs: 1_200_000, hardStopAfterMs: 3_600_000 });
  const booted = machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  await writeFile(join(machine.volume, 'kernels.json'), BUSY);
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').at(-1)?.body.busy, SOON).toBe(true);
  world.hub.mode = 'dead';
  const last = world.hub.of(machine.id, 'heartbeat').at(-1)!.at;

  const warned = expect
    .poll(() => readFile(join(machine.volume, 'THIS-MACHINE-WILL-STOP.txt'), 'utf8').catch(() => ''), SOON)
    .toContain('The hub has not answered');
  expect(await booted.ended).toEqual({ reason: 'power-off', why: 'hard-limit' });
  await warned;

  expect(world.clock.now() - last).toBeGreaterThanOrEqual(3_600_000);
});

test('the longest session ends under a hub that is well, after a warning', async () => {
  await using world = await testWorld({ speed: 200 });
  const machine = await world.machine(1, { maxSessionMs: 1_800_000 });
  const booted = machine.boot();

  expect(await booted.ended).toEqual({ reason: 'power-off', why: 'session' });
  expect(await readFile(join(machine.volume, 'THIS-MACHINE-WILL-STOP.txt'), 'utf8')).toContain('longest time');
});

test('a machine that woke from hibernation asks the hub before it judges its old lease', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  const booted = machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  const before = world.hub.of(machine.id, 'heartbeat').length;
  world.imds.dropTokens();

  world.clock.jump(9 * 3_600_000);
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(before + 1);

  expect(booted.poweredOff()).toBe(0);
  expect(world.hub.of(machine.id, 'hello')).toHaveLength(1);
});

test('a session that the hub forgot: the machine says hello again and its server gets the new token', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  world.imds.dropTokens();
  world.hub.forget(machine.id);

  await expect.poll(() => world.hub.of(machine.id, 'hello').length, SOON).toBe(2);
  const beats = world.hub.of(machine.id, 'heartbeat').length;
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(beats);

  const [token] = world.hub.tokens.keys();
  const { address, port, user } = machine.expected;
  const reply = await fetch(`http://${address}:${port}/user/${user}/api/kernels`, {
    headers: { authorization: `token ${token}` },
  });
  expect(reply.status).toBe(200);
  expect(world.hub.violations).toEqual([]);
});

test('a crash: the server is started again; the person shuts it down: the machine goes off', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  const booted = machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  const { address, port } = machine.expected;

  await fetch(`http://${address}:${port}/quit/1`).catch(() => {});
  await expect.poll(() => machine.logs.join('\n'), SOON).toContain('the notebook server ended by itself');
  await expect
    .poll(
      () =>
        fetch(`http://${address}:${port}/api`).then(
          ({ ok }) => ok,
          () => false,
        ),
      SOON,
    )
    .toBe(true);
  // The agent has seen it, too: until it beats again, an end would be a failed start.
  const before = world.hub.of(machine.id, 'heartbeat').length;
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(before + 1);
  await fetch(`http://${address}:${port}/quit/0`).catch(() => {});

  expect(await booted.ended).toEqual({ reason: 'power-off', why: 'the person shut the server down' });
  expect(world.hub.of(machine.id, 'hello')).toHaveLength(1);
});

test('a spot notice reaches the hub and the home within seconds', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  machine.facts.lifeCycle = 'spot';
  machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);
  const at = new Date(Math.ceil(world.clock.now() / 1000) * 1000 + 120_000);
  const told = world.clock.now();

  machine.facts.notice = { action: 'stop', time: at.toISOString() };

  await expect
    .poll(() => world.hub.of(machine.id, 'heartbeat').at(-1)?.body.spot, SOON)
    .toEqual({ action: 'stop', at: at.getTime() });
  expect(world.hub.of(machine.id, 'heartbeat').find(({ body }) => body.spot)!.at - told).toBeLessThan(15_000);
  expect(await readFile(join(machine.volume, 'THIS-MACHINE-WILL-STOP.txt'), 'utf8')).toContain(
    'Amazon takes this machine back',
  );
});

test('tasks are done once and told: a restore, a flush, a growth', async () => {
  await using world = await testWorld({ speed: 20 });
  const machine = await world.machine(1);
  const other = await world.machine(2);
  await writeFile(join(other.volume, 'lost.txt'), 'found');
  await writeFile(join(other.volume, '.atrium-filesystem'), '{}');
  machine.boot();
  await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);

  world.hub.give(machine.id, {
    id: 't1',
    kind: 'restore',
    volume: 'vol-2',
    into: 'restored-2026-11-21',
    device: other.volume,
  });
  world.hub.give(machine.id, { id: 't2', kind: 'flush' });
  world.hub.give(machine.id, { id: 't3', kind: 'grow' });
  await expect.poll(() => [...world.hub.done.keys()].sort(), SOON).toEqual(['t1', 't2', 't3']);

  expect([...world.hub.done.values()].map(({ ok }) => ok)).toEqual([true, true, true]);
  const copy = join(machine.volume, 'restored-2026-11-21');
  expect(await readFile(join(copy, 'lost.txt'), 'utf8')).toBe('found');
  expect(await readdir(copy)).toEqual(['lost.txt']);
  if (process.getuid?.() === 0) expect((await stat(join(copy, 'lost.txt'))).uid).toBe(machine.expected.uid);
  expect(world.hub.violations).toEqual([]);
});
