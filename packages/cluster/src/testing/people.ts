import { awsClients } from '../aws/clients.ts';
import { readOwner } from '../parts/identity.ts';
import type { ClusterRig } from './rig.ts';

async function tagsFor(rig: ClusterRig, role: string, user: string, more: Record<string, string> = {}) {
  const owner = await readOwner({ aws: awsClients(), config: rig.config });
  const tags = {
    'atrium:cluster': owner!.name,
    'atrium:cluster-id': owner!.id,
    'atrium:role': role,
    'atrium:user': user,
    'atrium:server': `server-of-${user}`,
    'atrium:storage': `home-${user}`,
    'atrium:gen': '1',
    ...more,
  };
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** A person's home and a copy of it, as the hub makes them. */
export async function homeIn(rig: ClusterRig, user: string): Promise<{ volume: string; snapshot: string }> {
  const ec2 = await awsClients().ec2();
  const { VolumeId } = await ec2.createVolume({
    AvailabilityZone: 'us-east-1a',
    VolumeType: 'gp3',
    Size: 10,
    Encrypted: true,
    TagSpecifications: [{ ResourceType: 'volume', Tags: await tagsFor(rig, 'home', user) }],
  });
  await rig.clock.sleep(10_000);
  const { SnapshotId } = await ec2.createSnapshot({
    VolumeId: VolumeId!,
    TagSpecifications: [{ ResourceType: 'snapshot', Tags: await tagsFor(rig, 'snapshot', user) }],
  });
  await rig.clock.sleep(120_000);
  return { volume: VolumeId!, snapshot: SnapshotId! };
}

/** A person's machine from the cluster's template, running. */
export async function machineIn(rig: ClusterRig, user: string, more: Record<string, string> = {}): Promise<string> {
  const ec2 = await awsClients().ec2();
  const subnet = [...rig.sim.world.subnets.values()].find((one) => one.tags.get('atrium:part') === 'subnet-1')!;
  const template = [...rig.sim.world.templates.values()][0]!;
  const tags = await tagsFor(rig, 'worker', user, more);
  const { Instances = [] } = await ec2.runInstances({
    LaunchTemplate: { LaunchTemplateId: template.id },
    SubnetId: subnet.id,
    MinCount: 1,
    MaxCount: 1,
    TagSpecifications: [
      { ResourceType: 'instance', Tags: tags },
      { ResourceType: 'volume', Tags: tags },
    ],
  });
  await rig.clock.sleep(30_000);
  return Instances[0]!.InstanceId!;
}
