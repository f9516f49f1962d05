import {
  CreateVolumeCommand,
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Filter,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, running, seen, startTestSim, subnetIn, type TestSim, tagging } from '../testing.ts';

async function found(t: TestSim, ...Filters: Filter[]): Promise<string[]> {
  const { Reservations } = await t.ec2.send(new DescribeInstancesCommand({ Filters }));
  return Reservations!.flatMap(({ Instances }) => Instances!.map(({ InstanceId }) => InstanceId!));
}
const is = (Name: string, ...Values: string[]): Filter => ({ Name, Values });

test('filters narrow together, values widen, and * and ? are wildcards', async () => {
  await using t = await startTestSim();
  const tags = (user: string, more = {}) => ({
    TagSpecifications: [tagging('instance', { 'atrium:user': user, ...more })],
  });
  const [ada] = await running(t, tags('ada', { 'atrium:group': 'physics' }));
  const [bob] = await running(t, { ...tags('bob'), SubnetId: subnetIn(t.sim, 'us-east-1b') });
  const [spot] = await running(t, {
    ...tags('aba'),
    InstanceType: 't3.large',
    InstanceMarketOptions: { MarketType: 'spot' },
    MetadataOptions: { HttpTokens: 'required' },
  });
  await t.clock.advance(3_000);
  await t.ec2.send(new StopInstancesCommand({ InstanceIds: [bob] }));
  const machine = await seen(t, ada);

  expect(await found(t, is('tag:atrium:user', 'ada', 'bob'))).toEqual([ada, bob]);
  expect(await found(t, is('tag:atrium:user', 'ada', 'bob'), is('instance-state-name', 'running'))).toEqual([ada]);
  expect(await found(t, is('tag:atrium:user', 'a?a'))).toEqual([ada, spot]);
  expect(await found(t, is('tag:atrium:user', 'a\\?a'))).toEqual([]);
  expect(await found(t, is('tag:atrium:user', '*'))).toEqual([ada, bob, spot]);
  expect(await found(t, is('tag-key', 'atrium:group'))).toEqual([ada]);
  expect(await found(t, is('instance-lifecycle', 'spot'))).toEqual([spot]);
  expect(await found(t, is('metadata-options.http-tokens', 'required'))).toEqual([spot]);
  expect(await found(t, is('availability-zone', 'us-east-1b'))).toEqual([bob]);
  expect(await found(t, is('instance-type', 't3.l*'))).toEqual([spot]);
  expect(await found(t, is('private-ip-address', machine.PrivateIpAddress!))).toEqual([ada]);
  const root = machine.BlockDeviceMappings![0]!.Ebs!.VolumeId!;
  expect(await found(t, is('block-device-mapping.volume-id', root))).toEqual([ada]);
  const eni = machine.NetworkInterfaces![0]!.NetworkInterfaceId!;
  expect(await found(t, is('network-interface.network-interface-id', eni))).toEqual([ada]);
  expect(await found(t, is('launch-time', `${machine.LaunchTime!.toISOString().slice(0, 16)}*`))).toContain(ada);
  expect(t.sim.violations).toEqual([]);
});

test('tags of a terminated instance drop off while it is still shown', async () => {
  await using t = await startTestSim();
  const [id] = await running(t, { TagSpecifications: [tagging('instance', { a: 'b' })] });
  await t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));

  await t.clock.advance(10_000 + 29 * 60_000);
  expect(await found(t, is('tag:a', 'b'))).toEqual([id]);
  await t.clock.advance(60_000);
  expect(await found(t, is('tag:a', 'b'))).toEqual([]);
  expect((await seen(t, id)).State!.Name).toBe('terminated');
});

test('pages hold MaxResults each, and together everything once, whatever comes and goes in between', async () => {
  await using t = await startTestSim();
  const ids = await running(t, {}, 12);
  const page = (NextToken?: string) =>
    t.ec2.send(new DescribeInstancesCommand({ MaxResults: 5, ...(NextToken ? { NextToken } : {}) }));
  const idsOf = ({ Reservations }: Awaited<ReturnType<typeof page>>) =>
    Reservations!.flatMap(({ Instances }) => Instances!.map(({ InstanceId }) => InstanceId!));

  const first = await page();
  const [late] = await running(t);
  const second = await page(first.NextToken);
  const third = await page(second.NextToken);

  expect([first, second, third].map((one) => idsOf(one).length)).toEqual([5, 5, 3]);
  expect([first, second, third].flatMap(idsOf)).toEqual([...ids, late]);
  expect(third.NextToken).toBeUndefined();
});

test('paging refuses ids beside it, sizes out of range and tokens of nobody', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  const ask = (input: DescribeInstancesCommandInput) => refusal(t.ec2.send(new DescribeInstancesCommand(input)));

  expect(await ask({ InstanceIds: [id], MaxResults: 5 })).toBe('InvalidParameterCombination');
  expect(await ask({ MaxResults: 4 })).toBe('InvalidParameterValue');
  expect(await ask({ MaxResults: 1001 })).toBe('InvalidParameterValue');
  expect(await ask({ NextToken: 'page-two' })).toBe('InvalidParameterValue');
});

test('volumes and snapshots are paged alike', async () => {
  await using t = await startTestSim();
  for (let n = 0; n < 7; n++) await t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 }));
  await t.clock.advance(1_500);

  const first = await t.ec2.send(new DescribeVolumesCommand({ MaxResults: 5 }));
  const second = await t.ec2.send(new DescribeVolumesCommand({ MaxResults: 5, NextToken: first.NextToken }));

  expect([first.Volumes!.length, second.Volumes!.length, second.NextToken]).toEqual([5, 2, undefined]);
  expect((await t.ec2.send(new DescribeSnapshotsCommand({ MaxResults: 5, OwnerIds: ['self'] }))).Snapshots).toEqual([]);
});
