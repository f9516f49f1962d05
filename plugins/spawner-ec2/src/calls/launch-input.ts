import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { tagList } from './shapes.ts';
import type { Launch } from './types.ts';

/** The parameters of RunInstances: a pure function, because a repeated token must come with the very same ones. */
export function launchInput(launch: Launch): RunInstancesCommandInput {
  const tags = tagList(launch.tags);
  const withRoot = launch.rootDevice !== undefined && (launch.rootGb !== undefined || launch.hibernate);
  return {
    ClientToken: launch.token,
    MinCount: 1,
    MaxCount: launch.count ?? 1,
    InstanceType: launch.type as NonNullable<RunInstancesCommandInput['InstanceType']>,
    ...(launch.imageId && { ImageId: launch.imageId }),
    ...(launch.launchTemplate && {
      LaunchTemplate: { LaunchTemplateId: launch.launchTemplate.id, Version: launch.launchTemplate.version },
    }),
    ...networkOf(launch),
    ...(launch.market === 'spot' && {
      InstanceMarketOptions: {
        MarketType: 'spot',
        SpotOptions: { SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate' },
      },
    }),
    ...(launch.hibernate && { HibernationOptions: { Configured: true } }),
    ...(withRoot && {
      BlockDeviceMappings: [
        {
          DeviceName: launch.rootDevice!,
          Ebs: {
            ...(launch.rootGb !== undefined && { VolumeSize: launch.rootGb }),
            VolumeType: 'gp3' as const,
            DeleteOnTermination: true,
            // Hibernation writes memory to the root disk.
            Encrypted: true,
          },
        },
      ],
    }),
    ...(launch.instanceProfile && { IamInstanceProfile: { Arn: launch.instanceProfile } }),
    ...(launch.userData !== undefined && { UserData: Buffer.from(launch.userData).toString('base64') }),
    // A machine that turns itself off, because no hub answers, must come back with its disks.
    InstanceInitiatedShutdownBehavior: launch.market === 'spot' ? 'terminate' : 'stop',
    MetadataOptions: {
      HttpTokens: 'required',
      HttpPutResponseHopLimit: 1,
      HttpEndpoint: 'enabled',
      InstanceMetadataTags: 'enabled',
    },
    TagSpecifications: (['instance', 'volume', 'network-interface'] as const).map((ResourceType) => ({
      ResourceType,
      // Volumes made here are roots; a home is never made by a launch.
      Tags:
        ResourceType === 'volume'
          ? tags.map((tag) => (tag.Key === 'atrium:role' ? { ...tag, Value: 'root' } : tag))
          : tags,
    })),
  };
}

function networkOf(launch: Launch): Partial<RunInstancesCommandInput> {
  const groups = [...launch.securityGroups];
  if (launch.publicIp === undefined) {
    return { SubnetId: launch.subnetId, ...(groups.length > 0 && { SecurityGroupIds: groups }) };
  }
  return {
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId: launch.subnetId,
        AssociatePublicIpAddress: launch.publicIp,
        DeleteOnTermination: true,
        ...(groups.length > 0 && { Groups: groups }),
      },
    ],
  };
}
