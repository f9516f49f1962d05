import type { AuthRequest, Ec2Sim } from '@atrium/ec2-sim';
import { testIo } from '@atrium/sdk/testing';
import { expect, test } from 'vitest';
import { type Rig, serversOf, startRig } from '../../../../plugins/spawner-ec2/src/testing/rig.ts';
import { refused } from '../../../../tools/ec2-sim/src/policy/index.ts';
import { clientFor } from '../../../../tools/ec2-sim/src/testing.ts';
import { managerPolicy, SESSION_MANAGER } from './manager.ts';

const OWNER = { name: 'class', id: 'cluster-1' };
const POLICY = managerPolicy({
  owner: OWNER,
  region: 'us-east-1',
  account: '123456789012',
  types: ['t3.medium', 't3a.medium', 't3.large'],
  workerRoles: [],
});
const OURS = { 'atrium:cluster': OWNER.name, 'atrium:cluster-id': OWNER.id };

const LOOKS = /^(Describe|Get|List)/;

/** Group and template as `atrium cluster up` leaves them, made by the operator; the hub works with them from then on. */
async function withTemplate(rig: Rig): Promise<void> {
  const admin = clientFor(rig.sim, 'operator');
  const { CreateLaunchTemplateCommand } = await import('@aws-sdk/client-ec2');
  const group = [...rig.sim.world.groups.values()][0]!;
  for (const [key, value] of Object.entries(OURS)) group.tags.set(key, value);
  const image = [...rig.sim.world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id;
  const made = await admin.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: 'atrium-class-worker',
      LaunchTemplateData: {
        ImageId: image,
        InstanceType: 't3.medium',
        SecurityGroupIds: [group.id],
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, InstanceMetadataTags: 'enabled' },
      },
      TagSpecifications: [
        { ResourceType: 'launch-template', Tags: Object.entries(OURS).map(([Key, Value]) => ({ Key, Value })) },
      ],
    }),
  );
  admin.destroy();
  const { LaunchTemplateId: id = '' } = made.LaunchTemplate ?? {};
  const profiles = rig.config.profiles.map(({ image: _, ...profile }) => profile);
  rig.config = { ...rig.config, profiles, securityGroups: [], launchTemplate: { id, version: '1' } };
  rig.hub = await rig.open();
}

const hubsCalls = (sim: Ec2Sim) => sim.calls.all({ caller: 'hub' });

/** Calls that the policy would not let through, in words. */
const refusedCalls = (sim: Ec2Sim) =>
  hubsCalls(sim).flatMap(({ action, authorization }) =>
    refused(POLICY, authorization).map((request) => `${action}: ${request.action} on ${request.resource}`),
  );

test('with long names and a hundred kinds of machine it is still within what IAM takes of a role: 10,240 characters', () => {
  const long = managerPolicy({
    owner: { name: 'x'.repeat(40), id: `cluster-${'1'.repeat(36)}` },
    region: 'ap-southeast-2',
    account: '123456789012',
    types: Array.from({ length: 100 }, (_, n) => `m7gd.24xlarge${n}`),
    workerRoles: [`arn:aws:iam::123456789012:role/atrium/${'w'.repeat(40)}`],
  });
  expect(JSON.stringify(long).length).toBeLessThan(10_240);
});

test('the manager may make every call that a whole life of servers, homes and spares takes', async () => {
  await using rig = await startRig({
    config: {
      spares: [{ profile: 'small', stopped: 1 }],
      homes: { deleteAllowed: true, sizeGb: 10, maxGb: 50 },
    },
  });
  await withTemplate(rig);
  const { hub, sim, clock, log, store } = rig;
  const io = () => testIo({ clock, log, store });
  const upkeep = () =>
    hub.spawner.maintain!({ ...io(), dryRun: false, servers: async () => serversOf(rig), wantedSpares: {} });

  const until = async (isDone: () => boolean) => {
    const done = async () => {
      await upkeep();
      return isDone();
    };
    await expect.poll(done, { timeout: 20_000 }).toBe(true);
  };

  hub.begin('s1');
  await hub.until('s1', 'running');
  await upkeep();
  await hub.end('s1');
  await upkeep();
  hub.begin('s1');
  await hub.until('s1', 'running');
  sim.byHand.terminate(rig.living('s1')[0]!);
  await expect.poll(() => rig.living('s1').length, { timeout: 10_000 }).toBe(0);
  hub.begin('s1');
  await hub.until('s1', 'running');
  const { storage } = rig.rows.get('s1')!.user;
  await hub.spawner.storage!.snapshot!(storage!, io());
  await hub.spawner.storage!.resize!(storage!, 20, io());
  const copies = () => [...sim.world.snapshots.values()].filter((one) => one.tags.get('atrium:role') === 'snapshot');
  await until(() => copies().some(({ state }) => state === 'completed'));
  await upkeep();
  hub.begin('s2', { user: 'grace' });
  await hub.until('s2', 'running');
  await hub.end('s2');
  await hub.end('s1');
  await upkeep();
  sim.byHand.terminate([...sim.world.instances.values()].find((one) => one.tags.get('atrium:server') === 's1')!.id);
  await hub.spawner.destroyStorage!(storage!, io());
  await until(() => sim.calls.count('DeleteVolume') > 0);

  const done = new Set(hubsCalls(sim).map(({ action }) => action));
  for (const action of ['RunInstances', 'StartInstances', 'StopInstances', 'CreateVolume', 'AttachVolume']) {
    expect(done, [...done].join(' ')).toContain(action);
  }
  for (const action of ['CreateSnapshot', 'ModifyVolume']) expect(done, [...done].join(' ')).toContain(action);
  expect(refusedCalls(sim)).toEqual([]);
  expect(sim.violations).toEqual([]);
}, 90_000);

const ARN = 'arn:aws:ec2:us-east-1:123456789012:';
const SNAPSHOT = 'arn:aws:ec2:us-east-1::snapshot/snap-1';

/** Every write of the log's actions, on a thing with these tags. */
const WRITES: [string, string][] = [
  ['ec2:StartInstances', `${ARN}instance/i-1`],
  ['ec2:StopInstances', `${ARN}instance/i-1`],
  ['ec2:RebootInstances', `${ARN}instance/i-1`],
  ['ec2:TerminateInstances', `${ARN}instance/i-1`],
  ['ec2:ModifyInstanceAttribute', `${ARN}instance/i-1`],
  ['ec2:AttachVolume', `${ARN}volume/vol-1`],
  ['ec2:AttachVolume', `${ARN}instance/i-1`],
  ['ec2:DetachVolume', `${ARN}volume/vol-1`],
  ['ec2:ModifyVolume', `${ARN}volume/vol-1`],
  ['ec2:DeleteVolume', `${ARN}volume/vol-1`],
  ['ec2:CreateSnapshot', `${ARN}volume/vol-1`],
  ['ec2:CreateVolume', SNAPSHOT],
  ['ec2:DeleteSnapshot', SNAPSHOT],
  ['ec2:CreateTags', `${ARN}instance/i-1`],
  ['ec2:DeleteTags', `${ARN}volume/vol-1`],
  ['ec2:RunInstances', `${ARN}launch-template/lt-1`],
  ['ec2:RunInstances', `${ARN}security-group/sg-1`],
];

const tagsAs = (prefix: string, tags: Record<string, string>) =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, value]));

test.each([
  ['no tags', {}],
  ['the tags of another cluster of the same name', { ...OURS, 'atrium:cluster-id': 'another' }],
  ['our name and no id', { 'atrium:cluster': 'class', 'atrium:role': 'worker', 'atrium:trash': 'yes' }],
])('the manager may write nothing that has %s', (_, tags) => {
  for (const [action, resource] of WRITES) {
    const context = { ...tagsAs('aws:ResourceTag', { 'atrium:role': 'worker', 'atrium:trash': 'yes', ...tags }) };
    // Tagging it as ours in the same breath does not make it ours.
    const request = { action, resource, context: { ...context, ...tagsAs('aws:RequestTag', OURS) } };
    expect(refused(POLICY, [request]), `${action} ${resource}`).toEqual([request]);
  }
});

test('the manager may not launch what lacks our id, an unlisted type, old metadata, or without our template', () => {
  const template = { 'ec2:LaunchTemplate': `${ARN}launch-template/lt-1` };
  const fine = {
    ...tagsAs('aws:RequestTag', { ...OURS, 'atrium:role': 'worker' }),
    ...template,
    'ec2:InstanceType': 't3.medium',
    'ec2:MetadataHttpTokens': 'required',
  };
  const launch = (more: Record<string, string | undefined>): AuthRequest => ({
    action: 'ec2:RunInstances',
    resource: `${ARN}instance/*`,
    context: JSON.parse(JSON.stringify({ ...fine, ...more })) as Record<string, string>,
  });
  expect(refused(POLICY, [launch({})])).toEqual([]);
  for (const more of [
    { 'aws:RequestTag/atrium:cluster-id': undefined },
    { 'aws:RequestTag/atrium:cluster-id': 'another' },
    { 'aws:RequestTag/atrium:role': 'manager' },
    { 'ec2:InstanceType': 'p5.48xlarge' },
    { 'ec2:MetadataHttpTokens': 'optional' },
    { 'ec2:LaunchTemplate': undefined },
  ]) {
    expect(refused(POLICY, [launch(more)]), JSON.stringify(more)).toHaveLength(1);
  }
});

test('the manager writes no image, no security group, no role, no network, and not its own machine, disk or settings', () => {
  const own = (role: string) => tagsAs('aws:ResourceTag', { ...OURS, 'atrium:role': role, 'atrium:trash': 'no' });
  const writes: [string, string, string][] = [
    ['ec2:CreateImage', `${ARN}instance/i-1`, 'worker'],
    ['ec2:DeregisterImage', 'arn:aws:ec2:us-east-1::image/ami-1', 'ami'],
    ['ec2:ModifyImageAttribute', 'arn:aws:ec2:us-east-1::image/ami-1', 'ami'],
    ['ec2:AuthorizeSecurityGroupIngress', `${ARN}security-group/sg-1`, 'group'],
    ['ec2:RevokeSecurityGroupIngress', `${ARN}security-group/sg-1`, 'group'],
    ['ec2:CreateSecurityGroup', `${ARN}security-group/*`, 'group'],
    ['ec2:DeleteSecurityGroup', `${ARN}security-group/sg-1`, 'group'],
    ['ec2:CreateLaunchTemplateVersion', `${ARN}launch-template/lt-1`, 'launch-template'],
    ['ec2:ModifyLaunchTemplate', `${ARN}launch-template/lt-1`, 'launch-template'],
    ['ec2:CreateVpc', `${ARN}vpc/*`, 'network'],
    ['ec2:CreateRoute', `${ARN}route-table/rtb-1`, 'network'],
    ['ec2:AllocateAddress', `${ARN}elastic-ip/*`, 'address'],
    ['ec2:ModifySnapshotAttribute', SNAPSHOT, 'snapshot'],
    ['ec2:TerminateInstances', `${ARN}instance/i-1`, 'manager'],
    ['ec2:StopInstances', `${ARN}instance/i-1`, 'manager'],
    ['ec2:DetachVolume', `${ARN}volume/vol-1`, 'manager-data'],
    ['ec2:DeleteVolume', `${ARN}volume/vol-1`, 'manager-data'],
    ['ec2:CreateTags', `${ARN}volume/vol-1`, 'manager-data'],
    ['iam:PutRolePolicy', 'arn:aws:iam::123456789012:role/atrium/class/atrium-class-manager', 'role'],
    ['iam:CreateRole', 'arn:aws:iam::123456789012:role/atrium/class/more', 'role'],
    ['iam:AttachRolePolicy', 'arn:aws:iam::123456789012:role/atrium/class/atrium-class-manager', 'role'],
    ['iam:PassRole', 'arn:aws:iam::123456789012:role/atrium/class/atrium-class-manager', 'role'],
    ['iam:CreateAccessKey', 'arn:aws:iam::123456789012:user/somebody', 'role'],
    ['ssm:PutParameter', 'arn:aws:ssm:us-east-1:123456789012:parameter/atrium/class/manager/config', 'setting'],
    ['ssm:PutParameter', 'arn:aws:ssm:us-east-1:123456789012:parameter/atrium/class2/manager/first-admin', 'setting'],
    ['ssm:DeleteParameter', 'arn:aws:ssm:us-east-1:123456789012:parameter/atrium/class/manager/config', 'setting'],
    ['ssm:GetParameter', 'arn:aws:ssm:us-east-1:123456789012:parameter/atrium/class2/manager/config', 'setting'],
    ['ssm:GetParameter', 'arn:aws:ssm:us-east-1:123456789012:parameter/somebody', 'setting'],
  ];
  for (const [action, resource, role] of writes) {
    const request = { action, resource, context: { ...own(role), ...tagsAs('aws:RequestTag', OURS) } };
    expect(refused(POLICY, [request]), `${action} ${resource} (${role})`).toEqual([request]);
  }
});

test('a home is deleted only from the bin, and no tag turns the hub’s disk into a home or takes our id away', () => {
  const home = tagsAs('aws:ResourceTag', { ...OURS, 'atrium:role': 'home' });
  const volume = `${ARN}volume/vol-1`;
  const ask = (action: string, context: Record<string, string | string[]>) =>
    refused(POLICY, [{ action, resource: volume, context }]).length === 0;
  expect(ask('ec2:DeleteVolume', home)).toBe(false);
  expect(ask('ec2:DeleteVolume', { ...home, 'aws:ResourceTag/atrium:trash': 'yes' })).toBe(true);
  expect(ask('ec2:CreateTags', { ...home, 'aws:TagKeys': ['atrium:trash'] })).toBe(true);
  expect(ask('ec2:CreateTags', { ...home, 'aws:TagKeys': ['atrium:cluster-id'] })).toBe(false);
  expect(ask('ec2:DeleteTags', { ...home, 'aws:TagKeys': ['atrium:cluster-id'] })).toBe(false);
});

test('only looking is allowed on everything', () => {
  const everywhere = POLICY.Statement.filter(({ Resource }) => Resource.includes('*')).flatMap(({ Action }) => Action);
  const writes = everywhere.filter((action) => !LOOKS.test(action.split(':')[1]!));
  // A machine's own end of a session, which knows no resources.
  expect(writes).toEqual(SESSION_MANAGER);
});
