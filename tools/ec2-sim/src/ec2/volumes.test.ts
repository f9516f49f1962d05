import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  DescribeVolumesModificationsCommand,
  DetachVolumeCommand,
  ModifyInstanceAttributeCommand,
  ModifyVolumeCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, running, seen, startTestSim, subnetIn, type TestSim, tagging } from '../testing.ts';

async function volume(t: TestSim, more: { zone?: string; Size?: number } = {}): Promise<string> {
  const { VolumeId } = await t.ec2.send(
    new CreateVolumeCommand({
      AvailabilityZone: more.zone ?? 'us-east-1a',
      Size: more.Size ?? 10,
      VolumeType: 'gp3',
      Encrypted: true,
      TagSpecifications: [tagging('volume', { 'atrium:role': 'home' })],
    }),
  );
  await t.clock.advance(3_000);
  return VolumeId!;
}
const inA = (t: TestSim) => ({ SubnetId: subnetIn(t.sim, 'us-east-1a') });
const attach = (t: TestSim, VolumeId: string, InstanceId: string, Device = '/dev/sdf') =>
  t.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device }));
const detach = (t: TestSim, VolumeId: string) => t.ec2.send(new DetachVolumeCommand({ VolumeId }));
const shown = async (t: TestSim, id: string) =>
  (await t.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes![0]!;

test('a volume is creating, available, attaching, in use, detaching and available again', async () => {
  await using t = await startTestSim({ delays: { consistencyMs: 0 } });
  const [machine] = await running(t, inA(t));
  const made = await t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 10 }));
  const id = made.VolumeId!;

  expect(made.State).toBe('creating');
  expect(await refusal(attach(t, id, machine))).toBe('IncorrectState');
  await t.clock.advance(1_000);
  expect((await shown(t, id)).State).toBe('available');
  expect((await attach(t, id, machine)).State).toBe('attaching');
  expect(await shown(t, id)).toMatchObject({ State: 'in-use', Attachments: [{ State: 'attaching' }] });
  await t.clock.advance(1_500);
  expect(await shown(t, id)).toMatchObject({
    State: 'in-use',
    Attachments: [{ State: 'attached', InstanceId: machine, Device: '/dev/sdf', DeleteOnTermination: false }],
  });
  expect((await detach(t, id)).State).toBe('detaching');
  expect(await refusal(detach(t, id))).toBe('IncorrectState');
  await t.clock.advance(1_500);

  expect(await shown(t, id)).toMatchObject({ State: 'available', Attachments: [] });
});

test('a volume in use cannot be attached again nor deleted; a device holds one volume', async () => {
  await using t = await startTestSim();
  const [one, other] = await running(t, inA(t), 2);
  const id = await volume(t);
  await attach(t, id, one);

  expect(await refusal(attach(t, id, other!))).toBe('VolumeInUse');
  expect(await refusal(attach(t, await volume(t), one))).toBe('InvalidParameterValue');
  expect(await refusal(attach(t, await volume(t), one, '/home'))).toBe('InvalidParameterValue');
  expect(await refusal(t.ec2.send(new DeleteVolumeCommand({ VolumeId: id })))).toBe('VolumeInUse');
});

test('a volume of another zone, and an instance that ends, are refused', async () => {
  await using t = await startTestSim();
  const [machine] = await running(t, inA(t));

  expect(await refusal(attach(t, await volume(t, { zone: 'us-east-1b' }), machine))).toBe('InvalidVolume.ZoneMismatch');
  expect(await refusal(t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-west-9z', Size: 1 })))).toBe(
    'InvalidZone.NotFound',
  );
  await t.ec2.send(new StopInstancesCommand({ InstanceIds: [machine] }));
  const id = await volume(t);
  expect(await refusal(attach(t, id, machine))).toBe('IncorrectState');
  await t.clock.advance(15_000);
  await attach(t, id, machine);
});

test('termination deletes the volumes that say so, and lets the others go', async () => {
  await using t = await startTestSim();
  const [machine] = await running(t, inA(t));
  const [home, scratch] = [await volume(t), await volume(t)];
  await attach(t, home, machine, '/dev/sdf');
  await attach(t, scratch, machine, '/dev/sdg');
  await t.clock.advance(1_500);
  const change = [{ DeviceName: '/dev/sdg', Ebs: { DeleteOnTermination: true } }];
  await t.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: machine, BlockDeviceMappings: change }));
  const root = (await seen(t, machine)).BlockDeviceMappings![0]!.Ebs!.VolumeId!;

  await t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [machine] }));
  expect((await shown(t, home)).State).toBe('in-use');
  await t.clock.advance(10_000);

  expect((await shown(t, home)).State).toBe('available');
  expect(await refusal(shown(t, scratch))).toBe('InvalidVolume.NotFound');
  expect(await refusal(shown(t, root))).toBe('InvalidVolume.NotFound');
});

test('the root volume cannot be detached from what runs', async () => {
  await using t = await startTestSim();
  const [machine] = await running(t, inA(t));

  const root = (await seen(t, machine)).BlockDeviceMappings![0]!.Ebs!.VolumeId!;

  expect(await refusal(detach(t, root))).toBe('OperationNotPermitted');
});

test('a volume grows only, in use or not, and then not again for hours', async () => {
  await using t = await startTestSim();
  const [machine] = await running(t, inA(t));
  const id = await volume(t);
  await attach(t, id, machine);
  const grow = (Size: number) => t.ec2.send(new ModifyVolumeCommand({ VolumeId: id, Size }));
  const state = async () =>
    (await t.ec2.send(new DescribeVolumesModificationsCommand({ VolumeIds: [id] }))).VolumesModifications![0];

  expect(await refusal(state())).toBe('InvalidVolumeModification.NotFound');
  expect(await refusal(grow(9))).toBe('InvalidParameterValue');
  expect((await grow(20)).VolumeModification).toMatchObject({
    ModificationState: 'modifying',
    OriginalSize: 10,
    TargetSize: 20,
  });
  expect((await shown(t, id)).Size).toBe(10);
  await t.clock.advance(15_000);
  expect(await state()).toMatchObject({ ModificationState: 'optimizing' });
  expect((await shown(t, id)).Size).toBe(20);
  await t.clock.advance(45_000);
  expect(await state()).toMatchObject({ ModificationState: 'completed', Progress: 100 });
  expect(await refusal(grow(30))).toBe('VolumeModificationRateExceeded');
  await t.clock.advance(6 * 3_600_000);

  await grow(30);
});
