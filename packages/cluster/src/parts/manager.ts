import type { Instance } from '@aws-sdk/client-ec2';
import { codeOf, orGone } from '../aws/errors.ts';
import type { ClusterConfig } from '../config.ts';
import { idOf, type Look, notFound, ownerOf, type Part, type Probe, remember, type Scene } from '../engine/part.ts';
import { digest, ourPart, TAG, tagged, tagOf, tagsOf } from '../tags.ts';
import { baseImage } from './image.ts';
import { dataAttached, dataInUse, dataVolume, dataVolumeOf } from './manager-data.ts';
import { managerUserData } from './manager-user-data.ts';
import { address } from './routes.ts';
import { runOnce } from './run-once.ts';

const UBUNTU = (type: string) =>
  `/aws/service/canonical/ubuntu/server/24.04/stable/current/${isArm(type) ? 'arm64' : 'amd64'}/hvm/ebs-gp3/ami-id`;
/** `t4g`, `m7gd`, `c8gn`, `a1`: the g after the generation stands for AWS's own processors. */
export const isArm = (type: string): boolean => /^(a1|[a-z]+\d+g[a-z]*)\./.test(type) && !/^g\d/.test(type);

export const managerAddress = address('address', "the manager's address");

/** The machine with hub and proxy, its disk, its address, and that it answers. */
export function managerParts(config: ClusterConfig, zone: string | undefined): Part[] {
  return [dataVolume(config, zone), manager, addressJoined, dataAttached, health, dataInUse];
}

const ALIVE = ['pending', 'running', 'stopping', 'stopped', 'shutting-down'];

export async function managerOf(scene: Scene): Promise<Instance | undefined> {
  const ec2 = await scene.aws.ec2();
  const Filters = [...ourPart(ownerOf(scene), 'manager'), { Name: 'instance-state-name', Values: ALIVE }];
  const { Reservations = [] } = await ec2.describeInstances({ Filters });
  return Reservations.flatMap(({ Instances = [] }) => Instances).sort(
    (a, b) => Number(b.LaunchTime) - Number(a.LaunchTime),
  )[0];
}

/** What the manager is made of; another recipe means another machine. */
async function recipeOf(scene: Scene): Promise<{ userData: string; recipe: string; base: string }> {
  const { config } = scene;
  const userData = managerUserData(scene);
  const base = await baseImage(scene, UBUNTU(config.manager.type));
  return {
    userData,
    base,
    recipe: digest([config.manager.type, config.manager.diskGb, userData].join('\n')).slice(0, 12),
  };
}

const manager: Part = {
  part: 'manager',
  title: 'manager: hub and proxy',
  async look(scene): Promise<Look> {
    if (!scene.owner) return { state: 'absent' };
    const found = await managerOf(scene);
    if (!found) return notFound(scene, 'manager');
    const id = found.InstanceId!;
    const state = found.State?.Name;
    if (state === 'shutting-down') return { state: 'pending', id, note: 'the old one ends' };
    const volume = await dataVolumeOf(scene);
    const { recipe } = await recipeOf(scene);
    if (volume && tagOf(found, TAG.recipe) !== recipe) {
      return { state: 'differs', id, later: true, note: 'of another make; atrium cluster upgrade replaces it' };
    }
    if (state === 'stopped') return { state: 'differs', id, note: 'stopped' };
    return state === 'running' ? { state: 'same', id } : { state: 'pending', id, note: `${state}` };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    if (seen.state === 'differs') {
      if (seen.note === 'stopped') await ec2.startInstances({ InstanceIds: [seen.id] });
      else await ec2.terminateInstances({ InstanceIds: [seen.id] });
      return;
    }
    const owner = ownerOf(scene);
    const { userData, base, recipe } = await recipeOf(scene);
    const { config } = scene;
    const root = (await ec2.describeImages({ ImageIds: [base] })).Images?.[0]?.RootDeviceName ?? '/dev/sda1';
    const tags = tagsOf(owner, 'manager', 'manager', { [TAG.recipe]: recipe });
    const id = await runOnce(scene, ['manager', recipe, base], {
      ImageId: base,
      InstanceType: config.manager.type as never,
      SubnetId: idOf(scene, 'subnet-manager'),
      SecurityGroupIds: [idOf(scene, 'group-manager')],
      IamInstanceProfile: { Name: idOf(scene, 'profile') },
      UserData: Buffer.from(userData).toString('base64'),
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      InstanceInitiatedShutdownBehavior: 'stop',
      BlockDeviceMappings: [
        {
          DeviceName: root,
          Ebs: { VolumeSize: config.manager.diskGb, VolumeType: 'gp3', DeleteOnTermination: true, Encrypted: true },
        },
      ],
      TagSpecifications: [...tagged('instance', tags), ...tagged('volume', tagsOf(owner, 'manager-root', 'manager'))],
    }).catch(async (error: unknown) => {
      // A profile made moments ago is refused for some seconds; `make` is called again.
      if (codeOf(error) !== 'InvalidParameterValue' || !/instance profile/i.test((error as Error).message)) throw error;
      await scene.clock.sleep(3_000);
      return undefined;
    });
    if (id) remember(scene, 'manager', id);
  },
};

const addressJoined: Part = {
  part: 'address-joined',
  title: "the manager's address on the manager",
  async look(scene): Promise<Look> {
    const id = scene.ids.get('address');
    const machine = scene.ids.get('manager');
    if (!id || !machine) return { state: 'absent' };
    const ec2 = await scene.aws.ec2();
    const found = (await orGone(ec2.describeAddresses({ AllocationIds: [id] })))?.Addresses?.[0];
    return found?.InstanceId === machine ? { state: 'same', id: found.PublicIp! } : { state: 'absent' };
  },
  async make(scene) {
    const ec2 = await scene.aws.ec2();
    const AllocationId = idOf(scene, 'address');
    await ec2.associateAddress({ AllocationId, InstanceId: idOf(scene, 'manager'), AllowReassociation: true });
  },
};

/** Where the manager is asked whether it is well. */
export async function probeManager(scene: Scene): Promise<Awaited<ReturnType<Probe>>> {
  const allocation = scene.ids.get('address');
  if (!allocation) return { ok: false, reason: 'it has no address' };
  const ec2 = await scene.aws.ec2();
  const found = (await orGone(ec2.describeAddresses({ AllocationIds: [allocation] })))?.Addresses?.[0];
  if (!found?.PublicIp) return { ok: false, reason: 'it has no address' };
  const { domain } = scene.config.manager;
  return scene.probe({ address: found.PublicIp, ...(domain ? { serverName: domain } : {}) });
}

const health: Part = {
  part: 'health',
  title: 'the hub answers over HTTPS',
  patience: 1_200_000,
  async look(scene): Promise<Look> {
    const id = scene.ids.get('manager');
    if (!id || !scene.ids.has('address-joined')) return { state: 'absent' };
    const seen = await probeManager(scene);
    return seen.ok
      ? { state: 'same', id }
      : { state: 'pending', id, note: `the manager sets itself up (${seen.reason})` };
  },
  make: async () => {},
  async explain(scene) {
    const { Output } = await (await scene.aws.ec2()).getConsoleOutput({ InstanceId: idOf(scene, 'manager') });
    const text = Output ? Buffer.from(Output, 'base64').toString('utf8') : '';
    return `The end of what the manager wrote:\n${text.trimEnd().split('\n').slice(-15).join('\n') || '(nothing yet)'}`;
  },
};
