import type {
  CreateFleetError,
  CreateFleetInstance,
  FleetLaunchTemplateOverrides,
  RunInstancesCommandInput,
} from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { newId, type SimInstance } from '../world.ts';
import { type Action, action } from './action.ts';
import { checkSpecifications, onceFor } from './find.ts';
import { launch } from './launch.ts';
import { checkLaunch } from './launch-spec.ts';
import { templateData } from './template-data.ts';

interface Fleet {
  id: string;
  instances: CreateFleetInstance[];
  errors: CreateFleetError[];
}

/** CreateFleet of the type `instant`: tries the overrides in order and tells of each that failed. */
export const fleetActions: Action[] = [
  action('CreateFleet', {
    parameters: `ClientToken Type ExcessCapacityTerminationPolicy TagSpecifications
      LaunchTemplateConfigs.LaunchTemplateSpecification LaunchTemplateConfigs.Overrides.InstanceType
      LaunchTemplateConfigs.Overrides.SubnetId LaunchTemplateConfigs.Overrides.AvailabilityZone
      LaunchTemplateConfigs.Overrides.Priority LaunchTemplateConfigs.Overrides.MaxPrice LaunchTemplateConfigs.Overrides.ImageId
      TargetCapacitySpecification.TotalTargetCapacity TargetCapacitySpecification.OnDemandTargetCapacity
      TargetCapacitySpecification.SpotTargetCapacity TargetCapacitySpecification.DefaultTargetCapacityType
      OnDemandOptions.AllocationStrategy OnDemandOptions.SingleAvailabilityZone OnDemandOptions.SingleInstanceType
      OnDemandOptions.MinTargetCapacity SpotOptions.AllocationStrategy SpotOptions.InstanceInterruptionBehavior
      SpotOptions.SingleAvailabilityZone SpotOptions.SingleInstanceType SpotOptions.MinTargetCapacity`,
    run(input, { core, world }) {
      if (input.Type !== 'instant') {
        core.violate({
          kind: 'value',
          caller: '',
          action: 'CreateFleet',
          message: `Only fleets of type instant are simulated, not ${input.Type}`,
        });
        throw new ApiError('InvalidParameterValue', `Fleet type ${input.Type ?? 'maintain'} is not supported here`);
      }
      checkSpecifications(input.TagSpecifications, ['fleet', 'instance', 'volume', 'network-interface']);
      const {
        TotalTargetCapacity = 0,
        DefaultTargetCapacityType,
        SpotTargetCapacity,
        OnDemandTargetCapacity,
      } = input.TargetCapacitySpecification ?? {};
      const spotByDefault = DefaultTargetCapacityType === 'spot';
      const spot = SpotTargetCapacity ?? (spotByDefault ? TotalTargetCapacity - (OnDemandTargetCapacity ?? 0) : 0);
      const fleet = onceFor<Fleet>(world, 'CreateFleet', input.ClientToken, input, () => {
        const made: Fleet = { id: `fleet-${newId('x').slice(3)}`, instances: [], errors: [] };
        for (const market of ['on-demand', 'spot'] as const) {
          let missing = market === 'spot' ? spot : TotalTargetCapacity - spot;
          for (const { template, override } of choices(input.LaunchTemplateConfigs)) {
            if (missing <= 0) break;
            try {
              const data = templateData(world, template) ?? { MinCount: 1, MaxCount: 1 };
              const request = fleetLaunch(
                data,
                override,
                input.TagSpecifications,
                market,
                input.SpotOptions?.InstanceInterruptionBehavior,
              );
              const spec = checkLaunch(core, request);
              const room = world.capacity.room({ type: spec.type, zone: spec.zone, market }, missing);
              const launched = launch(core, spec, Math.max(1, room), missing);
              missing -= launched.length;
              made.instances.push(fleetItem(launched, override, template, market));
              if (missing > 0)
                made.errors.push(
                  fleetError(
                    'InsufficientInstanceCapacity',
                    `No more capacity for ${spec.type} in ${spec.zone}`,
                    override,
                    template,
                    market,
                  ),
                );
            } catch (error) {
              if (!(error instanceof ApiError)) throw error;
              made.errors.push(fleetError(error.code, error.message, override, template, market));
            }
          }
        }
        return made;
      });
      return { FleetId: fleet.id, Instances: fleet.instances, Errors: fleet.errors };
    },
  }),
];

type Config = {
  LaunchTemplateSpecification?: object | undefined;
  Overrides?: FleetLaunchTemplateOverrides[] | undefined;
};
type Template = NonNullable<Parameters<typeof templateData>[1]>;

function choices(
  configs: readonly Config[] | undefined,
): { template: Template; override: FleetLaunchTemplateOverrides }[] {
  return (configs ?? []).flatMap(({ LaunchTemplateSpecification: template = {}, Overrides }) =>
    (Overrides?.length ? [...Overrides].sort((a, b) => (a.Priority ?? 0) - (b.Priority ?? 0)) : [{}]).map(
      (override) => ({ template, override }),
    ),
  );
}

function fleetLaunch(
  data: RunInstancesCommandInput,
  { InstanceType, SubnetId, AvailabilityZone, ImageId }: FleetLaunchTemplateOverrides,
  tags: RunInstancesCommandInput['TagSpecifications'],
  market: 'on-demand' | 'spot',
  onInterruption: string | undefined,
): RunInstancesCommandInput {
  const nic = data.NetworkInterfaces?.[0];
  return {
    ...data,
    ...(InstanceType ? { InstanceType } : {}),
    ...(ImageId ? { ImageId } : {}),
    ...(SubnetId && !nic ? { SubnetId } : {}),
    ...(SubnetId && nic ? { NetworkInterfaces: [{ ...nic, SubnetId }] } : {}),
    ...(AvailabilityZone ? { Placement: { ...data.Placement, AvailabilityZone } } : {}),
    TagSpecifications: [
      ...(tags ?? []).filter((one) => one.ResourceType !== 'fleet'),
      ...(data.TagSpecifications ?? []),
    ],
    ...(market === 'spot'
      ? {
          InstanceMarketOptions: {
            MarketType: 'spot' as const,
            SpotOptions: {
              InstanceInterruptionBehavior: (onInterruption ?? 'terminate') as 'terminate',
              SpotInstanceType:
                onInterruption && onInterruption !== 'terminate' ? ('persistent' as const) : ('one-time' as const),
            },
          },
        }
      : {}),
  };
}

function fleetItem(
  launched: SimInstance[],
  Overrides: FleetLaunchTemplateOverrides,
  LaunchTemplateSpecification: object,
  Lifecycle: 'on-demand' | 'spot',
): CreateFleetInstance {
  return {
    InstanceIds: launched.map(({ id }) => id),
    InstanceType: launched[0]!.type as 't3.micro',
    Lifecycle,
    LaunchTemplateAndOverrides: { LaunchTemplateSpecification, Overrides: Overrides as object },
  };
}

function fleetError(
  ErrorCode: string,
  ErrorMessage: string,
  Overrides: FleetLaunchTemplateOverrides,
  LaunchTemplateSpecification: object,
  Lifecycle: 'on-demand' | 'spot',
): CreateFleetError {
  return {
    ErrorCode,
    ErrorMessage,
    Lifecycle,
    LaunchTemplateAndOverrides: { LaunchTemplateSpecification, Overrides: Overrides as object },
  };
}
