import type { Instance, Reservation } from '@aws-sdk/client-ec2';
import { type SimInstance, seenTags, tagList, type World } from '../world.ts';
import type { FilterTable } from './filters.ts';
import { STATE_CODES } from './lifecycle.ts';

/** An instance as DescribeInstances shows it. */
export function viewInstance(world: World, instance: SimInstance): Instance {
  const { id, state, metadata } = instance;
  const alive = state !== 'terminated';
  const groups = instance.groups.map((GroupId) => ({ GroupId, GroupName: world.groups.get(GroupId)?.name ?? GroupId }));
  return {
    InstanceId: id,
    ImageId: instance.imageId,
    InstanceType: instance.type as Instance['InstanceType'] & string,
    State: { Code: STATE_CODES[state], Name: state },
    StateTransitionReason: instance.transitionReason,
    ...(instance.stateReason
      ? { StateReason: { Code: instance.stateReason.code, Message: instance.stateReason.message } }
      : {}),
    ...(instance.keyName ? { KeyName: instance.keyName } : {}),
    AmiLaunchIndex: 0,
    LaunchTime: new Date(instance.launchedAt),
    Placement: { AvailabilityZone: instance.zone, GroupName: '', Tenancy: 'default' },
    Monitoring: { State: instance.monitoring ? 'enabled' : 'disabled' },
    Architecture: instance.architecture as 'x86_64',
    RootDeviceType: 'ebs',
    RootDeviceName: instance.rootDevice,
    VirtualizationType: 'hvm',
    Hypervisor: 'xen',
    EnaSupport: true,
    EbsOptimized: instance.ebsOptimized,
    PlatformDetails: 'Linux/UNIX',
    ...(instance.clientToken ? { ClientToken: instance.clientToken } : {}),
    ...(instance.market === 'spot'
      ? { InstanceLifecycle: 'spot' as const, SpotInstanceRequestId: instance.spotRequestId }
      : {}),
    ...(instance.profile ? { IamInstanceProfile: { Arn: instance.profile.arn, Id: instance.profile.id } } : {}),
    HibernationOptions: { Configured: instance.hibernation },
    MetadataOptions: {
      State: 'applied',
      HttpTokens: metadata.httpTokens as 'required',
      HttpEndpoint: metadata.httpEndpoint as 'enabled',
      HttpPutResponseHopLimit: metadata.hopLimit,
      InstanceMetadataTags: metadata.tags as 'enabled',
      HttpProtocolIpv6: metadata.ipv6 as 'disabled',
    },
    Tags: tagList(world, instance),
    BlockDeviceMappings: viewDevices(world, instance),
    ...(alive
      ? {
          SubnetId: instance.subnetId,
          VpcId: instance.vpcId,
          PrivateIpAddress: instance.privateIp,
          PrivateDnsName: `ip-${instance.privateIp.replaceAll('.', '-')}.ec2.internal`,
          PublicDnsName: '',
          ...(instance.publicIp ? { PublicIpAddress: instance.publicIp } : {}),
          SourceDestCheck: true,
          SecurityGroups: groups,
          NetworkInterfaces: instance.interfaceIds.map((NetworkInterfaceId, n) => ({
            NetworkInterfaceId,
            SubnetId: instance.subnetId,
            VpcId: instance.vpcId,
            PrivateIpAddress: instance.privateIp,
            Status: 'in-use' as const,
            Groups: groups,
            OwnerId: world.accountId,
            Attachment: { DeviceIndex: n, Status: 'attached' as const, DeleteOnTermination: true },
          })),
        }
      : {}),
  };
}

function viewDevices(world: World, instance: SimInstance) {
  return [...instance.devices].flatMap(([DeviceName, VolumeId]) => {
    const attachment = world.volumes.get(VolumeId)?.attachment;
    if (!attachment) return [];
    return {
      DeviceName,
      Ebs: {
        VolumeId,
        Status: (attachment.state === 'busy' ? 'detaching' : attachment.state) as 'attached',
        AttachTime: new Date(attachment.at),
        DeleteOnTermination: attachment.deleteOnTermination,
      },
    };
  });
}

/** Instances by reservation, as the wire has them. */
export function viewReservations(world: World, instances: readonly SimInstance[]): Reservation[] {
  const groups = new Map<string, SimInstance[]>();
  for (const instance of instances) {
    const members = groups.get(instance.reservationId);
    if (members) members.push(instance);
    else groups.set(instance.reservationId, [instance]);
  }
  return [...groups].map(([ReservationId, members]) => ({
    ReservationId,
    OwnerId: world.accountId,
    Groups: [],
    Instances: members.map((one) => viewInstance(world, one)),
  }));
}

/** Filters of DescribeInstances that are simulated. */
export const INSTANCE_FILTERS: FilterTable<SimInstance> = {
  architecture: (i) => i.architecture,
  'availability-zone': (i) => i.zone,
  'block-device-mapping.volume-id': (i) => [...i.devices.values()],
  'block-device-mapping.device-name': (i) => [...i.devices.keys()],
  'client-token': (i) => i.clientToken,
  'hibernation-options.configured': (i) => i.hibernation,
  'iam-instance-profile.arn': (i) => i.profile?.arn,
  'iam-instance-profile.id': (i) => i.profile?.id,
  'image-id': (i) => i.imageId,
  'instance-id': (i) => i.id,
  'instance-lifecycle': (i) => (i.market === 'spot' ? 'spot' : undefined),
  'instance-state-code': (i) => STATE_CODES[i.state],
  'instance-state-name': (i) => i.state,
  'instance-type': (i) => i.type,
  'instance.group-id': (i) => i.groups,
  'ip-address': (i) => i.publicIp,
  'key-name': (i) => i.keyName,
  'launch-time': (i) => new Date(i.launchedAt).toISOString(),
  'metadata-options.http-endpoint': (i) => i.metadata.httpEndpoint,
  'metadata-options.http-put-response-hop-limit': (i) => i.metadata.hopLimit,
  'metadata-options.http-tokens': (i) => i.metadata.httpTokens,
  'metadata-options.instance-metadata-tags': (i) => i.metadata.tags,
  'network-interface.group-id': (i) => i.groups,
  'network-interface.network-interface-id': (i) => i.interfaceIds,
  'network-interface.subnet-id': (i) => i.subnetId,
  'network-interface.vpc-id': (i) => i.vpcId,
  'network-interface.addresses.private-ip-address': (i) => i.privateIp,
  'private-ip-address': (i) => i.privateIp,
  'reservation-id': (i) => i.reservationId,
  'root-device-name': (i) => i.rootDevice,
  'spot-instance-request-id': (i) => i.spotRequestId,
  'state-reason-code': (i) => i.stateReason?.code,
  'subnet-id': (i) => i.subnetId,
  'tag-value': (i, world) => [...seenTags(world, i).values()],
  'vpc-id': (i) => i.vpcId,
};
