import { expect, test } from 'vitest';
import { downCluster } from '../down.ts';
import { openScene } from '../scene.ts';
import { type ClusterRig, startClusterRig } from '../testing/rig.ts';
import { upCluster } from '../up.ts';
import { hubSnapshots, snapshotHubData } from './snapshot.ts';

const HOUR_MS = 3_600_000;

const dataDisk = (rig: ClusterRig) =>
  [...rig.sim.world.volumes.values()].find((one) => one.tags.get('atrium:part') === 'manager-data');

const copies = async (rig: ClusterRig) =>
  (await hubSnapshots(await openScene(rig.input()))).map((each) => each.SnapshotId);

test('the hub’s disk is copied every so many hours, and so many copies are kept', async () => {
  const manager = { snapshots: { everyHours: 6, keep: 3 } };
  await using rig = await startClusterRig({ config: { manager } });
  await upCluster(rig.input());
  const tick = async () => snapshotHubData(await openScene(rig.input()), 'on schedule');
  const first = await tick();
  expect(first).toMatch(/^snap-/);
  await rig.pass(5 * HOUR_MS);
  expect(await tick()).toBeUndefined();
  for (let day = 0; day < 3; day++) {
    await rig.pass(6 * HOUR_MS);
    expect(await tick()).toMatch(/^snap-/);
  }
  await rig.pass(HOUR_MS);
  await tick();
  expect(await copies(rig)).toHaveLength(3);
  expect(await copies(rig)).not.toContain(first);
  expect(rig.sim.violations).toEqual([]);
});

test('a hub’s disk that is lost comes back from its newest copy, with the hub’s own certificate on it', async () => {
  await using rig = await startClusterRig();
  const first = await upCluster(rig.input());
  await snapshotHubData(await openScene(rig.input()), 'on schedule');
  await rig.pass(HOUR_MS);
  const disk = dataDisk(rig)!;
  const manager = [...rig.sim.world.instances.values()].find((one) => one.tags.get('atrium:part') === 'manager')!;
  rig.sim.byHand.terminate(manager.id);
  await rig.pass(60_000);
  rig.sim.world.volumes.delete(disk.id);

  const again = await upCluster(rig.input());
  const restored = dataDisk(rig)!;
  expect(restored.id).not.toBe(disk.id);
  expect(restored.snapshotId).toBe((await copies(rig))[0]);
  // Never again made a file system: what looks blank on it for a moment is somebody's database.
  expect(restored.tags.get('atrium:fresh')).toBe('no');
  expect(again.fingerprint).toBe(first.fingerprint);
  expect(rig.said.join('\n')).toContain("the hub's disk comes from its newest copy");
});

test('after its data was deleted for good, a new cluster of the name still finds the last copy', async () => {
  await using rig = await startClusterRig();
  const first = await upCluster(rig.input());
  await downCluster(rig.input(), { deleteHubData: true, confirm: 'class' });
  expect(dataDisk(rig)).toBeUndefined();
  const again = await upCluster(rig.input());
  expect(again.fingerprint).toBe(first.fingerprint);
});
