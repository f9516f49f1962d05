import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../../hub/src/db/open.ts';
import { createUser, listUsers } from '../../../hub/src/users/users.service.ts';
import { openScene } from '../scene.ts';
import { type ClusterRig, startClusterRig } from '../testing/rig.ts';
import { upCluster } from '../up.ts';
import { snapshotHubData } from './snapshot.ts';

const PEOPLE = Array.from({ length: 40 }, (_, at) => `person${at}`);

const dataDisk = ({ sim }: ClusterRig) =>
  [...sim.world.volumes.values()].find((one) => one.tags.get('atrium:part') === 'manager-data')!;
const databaseOn = (rig: ClusterRig) => join(rig.sim.world.dir, 'volumes', dataDisk(rig).id, 'hub.sqlite');

test('a copy of the hub’s disk that was taken while the hub wrote is a database that the hub opens, with everybody in it', async () => {
  await using rig = await startClusterRig();
  await upCluster(rig.input());
  const before = databaseOn(rig);
  {
    await using hub = await openDatabase(before);
    for (const name of PEOPLE) await createUser(hub.db, { name, now: rig.clock.now() });
    // What was written last is not in the database's own file yet.
    expect(statSync(`${before}-wal`).size).toBeGreaterThan(0);
    await snapshotHubData(await openScene(rig.input()), 'on schedule');
    await rig.pass(3_600_000);
    await createUser(hub.db, { name: 'too-late', now: rig.clock.now() });
  }
  const manager = [...rig.sim.world.instances.values()].find((one) => one.tags.get('atrium:part') === 'manager')!;
  rig.sim.byHand.terminate(manager.id);
  await rig.pass(60_000);
  rig.sim.world.volumes.delete(dataDisk(rig).id);

  await upCluster(rig.input());
  expect(databaseOn(rig)).not.toBe(before);
  expect(existsSync(databaseOn(rig))).toBe(true);
  await using restored = await openDatabase(databaseOn(rig));
  const { users } = await listUsers(restored.db, {});
  expect(users.map(({ name }) => name).toSorted()).toEqual(PEOPLE.toSorted());
}, 60_000);
