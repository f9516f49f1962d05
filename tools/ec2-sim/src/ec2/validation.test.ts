import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { launchOf, refusal, running, someImage, startTestSim, subnetIn, type TestSim, tagging } from '../testing.ts';

const cases: [what: string, code: string, change: (t: TestSim) => Partial<RunInstancesCommandInput>][] = [
  ['a type that there is not', 'InvalidParameterValue', () => ({ InstanceType: 't3.giant' as 't3.micro' })],
  ['an image that there is not', 'InvalidAMIID.NotFound', () => ({ ImageId: 'ami-00000000000000000' })],
  ['an image id that is none', 'InvalidAMIID.Malformed', () => ({ ImageId: 'ubuntu' })],
  ['an image of another architecture', 'InvalidParameterValue', (t) => ({ ImageId: someImage(t.sim, 'arm64') })],
  ['an SSM parameter that there is not', 'InvalidParameterValue', () => ({ ImageId: 'resolve:ssm:/no/such' })],
  ['a key pair that there is not', 'InvalidKeyPair.NotFound', () => ({ KeyName: 'laptop' })],
  ['a subnet that there is not', 'InvalidSubnetID.NotFound', () => ({ SubnetId: 'subnet-00000000000000000' })],
  ['a group that there is not', 'InvalidGroup.NotFound', () => ({ SecurityGroupIds: ['sg-00000000000000000'] })],
  ['a profile that there is not', 'InvalidParameterValue', () => ({ IamInstanceProfile: { Name: 'nobody' } })],
  [
    'a template that there is not',
    'InvalidLaunchTemplateId.NotFound',
    () => ({ LaunchTemplate: { LaunchTemplateId: 'lt-00000000000000000' } }),
  ],
  [
    'a type that its zone does not offer',
    'Unsupported',
    (t) => ({ InstanceType: 'g5.xlarge', SubnetId: subnetIn(t.sim, 'us-east-1b') }),
  ],
  [
    'a subnet beside interfaces',
    'InvalidParameterCombination',
    (t) => ({ SubnetId: subnetIn(t.sim, 'us-east-1a'), NetworkInterfaces: [{ DeviceIndex: 0 }] }),
  ],
  ['user data above 16 KB', 'InvalidParameterValue', () => ({ UserData: Buffer.alloc(16_385).toString('base64') })],
  ['user data that is not base64', 'InvalidParameterValue', () => ({ UserData: '#cloud-config' })],
  ['no instances', 'InvalidParameterValue', () => ({ MinCount: 0, MaxCount: 0 })],
  ['fewer at most than at least', 'InvalidParameterValue', () => ({ MinCount: 3, MaxCount: 2 })],
  [
    'tags for what a launch does not make',
    'InvalidParameterValue',
    () => ({ TagSpecifications: [tagging('vpc', { a: 'b' })] }),
  ],
  ['a reserved tag', 'InvalidParameterValue', () => ({ TagSpecifications: [tagging('instance', { 'aws:x': 'b' })] })],
  ['an odd tag', 'InvalidParameterValue', () => ({ TagSpecifications: [tagging('instance', { user: 'a!b' })] })],
  [
    'a tag key with a blank, where the machine shall see its tags',
    'InvalidParameterValue',
    () => ({
      TagSpecifications: [tagging('instance', { 'the user': 'ada' })],
      MetadataOptions: { InstanceMetadataTags: 'enabled' },
    }),
  ],
  [
    'hibernation with a root volume in the clear',
    'UnsupportedHibernationConfiguration',
    () => ({ HibernationOptions: { Configured: true } }),
  ],
  [
    'hibernation of a type that cannot',
    'UnsupportedHibernationConfiguration',
    () => ({ InstanceType: 'g4dn.xlarge', HibernationOptions: { Configured: true } }),
  ],
  [
    'a spot instance that stops but is asked for once',
    'InvalidParameterCombination',
    () => ({
      InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { InstanceInterruptionBehavior: 'stop' } },
    }),
  ],
];

describe('a launch is refused for', () => {
  test.each(cases)('%s: %s', async (_what, code, change) => {
    await using t = await startTestSim();

    expect(await refusal(t.ec2.send(launchOf(t.sim, change(t))))).toBe(code);

    expect(t.sim.world.instances.size).toBe(0);
    expect(t.sim.world.volumes.size).toBe(0);
    expect(t.sim.violations).toEqual([]);
  });
});

test('an image may be named by an SSM parameter', async () => {
  await using t = await startTestSim();
  const [name, image] = [...t.sim.world.imageAliases][0]!;

  const { Instances } = await t.ec2.send(launchOf(t.sim, { ImageId: `resolve:ssm:${name}` }));

  expect(Instances![0]!.ImageId).toBe(image);
});

test('as many as there is room for between MinCount and MaxCount, or none', async () => {
  await using t = await startTestSim({ capacity: [{ type: 't3.medium', available: 3 }] });

  expect(await refusal(t.ec2.send(launchOf(t.sim, { MinCount: 4, MaxCount: 9 })))).toBe('InsufficientInstanceCapacity');
  expect(t.sim.world.instances.size).toBe(0);
  expect(await running(t, { MinCount: 2, MaxCount: 9 })).toHaveLength(3);
  const { Instances } = await t.ec2.send(launchOf(t.sim, { InstanceType: 't3.large', MinCount: 2, MaxCount: 5 }));

  expect(Instances).toHaveLength(5);
  expect(new Set(Instances!.map(({ PrivateIpAddress }) => PrivateIpAddress)).size).toBe(5);
});
