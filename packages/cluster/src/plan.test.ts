import { describe, expect, it } from 'vitest';
import { awsClients } from './aws/clients.ts';
import { planCluster } from './plan.ts';
import { TRUST_EC2 } from './policies/manager.ts';
import { dollars, planText } from './render.ts';
import { type ClusterRig, startClusterRig } from './testing/rig.ts';
import { upCluster } from './up.ts';

const GPU = { name: 'gpu', types: ['g4dn.xlarge'] };

/** Findings of this name, as `state: message`. */
async function findings(rig: ClusterRig, name: string, more: Parameters<ClusterRig['input']>[0] = {}) {
  const plan = await planCluster(rig.input(more));
  const found = plan.findings.filter((finding) => finding.name === name);
  return { plan, text: found.map(({ state, message }) => `${state}: ${message}`).join('\n') };
}

/** Calls that changed something; a dry run changes nothing. */
const changesIn = (rig: ClusterRig, since = 0) =>
  rig.sim.calls.all({ since, mutating: true }).filter(({ params }) => params.DryRun !== true);

describe('atrium cluster plan', () => {
  it('changes nothing, before and after the cluster is there', async () => {
    await using rig = await startClusterRig();
    const fresh = await planCluster(rig.input());
    expect(fresh).toMatchObject({ blocked: false, cluster: { id: null } });
    expect(fresh.changes).toBeGreaterThan(20);
    expect(changesIn(rig)).toEqual([]);
    await upCluster(rig.input());
    const mark = rig.sim.calls.mark();
    const done = await planCluster(rig.input());
    expect(done.changes).toBe(0);
    expect(changesIn(rig, mark)).toEqual([]);
    expect(rig.sim.violations).toEqual([]);
  });

  it('gives the month’s cost when nobody comes, as expected, and day and night', async () => {
    await using rig = await startClusterRig();
    const plan = await planCluster(rig.input());
    expect(plan.cost.expected.compute).toBeCloseTo(10 * 30 * 0.0416);
    expect(plan.cost.always.compute).toBeCloseTo(10 * 730 * 0.0416);
    expect(plan.cost.none.compute).toBe(0);
    const text = planText(plan, 10, 30);
    expect(text).toMatch(/nobody comes +\$0\.00/);
    expect(text).toContain(dollars(plan.cost.always.total));
    expect(text).toMatch(/Prices: .*\d{4}-\d\d-\d\d/);
  });

  it('shows an unknown price as unknown, never as nothing', async () => {
    await using rig = await startClusterRig();
    rig.sim.faults.add({ action: 'pricing:GetProducts', code: 'AccessDeniedException', times: 99 });
    const plan = await planCluster(rig.input({ profiles: [{ name: 'odd', types: ['c6g.medium'] }] }));
    expect(plan.cost.expected.total).toBeNull();
    expect(planText(plan, 10, 30)).toContain('price unknown');
    expect(plan.prices).toMatchObject({ source: 'built-in', asOf: '2026-11-01' });
  });

  it('says in plain words that credentials are wrong', async () => {
    await using rig = await startClusterRig();
    rig.sim.faults.add({ action: 'sts:GetCallerIdentity', code: 'InvalidClientTokenId', status: 403 });
    await expect(planCluster(rig.input())).rejects.toThrow(
      /AWS does not accept these credentials\. Is it the right profile/,
    );
  });

  it('blocks when a call that matters would be refused, and names it', async () => {
    await using rig = await startClusterRig({
      sim: {
        policy: {
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Action: '*', Resource: '*' },
            { Effect: 'Deny', Action: ['ec2:RunInstances'], Resource: '*' },
          ],
        },
      },
    });
    const { plan, text } = await findings(rig, 'permissions');
    expect(plan.blocked).toBe(true);
    expect(text).toBe('fail: AWS would refuse RunInstances. What is needed: atrium cluster plan --export policy');
  });

  it('warns when the quota is too small for the people expected, with how many fit', async () => {
    await using rig = await startClusterRig({ sim: { quotas: { 'L-1216C47A': 12 } } });
    const { text } = await findings(rig, 'quotas');
    expect(text).toBe(
      'warn: Running On-Demand Standard instances (L-1216C47A): 12 vCPUs, enough for 5 of 10 people at once. Ask AWS for 22',
    );
  });

  it('finds a graphics quota of 0 before anybody waits for a machine that cannot come', async () => {
    await using rig = await startClusterRig({ sim: { quotas: { 'L-DB2E81BA': 0 } } });
    const { plan, text } = await findings(rig, 'quotas', { profiles: [GPU] });
    expect(plan.blocked).toBe(true);
    expect(text).toContain(
      'fail: Running On-Demand G and VT instances (L-DB2E81BA): 0 vCPUs, so gpu cannot start. Ask AWS for at least 40',
    );
    const after = await findings(rig, 'quotas', { profiles: [GPU], expect: { users: 10, atOnce: 2 } });
    expect(after.text).toContain('at least 8');
    await expect(upCluster(rig.input({ profiles: [GPU] }))).rejects.toThrow('L-DB2E81BA');
    expect(changesIn(rig)).toEqual([]);
  });

  it('finds a type that a zone, or the region, does not have', async () => {
    await using rig = await startClusterRig();
    const types = ['p5.48xlarge'];
    const { plan, text } = await findings(rig, 'types', { profiles: [{ name: 'huge', types }] });
    expect(text).toMatch(/^(fail|warn): huge: none of p5\.48xlarge is offered/);
    if (text.startsWith('fail')) expect(plan.blocked).toBe(true);
  });

  it('finds too few addresses in a network that others made, and no elastic address left', async () => {
    await using rig = await startClusterRig({ sim: { quotas: { 'L-0263D0A3': 0 } } });
    const [one] = [...rig.sim.world.subnets.values()];
    const network = { vpc: one!.vpcId, subnets: [one!.id], managerSubnet: one!.id };
    const { plan, text } = await findings(rig, 'addresses', { network, expect: { users: 5_000 } });
    expect(plan.blocked).toBe(true);
    expect(text).toMatch(/fail: the subnets have \d+ free addresses, for 5000 people at once/);
    expect(text).toContain('fail: 0 of 0 elastic addresses are taken (L-0263D0A3), 1 needed');
  });

  it('blocks on a name that belongs to somebody else', async () => {
    await using rig = await startClusterRig();
    await (await awsClients().iam()).createRole({
      RoleName: 'atrium-class-manager',
      AssumeRolePolicyDocument: JSON.stringify(TRUST_EC2),
    });
    await rig.pass(10_000);
    const plan = await planCluster(rig.input());
    expect(plan.blocked).toBe(true);
    expect(planText(plan, 10, 30)).toContain("a role atrium-class-manager is there, and not this cluster's");
    await expect(upCluster(rig.input())).rejects.toThrow('not this cluster');
  });
});
