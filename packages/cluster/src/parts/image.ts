import type { Instance } from '@aws-sdk/client-ec2';
import { codeOf, isThere, orGone } from '../aws/errors.ts';
import type { ClusterConfig } from '../config.ts';
import { ClusterError } from '../config.ts';
import { idOf, type Look, notFound, ownerOf, type Part, remember, type Scene } from '../engine/part.ts';
import { digest, ourPart, TAG, tagged, tagOf, tagsOf } from '../tags.ts';
import { imageRecipe } from './image-recipe.ts';
import { runOnce } from './run-once.ts';

/** Tag of an image: what it was made from. */
const BASE = 'atrium:base';
const ALIVE = ['pending', 'running', 'stopping', 'stopped'];

/** The image of people's machines: made on a builder from a recipe, and known by the recipe's hash. */
export function imageParts(config: ClusterConfig): Part[] {
  if ('id' in config.image) return [adopted(config.image.id)];
  return [builder, image, builderGone];
}

const adopted = (id: string): Part => ({
  part: 'image',
  title: `image ${id}`,
  async look({ aws }) {
    const found = (await orGone((await aws.ec2()).describeImages({ ImageIds: [id] })))?.Images?.[0];
    if (!found) return { state: 'blocked', note: `there is no image ${id} in this region` };
    return { state: 'same', id, adopted: true, note: `${found.Name}` };
  },
  make: async () => {},
});

/** What the recipe would give, without making it: the hash names the image. */
export async function recipeOf(scene: Scene): Promise<{ userData: string; base: string; hash: string }> {
  const { image: wanted, source } = scene.config;
  if ('id' in wanted) throw new Error('An image made by others has no recipe');
  const base = await baseImage(scene, wanted.base);
  const userData = imageRecipe({ ...wanted, source });
  // Without the base's id: a new one comes every other week, and would mean a new image at each `up`. `upgrade` takes it.
  return { userData, base, hash: digest(JSON.stringify([wanted.base, wanted.rootGb, userData])).slice(0, 12) };
}

/** The id of an image, or what a public parameter says is the newest. */
export async function baseImage(scene: Pick<Scene, 'aws'>, base: string): Promise<string> {
  if (!base.startsWith('/')) return base;
  const found = await orGone((await scene.aws.ssm()).getParameter({ Name: base }));
  const id = found?.Parameter?.Value;
  if (!id) throw new ClusterError(`The public parameter ${base} does not exist in this region.`);
  return id;
}

/** Images of the recipe as it is now, newest first; while upgrading, only those of the newest base. */
async function imagesOf(scene: Scene) {
  const ec2 = await scene.aws.ec2();
  const { hash, base } = await recipeOf(scene);
  const Filters = [
    ...ourPart(ownerOf(scene), 'image'),
    { Name: `tag:${TAG.recipe}`, Values: [hash] },
    ...(scene.upgrading ? [{ Name: `tag:${BASE}`, Values: [base] }] : []),
  ];
  const { Images = [] } = await ec2.describeImages({ Owners: ['self'], Filters });
  return Images.sort((one, other) => `${other.CreationDate}`.localeCompare(`${one.CreationDate}`));
}

async function builderOf(scene: Scene): Promise<Instance | undefined> {
  const ec2 = await scene.aws.ec2();
  const Filters = [...ourPart(ownerOf(scene), 'builder'), { Name: 'instance-state-name', Values: ALIVE }];
  const { Reservations = [] } = await ec2.describeInstances({ Filters });
  return Reservations.flatMap(({ Instances = [] }) => Instances)[0];
}

const builder: Part = {
  part: 'builder',
  title: 'machine that makes the image (for some minutes)',
  patience: 1_800_000,
  async look(scene): Promise<Look> {
    if (!scene.owner) return { state: 'absent' };
    const ready = (await imagesOf(scene)).find(({ State }) => State === 'available');
    if (ready) return { state: 'same', id: ready.ImageId!, note: 'not needed: the image is there' };
    const found = await builderOf(scene);
    if (!found) return notFound(scene, 'builder');
    const id = found.InstanceId!;
    const { hash, base } = await recipeOf(scene);
    if (tagOf(found, TAG.recipe) !== hash || tagOf(found, BASE) !== base)
      return { state: 'differs', id, note: 'of another recipe' };
    if (found.State?.Name === 'stopped') return { state: 'same', id };
    return { state: 'pending', id, note: `installs the software (${found.State?.Name})` };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    if (seen.state === 'differs') {
      await ec2.terminateInstances({ InstanceIds: [seen.id] });
      return;
    }
    const { image: wanted } = scene.config;
    if ('id' in wanted) return;
    const owner = ownerOf(scene);
    const { userData, base, hash } = await recipeOf(scene);
    const root = (await ec2.describeImages({ ImageIds: [base] })).Images?.[0]?.RootDeviceName ?? '/dev/sda1';
    const tags = tagsOf(owner, 'builder', 'builder', { [TAG.recipe]: hash, [BASE]: base });
    const id = await runOnce(scene, ['builder', hash, base], {
      ImageId: base,
      InstanceType: wanted.builderType as never,
      SubnetId: idOf(scene, 'subnet-manager'),
      SecurityGroupIds: [idOf(scene, 'group-worker')],
      UserData: Buffer.from(userData).toString('base64'),
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      InstanceInitiatedShutdownBehavior: 'stop',
      BlockDeviceMappings: [
        {
          DeviceName: root,
          Ebs: { VolumeSize: wanted.rootGb, VolumeType: 'gp3', DeleteOnTermination: true, Encrypted: true },
        },
      ],
      TagSpecifications: [...tagged('instance', tags), ...tagged('volume', tags)],
    });
    remember(scene, 'builder', id);
  },
  async explain(scene) {
    const id = scene.ids.get('builder');
    if (!id?.startsWith('i-')) return '';
    const { Output } = await (await scene.aws.ec2()).getConsoleOutput({ InstanceId: id });
    const text = Output ? Buffer.from(Output, 'base64').toString('utf8') : '';
    return `The end of what ${id} wrote:\n${text.trimEnd().split('\n').slice(-15).join('\n') || '(nothing yet)'}`;
  },
};

const image: Part = {
  part: 'image',
  title: "image of people's machines",
  patience: 1_800_000,
  async look(scene): Promise<Look> {
    if (!scene.owner) return { state: 'absent' };
    const [found] = await imagesOf(scene);
    if (!found) return notFound(scene, 'image');
    const id = found.ImageId!;
    if (found.State === 'available') return { state: 'same', id, note: `${found.Name}` };
    if (found.State === 'failed') return { state: 'differs', id, note: 'its making failed' };
    return { state: 'pending', id, note: 'the image is being made' };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    if (seen.state === 'differs') {
      await ec2.deregisterImage({ ImageId: seen.id });
      return;
    }
    const owner = ownerOf(scene);
    const { base, hash } = await recipeOf(scene);
    const Name = `atrium-${owner.name}-${hash}-${base.slice(-8)}`;
    const tags = tagsOf(owner, 'image', 'ami', { [TAG.recipe]: hash, [BASE]: base });
    try {
      const made = await ec2.createImage({
        InstanceId: idOf(scene, 'builder'),
        Name,
        Description: `Atrium ${owner.name}: machine of one person`,
        TagSpecifications: [...tagged('image', tags), ...tagged('snapshot', tags)],
      });
      remember(scene, 'image', made.ImageId);
    } catch (error) {
      if (!isThere(error) && codeOf(error) !== 'InvalidAMIName.Duplicate') throw error;
      const Filters = [{ Name: 'name', Values: [Name] }];
      const [same] = (await ec2.describeImages({ Owners: ['self'], Filters })).Images ?? [];
      if (same && tagOf(same, TAG.clusterId) !== owner.id) {
        throw new ClusterError(`The image ${same.ImageId} has the name ${same.Name}, and is not this cluster's.`);
      }
    }
  },
};

/** An image, and then its snapshots, which deregistering leaves. */
export async function removeImage(scene: Scene, id: string): Promise<void> {
  const ec2 = await scene.aws.ec2();
  const found = (await orGone(ec2.describeImages({ ImageIds: [id] })))?.Images?.[0];
  const snapshots = (found?.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
  await orGone(ec2.deregisterImage({ ImageId: id }));
  for (const SnapshotId of snapshots) await orGone(ec2.deleteSnapshot({ SnapshotId }));
}

const builderGone: Part = {
  part: 'builder-gone',
  title: 'end of the machine that made the image',
  async look(scene) {
    if (!scene.owner) return { state: 'same', id: '–' };
    const found = await builderOf(scene);
    return found ? { state: 'differs', id: found.InstanceId!, note: 'still there' } : { state: 'same', id: '–' };
  },
  async make(scene, seen) {
    if (seen.state === 'differs') await (await scene.aws.ec2()).terminateInstances({ InstanceIds: [seen.id] });
  },
};
