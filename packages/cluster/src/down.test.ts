import { describe, expect, it } from 'vitest';
import { awsClients } from './aws/clients.ts';
import { downCluster } from './down.ts';
import { account, foreignIn, shapeOf } from './testing/account.ts';
import { homeIn, machineIn } from './testing/people.ts';
import { type ClusterRig, startClusterRig } from './testing/rig.ts';
import { strangersIn } from './testing/strangers.ts';
import { upCluster } from './up.ts';

async function clusterWithPeople(rig: ClusterRig) {
  await upCluster(rig.input());
  const home = await homeIn(rig, 'ada');
  const machine = await machineIn(rig, 'ada');
  return { home, machine };
}

describe('atrium cluster down', () => {
  it("leaves homes, copies and the hub's disk, lists exactly what it leaves, and what that costs a month", async () => {
    await using rig = await startClusterRig();
    const { home } = await clusterWithPeople(rig);
    const result = await downCluster(rig.input());

    const left = [...(await account(rig.sim)).values()].filter(
      ({ id, tags }) => tags['atrium:cluster'] === 'class' || id.startsWith('/atrium/'),
    );
    expect(left.map(({ id }) => id).sort()).toEqual(result.remaining.map(({ id }) => id).sort());
    expect(result.remaining.map(({ what }) => what).join('\n')).toMatch(/home of ada, 10 GB/);
    expect(result.remaining.map(({ id }) => id)).toEqual(expect.arrayContaining([home.volume, home.snapshot]));
    // 20 + 10 GB of gp3 at 8 cents and a copy of 10 GB at 5.
    expect(result.perMonth).toBeCloseTo(30 * 0.08 + 10 * 0.05);
    expect(rig.sim.violations).toEqual([]);
  });

  it('finds homes and data again when the cluster is made anew', async () => {
    await using rig = await startClusterRig();
    await clusterWithPeople(rig);
    const before = await idOfCluster(rig);
    const disk = await hubDisk(rig);
    await downCluster(rig.input());
    const again = await upCluster(rig.input());
    expect(again.cluster.id).toBe(before);
    expect(await hubDisk(rig)).toEqual(disk);
    expect(rig.sim.world.volumes.get(disk)!.attachment?.state).toBe('attached');
  });

  it('deletes data only with the typed name, and leaves a last copy of the hub’s disk', async () => {
    await using rig = await startClusterRig();
    const { home } = await clusterWithPeople(rig);
    const mark = rig.sim.calls.mark();
    for (const confirm of [undefined, '', 'clas', 'CLASS']) {
      const options = { deleteHomes: true, deleteHubData: true, ...(confirm === undefined ? {} : { confirm }) };
      await expect(downCluster(rig.input(), options)).rejects.toThrow('--confirm class');
    }
    expect(rig.sim.calls.all({ since: mark, mutating: true })).toEqual([]);

    const result = await downCluster(rig.input(), { deleteHomes: true, deleteHubData: true, confirm: 'class' });
    expect(rig.sim.world.volumes.has(home.volume)).toBe(false);
    expect(rig.sim.world.snapshots.has(home.snapshot)).toBe(false);
    expect(result.remaining.map(({ what }) => what).join('\n')).toMatch(
      /^copy of the hub's disk, at most 20 GB\n.*id of the cluster/,
    );
  });

  it('touches nothing of others, whatever they are called and however they are tagged', async () => {
    await using rig = await startClusterRig();
    await strangersIn(rig);
    await clusterWithPeople(rig);
    const before = foreignIn(await account(rig.sim));
    await downCluster(rig.input(), { deleteHomes: true, deleteHubData: true, confirm: 'class' });
    const after = foreignIn(await account(rig.sim));
    // Things that AWS made beside ours (a route table, a group, interfaces) went with ours; nobody else's did.
    const others = before.filter((text) => !isOfOurNetwork(text, before));
    expect(others.length).toBeGreaterThan(12);
    expect(after).toEqual(others);
  });

  it('says what holds a thing that does not go, waits for it, and goes on at the next run', async () => {
    await using rig = await startClusterRig();
    await upCluster(rig.input());
    const subnet = [...rig.sim.world.subnets.values()].find((one) => one.tags.get('atrium:part') === 'subnet-1')!;
    const group = [...rig.sim.world.groups.values()].find((one) => one.tags.get('atrium:part') === 'group-worker')!;
    const stuck = 'eni-0123456789abcdef0';
    const [like] = [...rig.sim.world.interfaces.values()];
    const facts = { subnetId: subnet.id, vpcId: subnet.vpcId, groups: [group.id], description: "somebody's database" };
    const { instanceId: _, ...rest } = like!;
    rig.sim.world.interfaces.set(stuck, { ...rest, ...facts, id: stuck, tags: new Map(), status: 'available' });

    await expect(downCluster(rig.input())).rejects.toThrow(
      new RegExp(`does not go\\. Held by ${stuck} \\(somebody's database.*\\)\\.\nWhen that is gone, run the same`),
    );
    expect(rig.said.join('\n')).toContain(stuck);
    rig.sim.world.interfaces.delete(stuck);
    await downCluster(rig.input());
    expect(shapeOf(await account(rig.sim))).toEqual(['parameter /atrium/class/cluster', 'volumes manager-data']);
  });

  it('keeps a network that others made', async () => {
    await using rig = await startClusterRig();
    const [one, two] = [...rig.sim.world.subnets.values()];
    const network = { vpc: one!.vpcId, subnets: [one!.id, two!.id], managerSubnet: one!.id };
    const before = foreignIn(await account(rig.sim));
    await upCluster(rig.input({ network }));
    await downCluster(rig.input({ network }));
    expect(foreignIn(await account(rig.sim))).toEqual(before);
  });

  it('removes the name it made, and no other record of the zone', async () => {
    await using rig = await startClusterRig();
    const zone = rig.sim.services.addHostedZone('example.org');
    const manager = { domain: 'hub.example.org', hostedZone: zone };
    await upCluster(rig.input({ manager }));
    const names = async () => {
      const { ResourceRecordSets = [] } = await (await awsClients().route53()).listResourceRecordSets({
        HostedZoneId: zone,
      });
      return ResourceRecordSets.map(({ Name, Type }) => `${Type} ${Name}`);
    };
    expect(await names()).toEqual(expect.arrayContaining(['A hub.example.org.', 'TXT _atrium.hub.example.org.']));
    await downCluster(rig.input({ manager }));
    expect((await names()).filter((name) => name.includes('hub'))).toEqual([]);
    expect(rig.sim.violations).toEqual([]);
  });
});

const idOfCluster = async (rig: ClusterRig) => {
  const found = await (await awsClients().ssm()).getParameter({ Name: `/atrium/${rig.config.name}/cluster` });
  return (JSON.parse(found.Parameter!.Value!) as { id: string }).id;
};

const hubDisk = async (rig: ClusterRig) =>
  [...rig.sim.world.volumes.values()].find((one) => one.tags.get('atrium:part') === 'manager-data')!.id;

/** Whether AWS made it beside a network of ours: such a thing carries no tag. */
function isOfOurNetwork(text: string, all: string[]): boolean {
  const { vpcId, Path } = JSON.parse(text) as { vpcId?: string; Path?: string };
  if (Path === '/atrium/class/') return true;
  return vpcId !== undefined && !all.some((other) => other.startsWith(`{"id":"${vpcId}"`));
}
