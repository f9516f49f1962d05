import type { Snapshot } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { copyFiles, dropFiles } from '../machines.ts';
import { HOURS_PER_MONTH } from '../meter.ts';
import type { SimCore } from '../sim.ts';
import { newResource, type SimSnapshot, type SimVolume, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, find, findAll, KINDS, tagsFor } from './find.ts';
import { STORAGE_USD } from './instance-types.ts';
import { paginate } from './paging.ts';

const GB = 2 ** 30;
/** Part of a volume that is taken to be used, and to have changed since the snapshot before. */
const USED = 0.4;
const CHANGED = 0.05;

/** Makes a snapshot of a volume as it is now; complete after the delay. */
export function takeSnapshot(
  core: SimCore,
  volume: SimVolume,
  description: string,
  tags: [string, string][],
): SimSnapshot {
  const { world } = core;
  const earlier = [...world.snapshots.values()].some((one) => one.volumeId === volume.id && one.tier === 'standard');
  const fullBytes = Math.round(volume.sizeGb * GB * USED);
  const snapshot: SimSnapshot = {
    ...newResource(world, 'snap', tags, true),
    volumeId: volume.id,
    sizeGb: volume.sizeGb,
    fullBytes,
    billedBytes: earlier ? Math.round(volume.sizeGb * GB * CHANGED) : fullBytes,
    state: 'pending',
    progress: 0,
    encrypted: volume.encrypted,
    description,
    tier: 'standard',
  };
  world.snapshots.set(snapshot.id, snapshot);
  copyFiles(core, volume.id, snapshot.id);
  for (const quarter of [1, 2, 3]) {
    world.clock.after((world.delays.snapshotMs * quarter) / 4, () => {
      if (snapshot.state === 'pending') snapshot.progress = quarter * 25;
    });
  }
  world.clock.after(world.delays.snapshotMs, () => {
    snapshot.state = 'completed';
    snapshot.progress = 100;
    snapshot.completedAt = world.clock.now();
    if (world.snapshots.has(snapshot.id)) bill(world, snapshot);
  });
  return snapshot;
}

function bill(world: World, snapshot: SimSnapshot): void {
  const archived = snapshot.tier === 'archive';
  const gb = (archived ? snapshot.fullBytes : snapshot.billedBytes) / GB;
  const perGb = STORAGE_USD[archived ? 'archive' : 'snapshot']!;
  // The archive has a minimum of 90 days.
  world.meter.start('snapshot', snapshot, (gb * perGb) / HOURS_PER_MONTH, archived ? 90 * 24 * 3_600_000 : 0);
}

export function viewSnapshot(world: World, snapshot: SimSnapshot): Snapshot {
  return {
    SnapshotId: snapshot.id,
    VolumeId: snapshot.volumeId,
    VolumeSize: snapshot.sizeGb,
    State: snapshot.state,
    Progress: `${snapshot.progress}%`,
    StartTime: new Date(snapshot.createdAt),
    ...(snapshot.completedAt === undefined ? {} : { CompletionTime: new Date(snapshot.completedAt) }),
    Encrypted: snapshot.encrypted,
    Description: snapshot.description,
    OwnerId: world.accountId,
    StorageTier: snapshot.tier,
    FullSnapshotSizeInBytes: snapshot.fullBytes,
    ...(snapshot.restoreExpiryAt === undefined ? {} : { RestoreExpiryTime: new Date(snapshot.restoreExpiryAt) }),
    Tags: tagList(world, snapshot),
  };
}

const FILTERS: FilterTable<SimSnapshot> = {
  description: (s) => s.description,
  encrypted: (s) => s.encrypted,
  'owner-id': (_, world) => world.accountId,
  progress: (s) => `${s.progress}%`,
  'snapshot-id': (s) => s.id,
  'start-time': (s) => new Date(s.createdAt).toISOString(),
  status: (s) => s.state,
  'storage-tier': (s) => s.tier,
  'volume-id': (s) => s.volumeId,
  'volume-size': (s) => s.sizeGb,
};

const TIER_FILTERS: FilterTable<SimSnapshot> = {
  'snapshot-id': (s) => s.id,
  'volume-id': (s) => s.volumeId,
  'last-tiering-operation': (s) => tiering(s).operation,
};

function tiering(snapshot: SimSnapshot): { operation?: string; progress?: number } {
  const { tierChange, tier } = snapshot;
  if (tierChange)
    return {
      operation: tierChange.to === 'archive' ? 'archival-in-progress' : 'permanent-restore-in-progress',
      progress: 50,
    };
  return tier === 'archive' ? { operation: 'archival-completed', progress: 100 } : {};
}

export const snapshotActions: Action[] = [
  action('CreateSnapshot', {
    parameters: 'VolumeId Description TagSpecifications',
    run({ VolumeId, Description = '', TagSpecifications }, { core, world }) {
      const volume = find(world, world.volumes, VolumeId, KINDS.volume);
      if (volume.state === 'creating')
        throw new ApiError('IncorrectState', `The volume '${volume.id}' is being created.`);
      checkSpecifications(TagSpecifications, ['snapshot']);
      const pending = [...world.snapshots.values()].filter(
        (one) => one.volumeId === volume.id && one.state === 'pending',
      ).length;
      if (pending >= 5) {
        throw new ApiError(
          'ConcurrentSnapshotLimitExceeded',
          `Maximum allowed in-progress snapshots for a single volume exceeded.`,
        );
      }
      return viewSnapshot(world, takeSnapshot(core, volume, Description, tagsFor(TagSpecifications, 'snapshot')));
    },
  }),

  action('DescribeSnapshots', {
    parameters: 'SnapshotIds OwnerIds MaxResults NextToken',
    filters: FILTERS,
    run({ SnapshotIds: ids, OwnerIds, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.snapshots, ids, KINDS.snapshot) : [...world.snapshots.values()];
      const own = !OwnerIds?.length || OwnerIds.some((owner) => owner === 'self' || owner === world.accountId);
      const found = own ? select(world, from, FILTERS, Filters) : [];
      const { page, ...rest } = paginate(found, request, { ids: { name: 'snapshotSet', given: ids } });
      return { Snapshots: page.map((snapshot) => viewSnapshot(world, snapshot)), ...rest };
    },
  }),

  action('DeleteSnapshot', {
    parameters: 'SnapshotId',
    run({ SnapshotId }, { core, world }) {
      const snapshot = find(world, world.snapshots, SnapshotId, KINDS.snapshot);
      const image = [...world.images.values()].find(
        (one) => one.state !== 'deregistered' && one.devices.some((device) => device.snapshotId === snapshot.id),
      );
      if (image)
        throw new ApiError('InvalidSnapshot.InUse', `The snapshot ${snapshot.id} is currently in use by ${image.id}`);
      world.snapshots.delete(snapshot.id);
      world.meter.stop('snapshot', snapshot.id);
      dropFiles(core, snapshot.id);
      return {};
    },
  }),

  action('ModifySnapshotTier', {
    parameters: 'SnapshotId StorageTier',
    run({ SnapshotId, StorageTier }, { world }) {
      const snapshot = find(world, world.snapshots, SnapshotId, KINDS.snapshot);
      if (StorageTier !== 'archive')
        throw new ApiError('InvalidParameterValue', `Value (${StorageTier}) for parameter storageTier is invalid.`);
      if (snapshot.state !== 'completed' || snapshot.tier === 'archive' || snapshot.tierChange) {
        throw new ApiError('IncorrectState', `The snapshot ${snapshot.id} cannot be archived now.`);
      }
      const started = world.clock.now();
      snapshot.tierChange = { to: 'archive', until: started + world.delays.snapshotMs };
      world.clock.after(world.delays.snapshotMs, () => {
        delete snapshot.tierChange;
        snapshot.tier = 'archive';
        if (world.snapshots.has(snapshot.id)) bill(world, snapshot);
      });
      return { SnapshotId: snapshot.id, TieringStartTime: new Date(started) };
    },
  }),

  action('RestoreSnapshotTier', {
    parameters: 'SnapshotId PermanentRestore TemporaryRestoreDays',
    run({ SnapshotId, PermanentRestore = false, TemporaryRestoreDays }, { world }) {
      const snapshot = find(world, world.snapshots, SnapshotId, KINDS.snapshot);
      if (snapshot.tier !== 'archive' || snapshot.tierChange) {
        throw new ApiError('IncorrectState', `The snapshot ${snapshot.id} is not in the archive tier.`);
      }
      if (!PermanentRestore && !TemporaryRestoreDays)
        throw new ApiError('MissingParameter', 'PermanentRestore or TemporaryRestoreDays is needed');
      const started = world.clock.now();
      snapshot.tierChange = { to: 'standard', until: started + world.delays.restoreMs };
      world.clock.after(world.delays.restoreMs, () => {
        delete snapshot.tierChange;
        snapshot.tier = 'standard';
        if (world.snapshots.has(snapshot.id)) bill(world, snapshot);
        if (PermanentRestore) return;
        const keep = (TemporaryRestoreDays ?? 1) * 24 * 3_600_000;
        snapshot.restoreExpiryAt = world.clock.now() + keep;
        world.clock.after(keep, () => {
          delete snapshot.restoreExpiryAt;
          snapshot.tier = 'archive';
          if (world.snapshots.has(snapshot.id)) bill(world, snapshot);
        });
      });
      return { SnapshotId: snapshot.id, RestoreStartTime: new Date(started), IsPermanentRestore: PermanentRestore };
    },
  }),

  action('DescribeSnapshotTierStatus', {
    parameters: 'MaxResults NextToken',
    filters: TIER_FILTERS,
    run({ Filters, ...request }, { world }) {
      const { page, ...rest } = paginate(select(world, world.snapshots.values(), TIER_FILTERS, Filters), request);
      return {
        SnapshotTierStatuses: page.map((snapshot) => ({
          SnapshotId: snapshot.id,
          VolumeId: snapshot.volumeId,
          Status: snapshot.state,
          OwnerId: world.accountId,
          StorageTier: snapshot.tier,
          LastTieringOperationStatus: tiering(snapshot).operation as 'archival-completed',
          LastTieringProgress: tiering(snapshot).progress,
          Tags: tagList(world, snapshot),
        })),
        ...rest,
      };
    },
  }),
];
