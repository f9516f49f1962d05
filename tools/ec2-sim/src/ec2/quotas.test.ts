import {
  AllocateAddressCommand,
  CreateVolumeCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { launchOf, refusal, running, startTestSim } from '../testing.ts';

const STANDARD = 'L-1216C47A';
const STANDARD_SPOT = 'L-34B43A08';
const GPU = 'L-DB2E81BA';

test('the quota counts virtual processors of what runs, not of what is stopped', async () => {
  await using t = await startTestSim({ quotas: { [STANDARD]: 4 } });
  const [one] = await running(t, {}, 2);

  const error = await t.ec2.send(launchOf(t.sim)).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ name: 'VcpuLimitExceeded', $metadata: { httpStatusCode: 400 } });
  await t.ec2.send(new StopInstancesCommand({ InstanceIds: [one] }));
  await running(t);

  await t.clock.advance(15_000);
  expect(await refusal(t.ec2.send(new StartInstancesCommand({ InstanceIds: [one] })))).toBe('VcpuLimitExceeded');
});

test('a launch of more than fits is refused whole by its MinCount', async () => {
  await using t = await startTestSim({ quotas: { [STANDARD]: 8 } });

  expect(await refusal(t.ec2.send(launchOf(t.sim, { MinCount: 5, MaxCount: 5 })))).toBe('VcpuLimitExceeded');
  expect(await refusal(t.ec2.send(launchOf(t.sim, { MinCount: 2, MaxCount: 2, InstanceType: 't3.2xlarge' })))).toBe(
    'VcpuLimitExceeded',
  );
  expect(await running(t, {}, 4)).toHaveLength(4);
});

test('families and markets have quotas of their own', async () => {
  await using t = await startTestSim({ quotas: { [GPU]: 0, [STANDARD_SPOT]: 2 } });
  const spot = () => t.ec2.send(launchOf(t.sim, { InstanceMarketOptions: { MarketType: 'spot' } }));

  expect(await refusal(t.ec2.send(launchOf(t.sim, { InstanceType: 'g4dn.xlarge' })))).toBe('VcpuLimitExceeded');
  await running(t, {}, 3);
  await spot();

  expect(await refusal(spot())).toBe('MaxSpotInstanceCountExceeded');
});

test('addresses, volumes and the addresses of a subnet are limited', async () => {
  await using t = await startTestSim({ quotas: { 'L-0263D0A3': 1, volumes: 2 } });
  const volume = () => t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 }));

  await t.ec2.send(new AllocateAddressCommand({}));
  expect(await refusal(t.ec2.send(new AllocateAddressCommand({})))).toBe('AddressLimitExceeded');
  await volume();
  await volume();
  expect(await refusal(volume())).toBe('VolumeLimitExceeded');
  t.sim.world.quotas.set('volumes', 1_000);
  const small = [...t.sim.world.subnets.values()][0]!;
  small.cidr = '172.31.0.0/28';

  expect(await running(t, { SubnetId: small.id, MinCount: 1, MaxCount: 20 })).toHaveLength(11);
  expect(await refusal(t.ec2.send(launchOf(t.sim, { SubnetId: small.id })))).toBe('InsufficientFreeAddressesInSubnet');
});
