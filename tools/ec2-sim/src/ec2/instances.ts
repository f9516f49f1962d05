import type { InstanceStateChange, InstanceStateName } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import type { SimInstance, StateName } from '../world.ts';
import { type Action, action } from './action.ts';
import { select } from './filters.ts';
import { findAll, KINDS, onceFor } from './find.ts';
import { INSTANCE_FILTERS, viewReservations } from './instance-view.ts';
import { checkVcpus, launch, noCapacity } from './launch.ts';
import { checkLaunch } from './launch-spec.ts';
import { power, reboot, STATE_CODES, stop, terminate } from './lifecycle.ts';
import { paginate } from './paging.ts';
import { mergeTemplate, templateData } from './template-data.ts';

const USER = { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown: User initiated shutdown' };

/** Parameters a launch takes; launch templates take the same in their data. */
export const LAUNCH_PARAMETERS = `
  BlockDeviceMappings.DeviceName BlockDeviceMappings.NoDevice BlockDeviceMappings.Ebs.DeleteOnTermination
  BlockDeviceMappings.Ebs.Encrypted BlockDeviceMappings.Ebs.Iops BlockDeviceMappings.Ebs.KmsKeyId BlockDeviceMappings.Ebs.SnapshotId
  BlockDeviceMappings.Ebs.Throughput BlockDeviceMappings.Ebs.VolumeSize BlockDeviceMappings.Ebs.VolumeType
  CreditSpecification.CpuCredits DisableApiStop DisableApiTermination EbsOptimized HibernationOptions.Configured
  IamInstanceProfile.Arn IamInstanceProfile.Name ImageId InstanceInitiatedShutdownBehavior
  InstanceMarketOptions.MarketType InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior
  InstanceMarketOptions.SpotOptions.MaxPrice InstanceMarketOptions.SpotOptions.SpotInstanceType
  InstanceType KeyName MaintenanceOptions.AutoRecovery
  MetadataOptions.HttpEndpoint MetadataOptions.HttpProtocolIpv6 MetadataOptions.HttpPutResponseHopLimit
  MetadataOptions.HttpTokens MetadataOptions.InstanceMetadataTags Monitoring.Enabled
  NetworkInterfaces.AssociatePublicIpAddress NetworkInterfaces.DeleteOnTermination NetworkInterfaces.DeviceIndex
  NetworkInterfaces.Groups NetworkInterfaces.SubnetId Placement.AvailabilityZone Placement.Tenancy
  PrivateDnsNameOptions SecurityGroupIds TagSpecifications UserData`;

function change(instance: SimInstance, before: StateName): InstanceStateChange {
  const state = (name: StateName) => ({ Code: STATE_CODES[name], Name: name as InstanceStateName });
  return { InstanceId: instance.id, PreviousState: state(before), CurrentState: state(instance.state) };
}

function wrongState({ id }: SimInstance, verb: string): ApiError {
  return new ApiError('IncorrectInstanceState', `The instance '${id}' is not in a state from which it can be ${verb}.`);
}

/** How many there are of each type, zone and market. */
function alike(instances: readonly SimInstance[]) {
  const counts = new Map<string, Pick<SimInstance, 'type' | 'zone' | 'market'> & { count: number }>();
  for (const { type, zone, market } of instances) {
    const key = `${type} ${zone} ${market}`;
    const count = (counts.get(key)?.count ?? 0) + 1;
    counts.set(key, { type, zone, market, count });
  }
  return counts.values();
}

export const instanceActions: Action[] = [
  action('RunInstances', {
    parameters: `MinCount MaxCount ClientToken SubnetId LaunchTemplate ${LAUNCH_PARAMETERS}`,
    run(input, { core, world }) {
      const { MinCount: min, MaxCount: max } = input;
      if (min === undefined || max === undefined)
        throw new ApiError('MissingParameter', 'MinCount and MaxCount are needed');
      if (min < 1 || max < min || max > 1000) {
        throw new ApiError('InvalidParameterValue', `Values (${min}, ${max}) for minCount and maxCount are invalid.`);
      }
      const instances = onceFor(world, 'RunInstances', input.ClientToken, input, () => {
        const merged = mergeTemplate(input, templateData(world, input.LaunchTemplate));
        return launch(core, checkLaunch(core, merged), min, max);
      });
      return viewReservations(world, instances)[0]!;
    },
  }),

  action('DescribeInstances', {
    parameters: 'InstanceIds MaxResults NextToken',
    filters: INSTANCE_FILTERS,
    run({ InstanceIds: ids, Filters, ...request }, { world }) {
      const from = ids?.length ? findAll(world, world.instances, ids, KINDS.instance) : world.instances.values();
      const found = select(world, from, INSTANCE_FILTERS, Filters);
      const { page, ...rest } = paginate(found, request, { ids: { name: 'instancesSet', given: ids } });
      return { Reservations: viewReservations(world, page), ...rest };
    },
  }),

  action('StartInstances', {
    parameters: 'InstanceIds',
    run({ InstanceIds }, { core, world }) {
      const instances = findAll(world, world.instances, InstanceIds, KINDS.instance);
      for (const instance of instances) {
        if (!['stopped', 'running', 'pending'].includes(instance.state)) throw wrongState(instance, 'started');
      }
      const starting = instances.filter(({ state }) => state === 'stopped');
      for (const { type, zone, market, count } of alike(starting)) {
        checkVcpus(core, type, market, count);
        if (world.capacity.room({ type, zone, market }, count) < count) throw noCapacity(type, zone);
      }
      return {
        StartingInstances: instances.map((instance) => {
          const before = instance.state;
          if (before === 'stopped') {
            world.capacity.take(instance, 1);
            power(core, instance);
          }
          return change(instance, before);
        }),
      };
    },
  }),

  action('StopInstances', {
    parameters: 'InstanceIds Hibernate Force SkipOsShutdown',
    run({ InstanceIds, Hibernate = false, Force = false }, { core, world }) {
      const instances = findAll(world, world.instances, InstanceIds, KINDS.instance);
      for (const instance of instances) {
        if (instance.state === 'terminated' || instance.state === 'shutting-down' || instance.state === 'pending') {
          throw wrongState(instance, 'stopped');
        }
        if (instance.protectedFromStop) {
          throw new ApiError(
            'OperationNotPermitted',
            `The instance '${instance.id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`,
          );
        }
        if (instance.market === 'spot' && instance.onInterruption === 'terminate') {
          throw new ApiError(
            'UnsupportedOperation',
            `You can't stop the Spot Instance '${instance.id}' because it is associated with a one-time Spot Instance request.`,
          );
        }
        if (Hibernate && !instance.hibernation) {
          throw new ApiError(
            'UnsupportedHibernationConfiguration',
            `The instance '${instance.id}' is not configured for hibernation.`,
          );
        }
      }
      return {
        StoppingInstances: instances.map((instance) => {
          const before = instance.state;
          if (before === 'running') stop(core, instance, { force: Force, hibernate: Hibernate, reason: USER });
          else if (before === 'stopping' && Force) stop(core, instance, { force: true, reason: USER });
          return change(instance, before);
        }),
      };
    },
  }),

  action('RebootInstances', {
    parameters: 'InstanceIds',
    run({ InstanceIds }, { core, world }) {
      const instances = findAll(world, world.instances, InstanceIds, KINDS.instance);
      for (const instance of instances) if (instance.state !== 'running') throw wrongState(instance, 'rebooted');
      for (const instance of instances) reboot(core, instance);
      return {};
    },
  }),

  action('TerminateInstances', {
    parameters: 'InstanceIds Force SkipOsShutdown',
    run({ InstanceIds }, { core, world }) {
      const instances = findAll(world, world.instances, InstanceIds, KINDS.instance);
      for (const instance of instances) {
        if (instance.protectedFromTermination) {
          throw new ApiError(
            'OperationNotPermitted',
            `The instance '${instance.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
          );
        }
      }
      return {
        TerminatingInstances: instances.map((instance) => {
          const before = instance.state;
          terminate(core, instance, USER);
          return change(instance, before);
        }),
      };
    },
  }),
];
