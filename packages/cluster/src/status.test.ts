import { describe, expect, it } from 'vitest';
import { awsClients } from './aws/clients.ts';
import { downCluster } from './down.ts';
import { statusOfCluster } from './status.ts';
import { homeIn, machineIn } from './testing/people.ts';
import { type ClusterRig, startClusterRig } from './testing/rig.ts';
import { upCluster } from './up.ts';

const DAY_MS = 86_400_000;

const remarks = async (rig: ClusterRig, more: Parameters<ClusterRig['input']>[0] = {}) => {
  const status = await statusOfCluster(rig.input(more));
  const text = status.remarks.map(({ state, what, message }) => `${state} ${what}: ${message}`).join('\n');
  return { status, text };
};

describe('atrium cluster status', () => {
  it('reads only, and is 0 when all is well', async () => {
    await using rig = await startClusterRig();
    await upCluster(rig.input());
    const mark = rig.sim.calls.mark();
    const { status, text } = await remarks(rig);
    expect(text).toMatch(/ok manager: the hub answers/);
    expect(status.exitCode, text).toBe(0);
    const changes = rig.sim.calls.all({ since: mark, mutating: true }).filter(({ params }) => params.DryRun !== true);
    expect(changes).toEqual([]);
    expect(rig.sim.violations).toEqual([]);
  });

  it('is 2 without a cluster, and says so in one line after it was taken down', async () => {
    await using rig = await startClusterRig();
    expect((await remarks(rig)).status.exitCode).toBe(2);
    await upCluster(rig.input());
    await downCluster(rig.input());
    const { status, text } = await remarks(rig);
    expect(status.exitCode).toBe(2);
    expect(text).toContain('fail drift: the cluster was taken down');
    expect(text.split('\n').filter((line) => line.includes(' drift: '))).toHaveLength(1);
  });

  it('is 2 when the hub does not answer', async () => {
    await using rig = await startClusterRig();
    await upCluster(rig.input());
    rig.sim.byHand.stop(managerOf(rig).id);
    await rig.pass(60_000);
    const { status, text } = await remarks(rig);
    expect(status.exitCode).toBe(2);
    expect(text).toMatch(/fail manager: the hub does not answer \(ECONNREFUSED\)/);
    expect(text).toMatch(/drift: manager: hub and proxy: stopped/);
  });

  it('is 1 for what drifted: a rule that nobody asked for, and one that is missing', async () => {
    await using rig = await startClusterRig();
    await upCluster(rig.input());
    const ec2 = await awsClients().ec2();
    const GroupId = [...rig.sim.world.groups.values()].find(
      (one) => one.tags.get('atrium:part') === 'group-worker',
    )!.id;
    const IpPermissions = [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
    await ec2.authorizeSecurityGroupIngress({ GroupId, IpPermissions });
    await rig.pass(10_000);
    const { status, text } = await remarks(rig);
    expect(status.exitCode).toBe(1);
    expect(text).toContain(`warn drift: ${GroupId} (group-worker) lets in 22 from 0.0.0.0/0`);
  });

  it('counts machines and homes, and says what they cost today, this month and an hour', async () => {
    await using rig = await startClusterRig();
    await upCluster(rig.input());
    await homeIn(rig, 'ada');
    await machineIn(rig, 'ada');
    await rig.pass(3_600_000);
    const { status } = await remarks(rig);
    expect(status.machines).toEqual({ running: 1 });
    expect(status.homes).toEqual({ count: 1, gb: 10 });
    // Manager t3.small, one t3.medium, an address each; disks are cents.
    const anHour = 0.0208 + 0.0416 + 2 * 0.005;
    expect(status.spend.perHourNow).toBeGreaterThan(anHour);
    expect(status.spend.perHourNow).toBeLessThan(anHour + 0.02);
    expect(status.spend.month).toBeGreaterThan(anHour * 0.9);
    expect(status.spend.month).toBeLessThan(anHour * 2);
    expect(status.spend.month).toBeGreaterThanOrEqual(status.spend.today!);
  });

  it('lists orphans, trash, disks whose machine is gone, and a maker of images that was left', async () => {
    await using rig = await startClusterRig();
    await upCluster(rig.input());
    const machine = await machineIn(rig, 'ada', { 'atrium:orphan-since': '2026-11-01T00:00:00Z' });
    const { volume } = await homeIn(rig, 'grace');
    rig.sim.world.volumes.get(volume)!.tags.set('atrium:trash', 'yes');
    const { status, text } = await remarks(rig);
    expect(status.exitCode).toBe(1);
    expect(text).toContain(`warn orphan: machine ${machine}: no row of the hub names it, since 2026-11-01`);
    expect(text).toContain(`warn orphan: disk ${volume}, 10 GB: waits for its deletion`);
  });

  it('warns of an old image, of too small a quota, of a month that is dearer than expected', async () => {
    await using rig = await startClusterRig({ sim: { quotas: { 'L-1216C47A': 12 } } });
    await upCluster(rig.input({ expect: { users: 2 } }));
    await rig.pass(100 * DAY_MS);
    const { status, text } = await remarks(rig, { expect: { users: 50, budgetPerMonth: 0.5 } });
    expect(status.exitCode).toBe(1);
    expect(text).toMatch(/warn image: the image of people's machines is 100 days old; atrium cluster upgrade/);
    expect(text).toMatch(/warn quota: .*L-1216C47A.*enough for 5 of 50/);
    expect(text).toMatch(/warn spend: \$\d+\.\d\d this month, above the \$0\.50 that you expect/);
  });
});

const managerOf = (rig: ClusterRig) =>
  [...rig.sim.world.instances.values()].find(
    (one) => one.tags.get('atrium:part') === 'manager' && one.state === 'running',
  )!;
