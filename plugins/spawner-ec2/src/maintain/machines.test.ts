import type { MaintainAction, MaintainIo, MaintainServer } from '@atrium/sdk';
import { afterEach, expect, test } from 'vitest';
import { attachHome } from '../homes/attach-home.ts';
import { ensureHome } from '../homes/ensure-home.ts';
import { DAY_MS, serverRow, startTestWorld, type TestWorld, trackMachine } from '../homes/test-world.ts';
import { readRecord } from '../records.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { inventory, maintain } from './index.ts';

const MINUTE_MS = 60_000;
let t: TestWorld;
afterEach(async () => {
  expect(t.sim.violations).toEqual([]);
  await t[Symbol.asyncDispose]();
});

const WORKER = { [TAG.server]: 's1', [TAG.user]: 'ada', [TAG.generation]: '1', [TAG.profile]: 'small' };
const STATE = (id: string) => t.sim.world.instances.get(id)?.state;
const codes = (actions: readonly MaintainAction[]) => actions.map(({ code }) => code);
const mutating = (since: number) => t.sim.calls.all({ since, mutating: true }).map(({ action }) => action);

/** One round, a minute after the last. */
async function round(world: Ec2World, servers: readonly MaintainServer[], more: Partial<MaintainIo> = {}) {
  const actions = await t.run(maintain(world, t.upkeep(servers, more)));
  await t.clock.advance(MINUTE_MS);
  return actions;
}

test('a machine of no server is told at once, stopped after ten minutes, and removed after a week where that is allowed', async () => {
  t = await startTestWorld({ terminateOrphans: true });
  const world = await t.hub();
  const machine = await t.run(t.machine(world, { ...WORKER, [TAG.server]: 'gone' }));
  const others = [serverRow({ id: 's1' })];

  expect(await round(world, others)).toMatchObject([{ code: 'found_orphan', alert: true }]);
  for (let minute = 1; minute < 10; minute += 1) expect(await round(world, others)).toEqual([]);
  expect(codes(await round(world, others))).toEqual(['stop_orphan']);
  await t.clock.advance(MINUTE_MS);
  expect(STATE(machine.id)).toBe('stopped');
  const since = t.sim.world.instances.get(machine.id)?.tags.get(TAG.orphanSince);
  expect(Date.parse(since ?? '')).toBeGreaterThan(0);

  await t.clock.advance(6 * DAY_MS);
  expect(await round(world, others)).toEqual([]);
  await t.clock.advance(DAY_MS);
  // With no row at all, it is the rows that are lost.
  expect(await round(world, [])).toEqual([]);
  expect(codes(await round(world, others))).toEqual(['terminate_orphan']);
  await t.clock.advance(MINUTE_MS);
  expect(STATE(machine.id)).toBe('terminated');
});

test('nobody’s machine stays for ever where removing it is not allowed', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machine = await t.run(t.machine(world, { ...WORKER, [TAG.server]: 'gone' }));
  t.sim.byHand.stop(machine.id);
  await t.clock.advance(MINUTE_MS);

  expect(codes(await round(world, [serverRow({ id: 's1' })]))).toEqual(['mark_orphan']);
  await t.clock.advance(30 * DAY_MS);
  await round(world, [serverRow({ id: 's1' })]);

  expect(STATE(machine.id)).toBe('stopped');
});

test('of two machines of one server the tracked one stays; the other is stopped when two looks agree', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const mine = await t.run(t.machine(world, WORKER));
  const other = await t.run(t.machine(world, WORKER));
  await trackMachine(t, 's1', mine);
  const rows = [serverRow({ id: 's1', phase: 'ready', desired: 'running' })];

  expect(await round(world, rows)).toEqual([]);
  expect(await round(world, rows)).toMatchObject([{ code: 'stop_second', alert: true }]);
  await t.clock.advance(MINUTE_MS);

  expect([STATE(mine.id), STATE(other.id)]).toEqual(['running', 'stopped']);
});

test('a machine that its start has asked for but not yet heard of is nobody’s second', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const made = await t.run(t.machine(world, WORKER));
  const token = t.sim.world.instances.get(made.id)?.clientToken ?? '';
  const attempt = {
    ...{ n: 1, generation: 1, token, type: 't3.medium', zone: made.zone, market: 'on-demand' as const, subnetId: '' },
    ...{ imageId: null, rootDevice: null, profile: 'small', at: t.clock.now() },
  };
  await trackMachine(t, 's1', made, { instanceId: null, attempt });
  const rows = [serverRow({ id: 's1', phase: 'starting', desired: 'running', phaseAt: t.clock.now() })];

  for (let n = 0; n < 15; n += 1) expect(await round(world, rows)).toEqual([]);

  expect(STATE(made.id)).toBe('running');
});

test('a machine that runs without a server is stopped after ten minutes, and never one whose server is on', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const idle = await t.run(t.machine(world, WORKER));
  const used = await t.run(t.machine(world, { ...WORKER, [TAG.server]: 's2', [TAG.user]: 'bob' }));
  await trackMachine(t, 's1', idle);
  await trackMachine(t, 's2', used, { user: 'bob', storage: 'home-bob' });
  const rows = [
    serverRow({ id: 's1', phase: 'stopped', phaseAt: t.clock.now() }),
    serverRow({ id: 's2', user: 'bob', phase: 'ready', desired: 'running', phaseAt: t.clock.now() }),
  ];

  for (let minute = 0; minute < 10; minute += 1) expect(await round(world, rows)).toEqual([]);
  expect(codes(await round(world, rows))).toEqual(['stop_unused']);
  await t.clock.advance(MINUTE_MS);

  expect([STATE(idle.id), STATE(used.id)]).toEqual(['stopped', 'running']);
});

test('a machine that stays pending is removed with what EC2 says, so that its start makes another', async () => {
  t = await startTestWorld({}, { delays: { pendingMs: DAY_MS } });
  const world = await t.hub();
  const machine = await t.run(t.machine(world, WORKER));
  await trackMachine(t, 's1', machine);
  const rows = [serverRow({ id: 's1', phase: 'starting', desired: 'running' })];

  for (let minute = 0; minute < 5; minute += 1) expect(await round(world, rows)).toEqual([]);
  expect(await round(world, rows)).toMatchObject([{ code: 'replace_pending', alert: true }]);
  await t.clock.advance(MINUTE_MS);

  expect(STATE(machine.id)).toBe('terminated');
});

test('a machine that does not get stopped is stopped by force', async () => {
  t = await startTestWorld({}, { delays: { stoppingMs: DAY_MS } });
  const world = await t.hub();
  const machine = await t.run(t.machine(world, WORKER));
  await trackMachine(t, 's1', machine);
  t.sim.byHand.stop(machine.id);
  const rows = [serverRow({ id: 's1', phase: 'stopping', phaseAt: t.clock.now() })];

  const seen: string[] = [];
  for (let minute = 0; minute < 12; minute += 1) seen.push(...codes(await round(world, rows)));

  expect(seen[0]).toBe('force_stop');
  expect(t.sim.calls.all('StopInstances')[0]?.params).toMatchObject({ Force: true, InstanceIds: [machine.id] });
});

test('a machine that somebody terminated is forgotten, so that the next start makes another; no answer is no reason', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machine = await t.run(t.machine(world, WORKER));
  await trackMachine(t, 's1', machine);
  const rows = [serverRow({ id: 's1', phase: 'stopped', phaseAt: t.clock.now() })];
  await t.clock.advance(2 * MINUTE_MS);
  t.sim.byHand.terminate(machine.id);
  await t.clock.advance(MINUTE_MS);

  const fault = t.sim.faults.add({ action: 'DescribeInstances', code: 'Unavailable', times: 100 });
  await expect(t.run(maintain(world, t.upkeep(rows)))).rejects.toMatchObject({ code: 'Unavailable' });
  expect((await readRecord(t.store, 's1'))?.instanceId).toBe(machine.id);
  fault.remove();
  await t.clock.advance(MINUTE_MS);

  expect(codes(await round(world, rows))).toEqual(['forget_machine']);
  expect(await readRecord(t.store, 's1')).toMatchObject({ instanceId: null, attached: false, attempts: 1 });
  expect(await t.store.get(`machine/${machine.id}`)).toBeUndefined();
});

test('a machine that EC2 does not know is believed to be gone when it says so twice, a minute apart', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  await trackMachine(t, 's1', { id: 'i-00000000000000001', type: 't3.medium', zone: 'us-east-1a' });
  const rows = [serverRow({ id: 's1', phase: 'stopped', phaseAt: t.clock.now() })];
  await t.clock.advance(2 * MINUTE_MS);

  expect(await round(world, rows)).toEqual([]);
  expect(codes(await round(world, rows))).toEqual(['forget_machine']);
});

test('machines whose records were lost are taken over by their tags, and not stopped as somebody’s second', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machine = await t.run(t.machine(world, { ...WORKER, [TAG.generation]: '7' }));
  t.sim.byHand.stop(machine.id);
  await t.clock.advance(MINUTE_MS);
  const rows = [serverRow({ id: 's1', generation: 5, phase: 'stopped', storage: 'home-ada' })];

  await round(world, rows);
  expect(codes(await round(world, rows))).toEqual(['adopt']);
  // A record that is ahead of its row would lock its owner out.
  expect(await readRecord(t.store, 's1')).toMatchObject({ instanceId: machine.id, generation: 5, storage: 'home-ada' });
  expect(await t.store.get(`machine/${machine.id}`)).toEqual({ server: 's1' });
  await t.clock.advance(10 * MINUTE_MS);
  expect(codes(await round(world, rows))).toEqual(['refresh_tags']);
  expect(await round(world, rows)).toEqual([]);
});

test('a machine that fails its checks is told when two looks agree, and stopped when that lasts', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machine = await t.run(t.machine(world, WORKER));
  await trackMachine(t, 's1', machine);
  const rows = [serverRow({ id: 's1', phase: 'ready', desired: 'running', phaseAt: t.clock.now() })];
  t.sim.byHand.impair(machine.id);
  expect(await round(world, rows)).toEqual([]);
  t.sim.byHand.impair(machine.id, false);
  expect(await round(world, rows)).toEqual([]);
  t.sim.byHand.impair(machine.id);

  expect(await round(world, rows)).toEqual([]);
  for (let minute = 1; minute < 10; minute += 1) expect(codes(await round(world, rows))).toEqual(['impaired']);
  expect(STATE(machine.id)).toBe('running');
  expect(codes(await round(world, rows))).toEqual(['stop_impaired']);
  expect(STATE(machine.id)).not.toBe('running');
});

test('tags of machines that were resumed are brought up to date, those that want the same in one call', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machines = [];
  const rows = [];
  for (const n of [1, 2, 3]) {
    const machine = await t.run(t.machine(world, { ...WORKER, [TAG.server]: `s${n}` }));
    machines.push(machine);
    await trackMachine(t, `s${n}`, machine, { generation: 4 });
    rows.push(serverRow({ id: `s${n}`, generation: 4, phase: 'ready', desired: 'running', phaseAt: t.clock.now() }));
  }
  const mark = t.sim.calls.mark();

  expect(await round(world, rows)).toMatchObject([{ code: 'refresh_tags' }]);
  expect(await round(world, rows)).toEqual([]);

  expect(mutating(mark)).toEqual(['CreateTags']);
  for (const { id } of machines) expect(t.sim.world.instances.get(id)?.tags.get(TAG.generation)).toBe('4');
});

test('a machine stopped for two weeks goes; its home stays, and one that would be deleted with it keeps both', async () => {
  t = await startTestWorld({ homes: { tiers: { terminateAfterDays: 14, archiveAfterDays: null } } });
  const world = await t.hub();
  const want = { storage: 'home-ada', user: 'ada', zone: 'us-east-1a', sizeGb: 10 };
  const home = await t.until(async () => {
    const state = await ensureHome(world, want);
    return state.state === 'ready' && state;
  }, 'a home');
  const machine = await t.run(t.machine(world, WORKER, 'us-east-1a'));
  const attach = () => attachHome(world, { storage: 'home-ada', volumeId: home.volumeId, instanceId: machine.id });
  await t.until(async () => (await attach()) === 'attached', 'an attached home');
  await trackMachine(t, 's1', machine, { homeVolume: home.volumeId });
  t.sim.byHand.stop(machine.id);
  await t.clock.advance(MINUTE_MS);
  const rows = [serverRow({ id: 's1', phase: 'stopped', phaseAt: t.clock.now(), storage: 'home-ada' })];
  const volume = t.sim.world.volumes.get(home.volumeId);
  await t.clock.advance(13.9 * DAY_MS);
  expect(codes(await round(world, rows))).not.toContain('retire_machine');
  await t.clock.advance(0.2 * DAY_MS);

  if (volume?.attachment) volume.attachment.deleteOnTermination = true;
  expect(codes(await round(world, rows))).toContain('home_at_risk');
  expect(STATE(machine.id)).toBe('stopped');
  if (volume?.attachment) volume.attachment.deleteOnTermination = false;
  await t.clock.advance(10 * MINUTE_MS);
  expect(codes(await round(world, rows))).toContain('retire_machine');
  // What an earlier look showed is not taken over again.
  for (let n = 0; n < 4; n += 1) expect(codes(await round(world, rows))).not.toContain('adopt');

  expect(STATE(machine.id)).toBe('terminated');
  expect(t.sim.world.volumes.get(home.volumeId)?.state).toBe('available');
  expect(await readRecord(t.store, 's1')).toMatchObject({ instanceId: null });
});

test('the inventory for a rebuild: machines and homes by their tags, an archived home by its newest copy', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const machine = await t.run(t.machine(world, { ...WORKER, [TAG.storage]: 'home-ada' }));
  t.sim.byHand.stop(machine.id);
  await t.run(t.machine(world, { [TAG.role]: 'spare' }));
  const home = await t.until(async () => {
    const state = await ensureHome(world, { storage: 'home-ada', user: 'ada', zone: 'us-east-1a', sizeGb: 10 });
    return state.state === 'ready' && state;
  }, 'a home');
  const bobs = {
    [TAG.clusterId]: world.cluster.id,
    [TAG.role]: 'snapshot',
    [TAG.user]: 'bob',
    [TAG.storage]: 'home-bob',
  };
  const copy = await t.run(world.ec2.createSnapshot(home.volumeId, 'bob', bobs));
  await t.clock.advance(3 * MINUTE_MS);

  const rows = await t.run(inventory(world));

  expect(rows.toSorted((a, b) => `${a.user}`.localeCompare(`${b.user}`))).toEqual([
    {
      ...{ user: 'ada', server: 's1', storage: 'home-ada', generation: 1 },
      instance: { id: machine.id, type: 't3.medium', zone: machine.zone, state: 'stopped' },
      home: { volumeId: home.volumeId, zone: 'us-east-1a', sizeGb: 10 },
    },
    {
      ...{ user: 'bob', server: null, storage: 'home-bob', generation: null, instance: null },
      home: { snapshotId: copy.id, sizeGb: 10 },
    },
  ]);
});

test('a dry run says all of it and changes nothing: no call, no row', async () => {
  t = await startTestWorld();
  const world = await t.hub();
  const orphan = await t.run(t.machine(world, { ...WORKER, [TAG.server]: 'gone' }));
  const idle = await t.run(t.machine(world, WORKER));
  await trackMachine(t, 's1', idle, { generation: 2 });
  const rows = [serverRow({ id: 's1', phase: 'stopped', phaseAt: t.clock.now() })];
  await round(world, rows);
  await t.clock.advance(11 * MINUTE_MS);
  const before = await t.store.entries('');
  const mark = t.sim.calls.mark();

  const said = await round(world, rows, { dryRun: true });
  const again = await round(world, rows, { dryRun: true });

  expect(said.map(({ message }) => message).join('\n')).toMatch(/would be stopped/);
  expect(codes(said)).toEqual(expect.arrayContaining(['stop_orphan', 'stop_unused']));
  expect(codes(again)).toEqual(codes(said));
  expect(mutating(mark)).toEqual([]);
  expect(await t.store.entries('')).toEqual(before);
  expect([STATE(orphan.id), STATE(idle.id)]).toEqual(['running', 'running']);
});

test('nothing without our cluster’s id is touched: untagged, of another cluster of the same name, or tagged by hand', async () => {
  t = await startTestWorld({ terminateOrphans: true });
  const world = await t.hub();
  const foreign = await t.run(t.machine(world, WORKER));
  const untagged = await t.run(t.machine(world, WORKER));
  t.sim.world.instances.get(foreign.id)?.tags.set(TAG.clusterId, 'another');
  t.sim.world.instances.get(untagged.id)?.tags.clear();
  for (const volume of t.sim.world.volumes.values()) volume.tags.delete(TAG.clusterId);
  await t.clock.advance(MINUTE_MS);
  const mark = t.sim.calls.mark();

  for (let n = 0; n < 15; n += 1) expect(await round(world, [serverRow({ id: 's2' })])).toEqual([]);

  expect(mutating(mark)).toEqual([]);
  expect([STATE(foreign.id), STATE(untagged.id)]).toEqual(['running', 'running']);
});
