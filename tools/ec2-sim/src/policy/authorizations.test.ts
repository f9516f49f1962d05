import { CreateLaunchTemplateCommand, CreateVolumeCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { startTestSim } from '../testing.ts';
import { ec2Authorizations, evaluate, type Policy, refused } from './index.ts';

const AL2023 = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';
const owned = { StringEquals: { 'aws:RequestTag/atrium:cluster-id': 'one' } };

/** The manager's right to launch, as narrow as it can be written. */
const launchOnly = (template: string): Policy => ({
  Statement: [
    {
      Effect: 'Allow',
      Action: 'ec2:RunInstances',
      Resource: ['arn:aws:ec2:*:*:volume/*', 'arn:aws:ec2:*:*:network-interface/*'],
      Condition: owned,
    },
    {
      Effect: 'Allow',
      Action: 'ec2:RunInstances',
      Resource: 'arn:aws:ec2:*:*:instance/*',
      Condition: {
        StringEquals: { ...owned.StringEquals, 'ec2:InstanceType': ['t3.small'], 'ec2:MetadataHttpTokens': 'required' },
        ArnLike: { 'ec2:LaunchTemplate': `arn:aws:ec2:*:*:launch-template/${template}` },
      },
    },
    {
      Effect: 'Allow',
      Action: 'ec2:RunInstances',
      Resource: ['subnet', 'security-group', 'launch-template'].map((type) => `arn:aws:ec2:*:*:${type}/*`),
    },
    { Effect: 'Allow', Action: 'ec2:RunInstances', Resource: 'arn:aws:ec2:*::image/*' },
    {
      Effect: 'Allow',
      Action: 'ec2:CreateTags',
      Resource: '*',
      Condition: { StringEquals: { 'ec2:CreateAction': ['RunInstances', 'CreateVolume'] } },
    },
  ],
});

async function withTemplate() {
  const it = await startTestSim();
  const Tags = [{ Key: 'atrium:cluster-id', Value: 'one' }];
  const { LaunchTemplate } = await it.ec2.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: 'workers',
      LaunchTemplateData: {
        ImageId: it.sim.world.imageAliases.get(AL2023),
        InstanceType: 't3.small',
        MetadataOptions: { HttpTokens: 'required' },
        TagSpecifications: (['volume', 'network-interface'] as const).map((ResourceType) => ({ ResourceType, Tags })),
      },
    }),
  );
  const template = LaunchTemplate?.LaunchTemplateId ?? '';
  const launch = async (change: { InstanceType?: 'g5.xlarge'; tag?: string } = {}) => {
    const since = it.sim.calls.mark();
    await it.ec2.send(
      new RunInstancesCommand({
        LaunchTemplate: { LaunchTemplateId: template },
        MinCount: 1,
        MaxCount: 1,
        ...(change.InstanceType ? { InstanceType: change.InstanceType } : {}),
        TagSpecifications: [
          { ResourceType: 'instance', Tags: [{ Key: 'atrium:cluster-id', Value: change.tag ?? 'one' }] },
        ],
      }),
    );
    return it.sim.calls.all({ since, action: 'RunInstances' })[0]!.authorization;
  };
  return { ...it, template, launch };
}

test('a launch is checked on all it makes and uses, and on its tags', async () => {
  await using it = await withTemplate();
  const asked = await it.launch();
  const types = asked.map(({ action, resource }) => `${action} ${resource.split(':')[5]?.split('/')[0]}`);
  expect(types.sort()).toEqual([
    'ec2:CreateTags instance',
    'ec2:CreateTags network-interface',
    'ec2:CreateTags volume',
    'ec2:RunInstances image',
    'ec2:RunInstances instance',
    'ec2:RunInstances launch-template',
    'ec2:RunInstances network-interface',
    'ec2:RunInstances security-group',
    'ec2:RunInstances subnet',
    'ec2:RunInstances volume',
  ]);
  expect(refused(launchOnly(it.template), asked)).toEqual([]);
});

test('another type, tag or template is refused, on the resource that is to blame', async () => {
  await using it = await withTemplate();
  const resources = (policy: Policy, asked: Awaited<ReturnType<typeof it.launch>>) =>
    refused(policy, asked).map(({ resource }) => resource.split(':')[5]);
  const policy = launchOnly(it.template);
  expect(resources(policy, await it.launch({ tag: 'two' }))).toEqual(['instance/*']);
  expect(resources(launchOnly('lt-other'), await it.launch())).toEqual(['instance/*']);
  const logged = await it.launch({ InstanceType: 'g5.xlarge' }).catch(() => it.sim.calls.all().at(-1)!.authorization);
  expect(resources(policy, logged)).toEqual(['instance/*']);
});

test('a volume of our own may be deleted, one without our tag may not', async () => {
  await using it = await startTestSim();
  const create = async (tag: string) => {
    const { VolumeId = '' } = await it.ec2.send(
      new CreateVolumeCommand({
        AvailabilityZone: 'us-east-1a',
        Size: 10,
        TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: 'atrium:cluster-id', Value: tag }] }],
      }),
    );
    return VolumeId;
  };
  const policy: Policy = {
    Statement: {
      Effect: 'Allow',
      Action: 'ec2:DeleteVolume',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/atrium:cluster-id': 'one' } },
    },
  };
  const verdict = async (VolumeId: string) => {
    const [asked] = ec2Authorizations('DeleteVolume', { VolumeId }, it.sim.world, () => undefined);
    return evaluate(policy, asked!);
  };
  expect(await verdict(await create('one'))).toBe('allowed');
  expect(await verdict(await create('two'))).toBe('implicit');
  expect(await verdict('vol-00000000000000000')).toBe('implicit');
});

test('passing a role on is a right of its own', async () => {
  await using it = await startTestSim();
  const asked = ec2Authorizations(
    'RunInstances',
    { IamInstanceProfile: { Name: 'worker' }, MinCount: 1, MaxCount: 1 },
    it.sim.world,
    () => ({ arn: 'arn:aws:iam::1:instance-profile/worker', roleArn: 'arn:aws:iam::1:role/worker' }),
  );
  expect(asked.find(({ action }) => action === 'iam:PassRole')).toMatchObject({
    resource: 'arn:aws:iam::1:role/worker',
    context: { 'iam:PassedToService': 'ec2.amazonaws.com' },
  });
});
