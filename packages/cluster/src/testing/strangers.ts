import { awsClients } from '../aws/clients.ts';
import { TRUST_EC2 } from '../policies/manager.ts';
import type { ClusterRig } from './rig.ts';

/**
 * Things of others in the account: a network with a machine and disks, and things of another cluster of the same name,
 * which is gone but for them. Nothing of it is ours to touch.
 */
export async function strangersIn(rig: ClusterRig): Promise<{ instance: string; home: string }> {
  const aws = awsClients();
  const ec2 = await aws.ec2();
  const iam = await aws.iam();
  const tags = (...pairs: [string, string][]) => pairs.map(([Key, Value]) => ({ Key, Value }));
  const other = tags(['Name', 'somebody else'], ['atrium:cluster-id', 'another-cluster']);
  const { Vpc } = await ec2.createVpc({
    CidrBlock: '10.77.0.0/16',
    TagSpecifications: [{ ResourceType: 'vpc', Tags: other }],
  });
  const VpcId = Vpc!.VpcId!;
  await rig.clock.sleep(3_000);
  const { Subnet } = await ec2.createSubnet({ VpcId, CidrBlock: '10.77.1.0/24' });
  const { InternetGateway } = await ec2.createInternetGateway({});
  await rig.clock.sleep(3_000);
  await ec2.attachInternetGateway({ VpcId, InternetGatewayId: InternetGateway!.InternetGatewayId! });
  const { GroupId } = await ec2.createSecurityGroup({
    VpcId,
    GroupName: 'atrium-class-group-manager',
    Description: 'x',
  });
  const image = [...rig.sim.world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id;
  await rig.clock.sleep(3_000);
  const { Instances } = await ec2.runInstances({
    ImageId: image,
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    SubnetId: Subnet!.SubnetId!,
    SecurityGroupIds: [GroupId!],
    TagSpecifications: [
      { ResourceType: 'instance', Tags: tags(['Name', 'atrium-class-manager'], ['atrium:role', 'worker']) },
    ],
  });
  const AvailabilityZone = Subnet!.AvailabilityZone!;
  const disk = { AvailabilityZone, VolumeType: 'gp3', Size: 8 } as const;
  await ec2.createVolume(disk);
  const { VolumeId } = await ec2.createVolume({
    ...disk,
    TagSpecifications: [{ ResourceType: 'volume', Tags: [...other, ...tags(['atrium:role', 'home'])] }],
  });
  await rig.clock.sleep(10_000);
  await ec2.createSnapshot({ VolumeId: VolumeId! });
  await ec2.allocateAddress({ Domain: 'vpc' });
  await iam.createRole({
    RoleName: 'atrium-other-manager',
    AssumeRolePolicyDocument: JSON.stringify(TRUST_EC2),
  });
  await (await aws.ssm()).putParameter({
    Name: '/atrium/class2/cluster',
    Value: '{"id":"another-cluster"}',
    Type: 'String',
  });
  await rig.clock.sleep(300_000);
  return { instance: Instances![0]!.InstanceId!, home: VolumeId! };
}
