import {
  CreateImageCommand,
  CreateLaunchTemplateCommand,
  CreateSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { launchOf, refusal, running, someImage, startTestSim, type TestSim, tagging } from '../testing.ts';

const create = (t: TestSim, InstanceId: string, more: { Name?: string; NoReboot?: boolean } = {}) =>
  t.ec2.send(
    new CreateImageCommand({
      InstanceId,
      Name: 'workers 1',
      TagSpecifications: [tagging('image', { of: 'image' }), tagging('snapshot', { of: 'snapshot' })],
      ...more,
    }),
  );
const shown = async (t: TestSim, id: string) =>
  (await t.ec2.send(new DescribeImagesCommand({ ImageIds: [id] }))).Images![0]!;

test('an image reboots its instance, is pending first, and tags itself and its snapshots', async () => {
  await using t = await startTestSim();
  const [machine] = await running(t);

  const ImageId = (await create(t, machine)).ImageId!;
  await t.clock.advance(5_000);
  expect(t.sim.world.instances.get(machine)!.boots).toBe(2);
  expect(await shown(t, ImageId)).toMatchObject({ State: 'pending', Tags: [{ Key: 'of', Value: 'image' }] });
  expect(await refusal(t.ec2.send(launchOf(t.sim, { ImageId })))).toBe('InvalidAMIID.Unavailable');
  await t.clock.advance(120_000);
  const image = await shown(t, ImageId);
  expect(image.State).toBe('available');
  const SnapshotIds = [image.BlockDeviceMappings![0]!.Ebs!.SnapshotId!];
  const { Snapshots } = await t.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds }));
  expect(Snapshots![0]).toMatchObject({ State: 'completed', Tags: [{ Key: 'of', Value: 'snapshot' }] });

  expect((await t.ec2.send(launchOf(t.sim, { ImageId }))).Instances).toHaveLength(1);
});

test('an image is taken without a reboot where that is asked for, and of a stopped instance', async () => {
  await using t = await startTestSim();
  const [machine] = await running(t);

  await create(t, machine, { NoReboot: true });
  await t.clock.advance(5_000);
  expect(t.sim.world.instances.get(machine)!.boots).toBe(1);
  await t.ec2.send(new StopInstancesCommand({ InstanceIds: [machine] }));
  expect(await refusal(create(t, machine, { Name: 'workers 2' }))).toBe('IncorrectState');
  await t.clock.advance(15_000);

  await create(t, machine, { Name: 'workers 2' });
});

test('an image that is deregistered leaves its snapshots, which could not be deleted before', async () => {
  await using t = await startTestSim();
  const ImageId = (await create(t, (await running(t))[0])).ImageId!;
  await t.clock.advance(120_000);
  const SnapshotId = (await shown(t, ImageId)).BlockDeviceMappings![0]!.Ebs!.SnapshotId!;
  const drop = () => t.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));

  expect(await refusal(drop())).toBe('InvalidSnapshot.InUse');
  await t.ec2.send(new DeregisterImageCommand({ ImageId }));
  expect(await refusal(shown(t, ImageId))).toBe('InvalidAMIID.NotFound');
  expect(t.sim.world.snapshots.has(SnapshotId)).toBe(true);
  await drop();

  expect(await refusal(t.ec2.send(new DeregisterImageCommand({ ImageId: someImage(t.sim) })))).toBe('AuthFailure');
});

test('names of images, templates and groups are taken once', async () => {
  await using t = await startTestSim();
  const [machine] = await running(t);
  const group = () =>
    t.ec2.send(new CreateSecurityGroupCommand({ GroupName: 'workers', Description: 'of the workers' }));
  const template = () =>
    t.ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: 'workers',
        LaunchTemplateData: { InstanceType: 't3.small' },
      }),
    );
  const image = () => create(t, machine, { NoReboot: true });

  for (const [make, code] of [
    [image, 'InvalidAMIName.Duplicate'],
    [template, 'InvalidLaunchTemplateName.AlreadyExistsException'],
    [group, 'InvalidGroup.Duplicate'],
  ] as const) {
    await make();
    expect(await refusal(make())).toBe(code);
  }
});
