import type { VolumeModification } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import type { SimVolume } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { find, findAll, KINDS } from './find.ts';
import { paginate } from './paging.ts';
import { meterVolume } from './volume-state.ts';

function view(volume: SimVolume): VolumeModification {
  const { state, progress, startedAt, endedAt, from, to } = volume.modification!;
  return {
    VolumeId: volume.id,
    ModificationState: state,
    Progress: progress,
    StartTime: new Date(startedAt),
    ...(endedAt === undefined ? {} : { EndTime: new Date(endedAt) }),
    OriginalSize: from.sizeGb,
    OriginalVolumeType: from.type as 'gp3',
    OriginalIops: from.iops ?? 3000,
    OriginalThroughput: from.throughput ?? 125,
    TargetSize: to.sizeGb,
    TargetVolumeType: to.type as 'gp3',
    TargetIops: to.iops ?? 3000,
    TargetThroughput: to.throughput ?? 125,
  };
}

const FILTERS: FilterTable<SimVolume> = {
  'modification-state': (v) => v.modification?.state,
  'volume-id': (v) => v.id,
};

/** Growing a volume: larger only, one change at a time, and not again for hours. */
export const volumeChangeActions: Action[] = [
  action('ModifyVolume', {
    parameters: 'VolumeId Size VolumeType Iops Throughput',
    run(input, { core, world }) {
      const volume = find(world, world.volumes, input.VolumeId, KINDS.volume);
      const now = world.clock.now();
      const last = volume.modification;
      if (last && (last.state !== 'completed' || now - last.startedAt < world.delays.modifyCooldownMs)) {
        throw new ApiError(
          'VolumeModificationRateExceeded',
          `You've reached the maximum modification rate per volume limit. Wait at least ${Math.ceil(world.delays.modifyCooldownMs / 3_600_000)} hours between modifications per EBS volume.`,
        );
      }
      if (volume.state !== 'in-use' && volume.state !== 'available') {
        throw new ApiError('IncorrectState', `The volume '${volume.id}' is ${volume.state}.`);
      }
      const from = { sizeGb: volume.sizeGb, type: volume.type, ...pick(volume) };
      const to = {
        sizeGb: input.Size ?? volume.sizeGb,
        type: input.VolumeType ?? volume.type,
        ...pick({
          ...volume,
          ...(input.Iops ? { iops: input.Iops } : {}),
          ...(input.Throughput ? { throughput: input.Throughput } : {}),
        }),
      };
      if (to.sizeGb < from.sizeGb)
        throw new ApiError('InvalidParameterValue', 'New size cannot be smaller than existing size');
      if (to.sizeGb > 16_384) throw new ApiError('InvalidParameterValue', 'Volume size is above 16384GiB');
      volume.modification = { state: 'modifying', progress: 0, startedAt: now, from, to };
      const change = volume.modification;
      world.clock.after(world.delays.modifyVolumeMs / 4, () => {
        change.state = 'optimizing';
        change.progress = 50;
        Object.assign(volume, to);
        meterVolume(core, volume);
      });
      world.clock.after(world.delays.modifyVolumeMs, () => {
        change.state = 'completed';
        change.progress = 100;
        change.endedAt = world.clock.now();
      });
      return { VolumeModification: view(volume) };
    },
  }),

  action('DescribeVolumesModifications', {
    parameters: 'VolumeIds MaxResults NextToken',
    filters: FILTERS,
    run({ VolumeIds: ids, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.volumes, ids, KINDS.volume) : [...world.volumes.values()];
      const missing = ids?.length ? from.find((volume) => !volume.modification) : undefined;
      if (missing) {
        throw new ApiError(
          'InvalidVolumeModification.NotFound',
          `Modification for volume '${missing.id}' does not exist.`,
        );
      }
      const found = select(
        world,
        from.filter((volume) => volume.modification),
        FILTERS,
        Filters,
      );
      const { page, ...rest } = paginate(found, request, { min: 1, max: 500 });
      return { VolumesModifications: page.map(view), ...rest };
    },
  }),
];

function pick({ iops, throughput }: Pick<SimVolume, 'iops' | 'throughput'>) {
  return { ...(iops === undefined ? {} : { iops }), ...(throughput === undefined ? {} : { throughput }) };
}
