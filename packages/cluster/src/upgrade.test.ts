import { expect, test } from 'vitest';
import { awsClients } from './aws/clients.ts';
import { homeIn, machineIn } from './testing/people.ts';
import { type ClusterRig, startClusterRig } from './testing/rig.ts';
import { upCluster } from './up.ts';
import { upgradeCluster } from './upgrade.ts';

const partOf = (rig: ClusterRig, part: string) =>
  [...rig.sim.world.instances.values()].find((one) => one.tags.get('atrium:part') === part && one.state === 'running')!;
const disk = (rig: ClusterRig) =>
  [...rig.sim.world.volumes.values()].find((one) => one.tags.get('atrium:part') === 'manager-data')!;

test('a new version rolls image, template and manager; homes, running machines and the hub’s disk stay', async () => {
  await using rig = await startClusterRig();
  const first = await upCluster(rig.input());
  const home = await homeIn(rig, 'ada');
  const machine = await machineIn(rig, 'ada');
  const [manager, data] = [partOf(rig, 'manager').id, disk(rig).id];
  const homeText = JSON.stringify([...rig.sim.world.volumes.get(home.volume)!.tags]);

  // `up` alone interrupts nobody: it says what it left.
  const newer = { source: { npm: '0.2.0' } };
  const left = await upCluster(rig.input(newer));
  expect(left.later.map(({ part }) => part)).toContain('manager');
  expect(partOf(rig, 'manager').id).toBe(manager);

  const result = await upgradeCluster(rig.input(newer));
  expect(result.changed.map(({ part }) => part)).toContain('manager');
  expect(partOf(rig, 'manager').id).not.toBe(manager);
  expect(disk(rig).id).toBe(data);
  expect(disk(rig).attachment?.instanceId).toBe(partOf(rig, 'manager').id);
  expect(result.url).toBe(first.url);
  expect(result.fingerprint).toBe(first.fingerprint);
  expect(rig.sim.world.instances.get(machine)!.state).toBe('running');
  expect(JSON.stringify([...rig.sim.world.volumes.get(home.volume)!.tags])).toBe(homeText);
  expect(rig.sim.world.snapshots.has(home.snapshot)).toBe(true);
  expect(rig.said.join('\n')).toMatch(/copied the hub's disk \(snap-/);

  const mark = rig.sim.calls.mark();
  expect((await upCluster(rig.input(newer))).later).toEqual([]);
  expect(rig.sim.calls.all({ since: mark, mutating: true })).toEqual([]);
  expect(rig.sim.violations).toEqual([]);
});

test('a base image that is newer is taken by upgrade, not by up; two images are kept', async () => {
  const base = '/images/of-the-department';
  await using rig = await startClusterRig({ config: { image: { base } } });
  const ssm = await awsClients().ssm();
  const [like] = [...rig.sim.world.images.values()].filter((one) => one.public && one.architecture === 'x86_64');
  const publish = async (round: number) => {
    const id = `ami-0000000000000000${round}`;
    rig.sim.world.images.set(id, { ...like!, id });
    await ssm.putParameter({ Name: base, Value: id, Type: 'String', Overwrite: true });
  };
  const images = () =>
    [...rig.sim.world.images.values()].filter(
      (one) => one.tags.get('atrium:part') === 'image' && one.state === 'available',
    );

  await publish(0);
  await upCluster(rig.input());
  for (let round = 1; round < 4; round++) {
    await publish(round);
    expect((await upCluster(rig.input())).changed).toEqual([]);
    const upgraded = await upgradeCluster(rig.input());
    expect(upgraded.changed.map(({ part }) => part)).toContain('image');
    await rig.pass(86_400_000);
  }
  expect(images()).toHaveLength(2);
  expect(rig.sim.violations).toEqual([]);
});
