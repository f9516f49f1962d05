import type { InstanceStatus } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import type { SimInstance, World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { find, findAll, KINDS } from './find.ts';
import { typeFacts, zonesOffering } from './instance-types.ts';
import { checkUserData } from './launch-spec.ts';
import { STATE_CODES } from './lifecycle.ts';
import { paginate } from './paging.ts';

/** Checks pass two minutes after the launch; before that they are being made. */
function checks(world: World, instance: SimInstance): 'ok' | 'impaired' | 'initializing' {
  if (instance.impaired) return 'impaired';
  return world.clock.now() - instance.launchedAt < 120_000 ? 'initializing' : 'ok';
}

function viewStatus(world: World, instance: SimInstance): InstanceStatus {
  const running = instance.state === 'running';
  const status = running ? checks(world, instance) : 'not-applicable';
  const detail = { ok: 'passed', impaired: 'failed', initializing: 'initializing', 'not-applicable': undefined }[
    status
  ];
  const summary = (Status: typeof status) => ({
    Status,
    Details: detail ? [{ Name: 'reachability' as const, Status: detail as 'passed' }] : [],
  });
  return {
    InstanceId: instance.id,
    AvailabilityZone: instance.zone,
    InstanceState: { Code: STATE_CODES[instance.state], Name: instance.state },
    InstanceStatus: summary(status),
    SystemStatus: summary(status === 'impaired' ? 'ok' : status),
    Events: [],
  };
}

const STATUS_FILTERS: FilterTable<SimInstance> = {
  'availability-zone': (i) => i.zone,
  'instance-state-code': (i) => STATE_CODES[i.state],
  'instance-state-name': (i) => i.state,
  'instance-status.status': (i, world) => viewStatus(world, i).InstanceStatus?.Status,
  'system-status.status': (i, world) => viewStatus(world, i).SystemStatus?.Status,
};

export const moreInstanceActions: Action[] = [
  action('DescribeInstanceStatus', {
    parameters: 'InstanceIds IncludeAllInstances MaxResults NextToken',
    filters: STATUS_FILTERS,
    run({ InstanceIds: ids, IncludeAllInstances = false, Filters, ...request }, { world }) {
      for (const { Name } of Filters ?? []) {
        if (Name?.startsWith('tag')) throw new ApiError('InvalidParameterValue', `The filter '${Name}' is invalid`);
      }
      if ((ids?.length ?? 0) > 100)
        throw new ApiError('InvalidParameterValue', 'The maximum number of instance ids is 100');
      const from = ids?.length ? findAll(world, world.instances, ids, KINDS.instance) : world.instances.values();
      const found = select(world, from, STATUS_FILTERS, Filters).filter(
        (i) => IncludeAllInstances || i.state === 'running',
      );
      const { page, ...rest } = paginate(found, request, { ids: { name: 'instancesSet', given: ids } });
      return { InstanceStatuses: page.map((instance) => viewStatus(world, instance)), ...rest };
    },
  }),

  action('GetConsoleOutput', {
    parameters: 'InstanceId Latest',
    run({ InstanceId }, { world }) {
      const instance = find(world, world.instances, InstanceId, KINDS.instance);
      const text = Buffer.from(`${instance.console.join('\n')}\n`).subarray(-65_536);
      return {
        InstanceId: instance.id,
        Timestamp: new Date(world.clock.now()),
        ...(instance.console.length > 0 ? { Output: text.toString('base64') } : {}),
      };
    },
  }),

  action('ModifyInstanceAttribute', {
    parameters: `InstanceId InstanceType UserData Groups InstanceInitiatedShutdownBehavior DisableApiTermination DisableApiStop
      BlockDeviceMappings.DeviceName BlockDeviceMappings.Ebs.DeleteOnTermination BlockDeviceMappings.Ebs.VolumeId EbsOptimized
      SourceDestCheck`,
    run(input, { world }) {
      const instance = find(world, world.instances, input.InstanceId, KINDS.instance);
      const stopped = (what: string) => {
        if (instance.state === 'stopped') return;
        throw new ApiError(
          'IncorrectInstanceState',
          `The instance '${instance.id}' is not in the 'stopped' state: ${what} cannot be changed.`,
        );
      };
      const type = input.InstanceType?.Value;
      if (type !== undefined) changeType(world, instance, type, stopped);
      if (input.UserData) {
        stopped('userData');
        const text = Buffer.from(input.UserData.Value ?? []).toString('base64');
        checkUserData(text);
        instance.userData = text;
      }
      if (input.Groups) {
        findAll(world, world.groups, input.Groups, KINDS.group);
        instance.groups = [...input.Groups];
        for (const id of instance.interfaceIds) world.interfaces.get(id)!.groups = [...input.Groups];
      }
      const behaviour = input.InstanceInitiatedShutdownBehavior?.Value;
      if (behaviour !== undefined) {
        if (behaviour !== 'stop' && behaviour !== 'terminate') {
          throw new ApiError(
            'InvalidParameterValue',
            `Value (${behaviour}) for parameter instanceInitiatedShutdownBehavior is invalid.`,
          );
        }
        instance.onShutdown = behaviour;
      }
      if (input.DisableApiTermination) instance.protectedFromTermination = input.DisableApiTermination.Value ?? false;
      if (input.DisableApiStop) instance.protectedFromStop = input.DisableApiStop.Value ?? false;
      if (input.EbsOptimized) instance.ebsOptimized = input.EbsOptimized.Value ?? false;
      for (const { DeviceName = '', Ebs } of input.BlockDeviceMappings ?? []) {
        const attachment = world.volumes.get(instance.devices.get(DeviceName) ?? '')?.attachment;
        if (!attachment) {
          throw new ApiError('InvalidInstanceAttributeValue', `No device is currently mapped at ${DeviceName}`);
        }
        attachment.deleteOnTermination = Ebs?.DeleteOnTermination ?? attachment.deleteOnTermination;
      }
      return {};
    },
  }),

  action('ModifyInstanceMetadataOptions', {
    parameters: 'InstanceId HttpTokens HttpEndpoint HttpPutResponseHopLimit InstanceMetadataTags HttpProtocolIpv6',
    run(input, { world }) {
      const instance = find(world, world.instances, input.InstanceId, KINDS.instance);
      const { metadata } = instance;
      metadata.httpTokens = input.HttpTokens ?? metadata.httpTokens;
      metadata.httpEndpoint = input.HttpEndpoint ?? metadata.httpEndpoint;
      metadata.hopLimit = input.HttpPutResponseHopLimit ?? metadata.hopLimit;
      metadata.tags = input.InstanceMetadataTags ?? metadata.tags;
      return {
        InstanceId: instance.id,
        InstanceMetadataOptions: {
          State: 'pending' as const,
          HttpTokens: metadata.httpTokens as 'required',
          HttpEndpoint: metadata.httpEndpoint as 'enabled',
          HttpPutResponseHopLimit: metadata.hopLimit,
          InstanceMetadataTags: metadata.tags as 'enabled',
        },
      };
    },
  }),

  action('DescribeInstanceAttribute', {
    parameters: 'InstanceId Attribute',
    run({ InstanceId, Attribute }, { core, world, caller }) {
      const instance = find(world, world.instances, InstanceId, KINDS.instance);
      const values: Record<string, object> = {
        instanceType: { InstanceType: { Value: instance.type } },
        userData: { UserData: instance.userData ? { Value: instance.userData } : {} },
        instanceInitiatedShutdownBehavior: { InstanceInitiatedShutdownBehavior: { Value: instance.onShutdown } },
        disableApiTermination: { DisableApiTermination: { Value: instance.protectedFromTermination } },
        disableApiStop: { DisableApiStop: { Value: instance.protectedFromStop } },
        rootDeviceName: { RootDeviceName: { Value: instance.rootDevice } },
        groupSet: { Groups: instance.groups.map((GroupId) => ({ GroupId })) },
      };
      const value = values[Attribute ?? ''];
      if (!value) {
        core.violate({
          kind: 'value',
          caller: caller.name,
          action: 'DescribeInstanceAttribute',
          message: `attribute ${Attribute}`,
        });
        throw new ApiError('InvalidParameterValue', `Value (${Attribute}) for parameter attribute is invalid.`);
      }
      return { InstanceId: instance.id, ...value };
    },
  }),
];

function changeType(world: World, instance: SimInstance, type: string, stopped: (what: string) => void): void {
  stopped('instanceType');
  const facts = typeFacts(type);
  if (!facts) throw new ApiError('InvalidInstanceAttributeValue', `Invalid value '${type}' for InstanceType.`);
  if (!facts.arch.includes(instance.architecture as 'x86_64')) {
    throw new ApiError(
      'InvalidParameterValue',
      `The architecture of ${type} does not match that of the instance's image.`,
    );
  }
  if (instance.hibernated || instance.hibernation) {
    throw new ApiError(
      'OperationNotPermitted',
      `The type of '${instance.id}' cannot be changed: hibernation is enabled.`,
    );
  }
  if (!zonesOffering(type, world.zones).includes(instance.zone)) {
    throw new ApiError('Unsupported', `The instance type ${type} is not supported in ${instance.zone}.`);
  }
  instance.type = type;
}
