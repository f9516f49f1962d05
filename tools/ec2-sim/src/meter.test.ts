import {
  AllocateAddressCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  ModifySnapshotTierCommand,
  ReleaseAddressCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { running, startTestSim, tagging } from './testing.ts';

const HOUR = 3_600_000;

test('an instance is billed while it runs, by the second, a minute at least for each start', async () => {
  await using t = await startTestSim();
  const [id] = await running(t);
  const cost = () => t.sim.world.meter.costs(({ kind }) => kind === 'instance').total;
  const stop = () => t.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));

  await t.clock.advance(2 * HOUR);
  expect(cost()).toBeCloseTo(2 * 0.0416, 9);
  await stop();
  await t.clock.advance(10 * HOUR);
  expect(cost()).toBeCloseTo(2 * 0.0416, 9);
  await t.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  await t.clock.advance(5_000 + 10_000);
  await stop();

  expect(cost()).toBeCloseTo((2 + 1 / 60) * 0.0416, 9);
});

test('disks are billed by the gigabyte, also of what is stopped, until they are deleted', async () => {
  await using t = await startTestSim();
  const made = await t.ec2.send(
    new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 100, VolumeType: 'gp3' }),
  );
  const cost = () => t.sim.world.meter.costs(({ id }) => id === made.VolumeId).total;

  await t.clock.advance(730 * HOUR);
  expect(cost()).toBeCloseTo(8, 6);
  await t.ec2.send(new DeleteVolumeCommand({ VolumeId: made.VolumeId }));
  await t.clock.advance(730 * HOUR);

  expect(cost()).toBeCloseTo(8, 6);
});

test('a later snapshot costs what changed, an archived one the whole for 90 days at least', async () => {
  await using t = await startTestSim();
  const { VolumeId } = await t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 100 }));
  await t.clock.advance(3_000);
  const snapshot = async () => {
    const { SnapshotId } = await t.ec2.send(new CreateSnapshotCommand({ VolumeId }));
    await t.clock.advance(60_000);
    return SnapshotId!;
  };
  const cost = (of: string) => t.sim.world.meter.costs(({ id }) => id === of).total;
  const [full, change] = [await snapshot(), await snapshot()];

  await t.clock.advance(730 * HOUR);
  expect(cost(full)).toBeGreaterThan(5 * cost(change));
  const before = cost(full);
  await t.ec2.send(new ModifySnapshotTierCommand({ SnapshotId: full, StorageTier: 'archive' }));
  await t.clock.advance(60_000);

  expect(cost(full) - before).toBeCloseTo(40 * 0.0125 * ((90 * 24) / 730), 2);
});

test('public addresses are billed while an instance has one, and always when they were allocated', async () => {
  await using t = await startTestSim();
  const cost = () => t.sim.world.meter.costs().byKind.address;
  const [id] = await running(t);

  await t.clock.advance(HOUR - 5_000);
  expect(cost()).toBeCloseTo(0.005, 9);
  await t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  await t.clock.advance(10_000);
  const after = cost();
  const { AllocationId } = await t.ec2.send(new AllocateAddressCommand({}));
  await t.clock.advance(HOUR);
  await t.ec2.send(new ReleaseAddressCommand({ AllocationId }));
  await t.clock.advance(HOUR);

  expect(cost() - after).toBeCloseTo(0.005, 9);
});

test('costs can be asked for by tag', async () => {
  await using t = await startTestSim();
  const of = (user: string) => ({ TagSpecifications: [tagging('instance', { user }), tagging('volume', { user })] });
  await running(t, of('ada'));
  await running(t, { ...of('bob'), InstanceType: 't3.large' });

  await t.clock.advance(HOUR);
  const cost = (user: string) => t.sim.world.meter.costs(({ tags }) => tags.get('user') === user).byKind;

  expect(cost('ada').instance).toBeCloseTo(0.0416 * (1 + 5 / 3600), 9);
  expect(cost('bob').instance).toBeCloseTo(0.0832, 9);
  expect(cost('ada').volume).toBeGreaterThan(0);
});
