import { expect, test } from 'vitest';
import { refused } from '../../../../tools/ec2-sim/src/policy/index.ts';
import { downCluster } from '../down.ts';
import { planCluster } from '../plan.ts';
import { statusOfCluster } from '../status.ts';
import { homeIn } from '../testing/people.ts';
import { type ClusterRig, startClusterRig } from '../testing/rig.ts';
import { upCluster } from '../up.ts';
import { upgradeCluster } from '../upgrade.ts';
import { operatorPolicy } from './operator.ts';

const POLICY = operatorPolicy({ name: 'class', region: 'us-east-1', account: '123456789012' });

const refusals = (rig: ClusterRig) =>
  rig.sim.calls
    .all({ caller: 'operator' })
    .flatMap(({ action, authorization }) =>
      refused(POLICY, authorization).map((request) => `${action}: ${request.action} on ${request.resource}`),
    );

test.each([
  ['a public address each', {}],
  ['a NAT gateway', { egress: 'nat' as const }],
])(
  'the operator may make every call of plan, up, status, upgrade and down, with %s',
  async (_, more) => {
    await using rig = await startClusterRig({ config: more });
    const zone = rig.sim.services.addHostedZone('example.org');
    const manager = { domain: 'hub.example.org', hostedZone: zone };
    await planCluster(rig.input({ manager }));
    await upCluster(rig.input({ manager }));
    await homeIn(rig, 'ada');
    await statusOfCluster(rig.input({ manager }));
    await rig.pass(7_200_000);
    await upgradeCluster(rig.input({ manager, source: { npm: '0.2.0' } }));
    await upCluster(rig.input({ manager: { ...manager, dataGb: 40 }, source: { npm: '0.2.0' } }));
    await downCluster(rig.input({ manager }), { deleteHomes: true, deleteHubData: true, confirm: 'class' });

    const writes = new Set(rig.sim.calls.all({ caller: 'operator', mutating: true }).map(({ action }) => action));
    expect(writes.size).toBeGreaterThan(40);
    // The homes were made by a hub in all but name.
    expect([...new Set(refusals(rig))].filter((line) => !/^Create(Volume|Snapshot): .*\*$/.test(line))).toEqual([]);
    expect(rig.sim.violations).toEqual([]);
  },
  120_000,
);

const ARN = 'arn:aws:ec2:us-east-1:123456789012:';

test('the operator’s policy ends, changes and tags nothing that another name or nobody marked', () => {
  for (const context of [{}, { 'aws:ResourceTag/atrium:cluster': 'other' }] as Record<string, string>[]) {
    for (const [action, resource] of [
      ['ec2:TerminateInstances', `${ARN}instance/i-1`],
      ['ec2:DeleteVolume', `${ARN}volume/vol-1`],
      ['ec2:DeleteSnapshot', 'arn:aws:ec2:us-east-1::snapshot/snap-1'],
      ['ec2:DeleteVpc', `${ARN}vpc/vpc-1`],
      ['ec2:AuthorizeSecurityGroupIngress', `${ARN}security-group/sg-1`],
      ['ec2:CreateTags', `${ARN}instance/i-1`],
      ['ec2:DeregisterImage', 'arn:aws:ec2:us-east-1::image/ami-1'],
      ['iam:PutRolePolicy', 'arn:aws:iam::123456789012:role/somebody'],
      ['iam:PassRole', 'arn:aws:iam::123456789012:role/atrium/other/atrium-other-manager'],
      ['ssm:DeleteParameter', 'arn:aws:ssm:us-east-1:123456789012:parameter/atrium/other/cluster'],
      ['ssm:GetParameter', 'arn:aws:ssm:us-east-1:123456789012:parameter/atrium/class2/cluster'],
    ] as const) {
      const request = { action, resource, context };
      expect(refused(POLICY, [request]), `${action} ${JSON.stringify(context)}`).toEqual([request]);
    }
  }
});

test('without our mark nothing is made', () => {
  for (const [action, kind] of [
    ['ec2:RunInstances', 'instance'],
    ['ec2:CreateVolume', 'volume'],
    ['ec2:CreateVpc', 'vpc'],
    ['ec2:AllocateAddress', 'elastic-ip'],
  ]) {
    const request = { action: `${action}`, resource: `${ARN}${kind}/*`, context: {} };
    expect(refused(POLICY, [request])).toEqual([request]);
  }
});
