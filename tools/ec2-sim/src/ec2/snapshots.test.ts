import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeSnapshotTierStatusCommand,
  ModifySnapshotTierCommand,
  RestoreSnapshotTierCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, startTestSim, type TestSim, tagging } from '../testing.ts';

const DAY = 24 * 3_600_000;

async function volume(t: TestSim): Promise<string> {
  const { VolumeId } = await t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 100 }));
  await t.clock.advance(3_000);
  return VolumeId!;
}
const snapshot = (t: TestSim, VolumeId: string) =>
  t.ec2.send(
    new CreateSnapshotCommand({
      VolumeId,
      Description: 'a home',
      TagSpecifications: [tagging('snapshot', { 'atrium:role': 'home' })],
    }),
  );
const shown = async (t: TestSim, id: string) =>
  (await t.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots![0]!;
const restored = (t: TestSim, SnapshotId: string, Size?: number) =>
  t.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1b', SnapshotId, ...(Size ? { Size } : {}) }));

test('a snapshot is pending, with progress, before it is complete; until then nothing is made of it', async () => {
  await using t = await startTestSim();
  const made = await snapshot(t, await volume(t));
  const id = made.SnapshotId!;

  expect(made).toMatchObject({ State: 'pending', VolumeSize: 100 });
  await t.clock.advance(30_000);
  expect(await shown(t, id)).toMatchObject({ State: 'pending', Progress: '50%', Description: 'a home' });
  expect(await refusal(restored(t, id))).toBe('IncorrectState');
  await t.clock.advance(30_000);
  expect(await shown(t, id)).toMatchObject({ State: 'completed', Progress: '100%', StorageTier: 'standard' });
  expect(await refusal(restored(t, id, 50))).toBe('InvalidParameterValue');

  expect(await restored(t, id)).toMatchObject({ Size: 100, SnapshotId: id, AvailabilityZone: 'us-east-1b' });
});

test('a snapshot outlives its volume, and holds the files that were there when it was asked for', async () => {
  await using t = await startTestSim();
  const VolumeId = await volume(t);
  const file = (id: string) => join(t.sim.world.dir, 'volumes', id, 'notes.txt');
  mkdirSync(dirname(file(VolumeId)), { recursive: true });
  writeFileSync(file(VolumeId), 'before');

  const { SnapshotId } = await snapshot(t, VolumeId);
  writeFileSync(file(VolumeId), 'after');
  await t.ec2.send(new DeleteVolumeCommand({ VolumeId }));
  await t.clock.advance(60_000);
  const copy = await restored(t, SnapshotId!);

  expect((await shown(t, SnapshotId!)).VolumeId).toBe(VolumeId);
  expect(readFileSync(file(copy.VolumeId!), 'utf8')).toBe('before');
  await t.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
  expect(await refusal(shown(t, SnapshotId!))).toBe('InvalidSnapshot.NotFound');
});

test('five snapshots of one volume are taken at once, not six', async () => {
  await using t = await startTestSim();
  const id = await volume(t);

  for (let n = 0; n < 5; n++) await snapshot(t, id);

  expect(await refusal(snapshot(t, id))).toBe('ConcurrentSnapshotLimitExceeded');
});

test('a snapshot goes to the archive and comes back in a day, and is of no use in between', async () => {
  await using t = await startTestSim();
  const { SnapshotId } = await snapshot(t, await volume(t));
  const archive = () => t.ec2.send(new ModifySnapshotTierCommand({ SnapshotId, StorageTier: 'archive' }));
  const tier = async () =>
    (
      await t.ec2.send(
        new DescribeSnapshotTierStatusCommand({ Filters: [{ Name: 'snapshot-id', Values: [SnapshotId!] }] }),
      )
    ).SnapshotTierStatuses![0];

  await t.clock.advance(60_000);
  await archive();
  expect(await refusal(archive())).toBe('IncorrectState');
  expect(await tier()).toMatchObject({ LastTieringOperationStatus: 'archival-in-progress' });
  await t.clock.advance(3 * DAY);
  expect(await tier()).toMatchObject({ StorageTier: 'archive', LastTieringOperationStatus: 'archival-completed' });
  expect(await refusal(restored(t, SnapshotId!))).toBe('IncorrectState');
  await t.ec2.send(new RestoreSnapshotTierCommand({ SnapshotId, PermanentRestore: true }));
  await t.clock.advance(DAY / 2);
  expect(await refusal(restored(t, SnapshotId!))).toBe('IncorrectState');
  await t.clock.advance(DAY / 2);

  expect((await restored(t, SnapshotId!)).SnapshotId).toBe(SnapshotId);
});
