import { HubError, type Io, type StorageDoor, type StorageInfo } from '@atrium/sdk';
import { DISK_RATES, perMonth } from '../meters/rates.ts';
import type { Ec2World } from '../world.ts';
import { type HomeRow, readHome } from './home-row.ts';
import { lookVolume } from './look.ts';
import { resizeHome } from './resize.ts';
import { wantRestore } from './restore.ts';
import { driveSnapshot, snapshotsOf, wantSnapshot } from './snapshots.ts';

const NOTHING: StorageInfo = { sizeGb: 0, tier: 'none', snapshots: [], perMonth: 0 };

/** What people can do with their homes. */
export function storageDoor(world: Ec2World): StorageDoor {
  return {
    async describe(storage, io) {
      const own = within(world, io);
      const row = await readHome(own.store, storage);
      if (!row || row.tier === 'none') return NOTHING;
      const snapshots = await snapshotsOf(own, storage, io);
      const busy = busyWith(row);
      return {
        sizeGb: row.sizeGb,
        tier: row.tier,
        snapshots: snapshots.map(({ id, startedAt, sizeGb, state }) => ({
          id,
          at: startedAt,
          sizeGb,
          ...(state !== 'completed' && { pending: true }),
        })),
        perMonth:
          row.tier === 'disk' ? perMonth(DISK_RATES.gp3, row.sizeGb) : perMonth(DISK_RATES.snapshot, row.sizeGb),
        ...(busy !== undefined && { busy }),
      };
    },
    restore: (storage, snapshot, io) => wantRestore(within(world, io), storage, snapshot, io.signal),
    resize: (storage, sizeGb, io) => resizeHome(within(world, io), storage, sizeGb, io.signal),
    async snapshot(storage, io) {
      const own = within(world, io);
      const before = await readHome(own.store, storage);
      if (!before || before.tier === 'none') throw new HubError('not_found', 'There is no home yet.');
      if (before.tier === 'archived' || !before.volumeId)
        throw new HubError('bad_request', 'This home is archived: it is a snapshot already.');
      const row = await wantSnapshot(own, storage, 'asked');
      if (!row?.taking || row.taking.id !== null) return;
      // A machine that runs writes what it holds back first, when its next heartbeat asks for work.
      const volume = await lookVolume(own, before.volumeId, io.signal);
      const holder = volume?.attachments.find(({ state }) => state === 'attached');
      const instance = holder && (await own.instances.look(holder.instanceId, 10_000, io));
      if (instance?.state !== 'running') await driveSnapshot(own, row, { signal: io.signal });
    },
  };
}

/** The world with the doors of one call, which end with it. */
export const within = (world: Ec2World, io: Io): Ec2World => ({
  ...world,
  clock: world.clock,
  log: io.log,
  store: io.store,
});

function busyWith(row: HomeRow): string | undefined {
  if (row.making)
    return row.making.snapshotId ? 'The home is coming back from its snapshot.' : 'The home is being made.';
  const restore = row.restores.find(({ done }) => !done);
  if (restore) return `${restore.into} is being restored; it appears while the server runs.`;
  if (row.growTo !== null) return `The home is growing to ${row.growTo} GB.`;
  if (row.taking?.why === 'asked') return 'A snapshot is being taken.';
  return undefined;
}
