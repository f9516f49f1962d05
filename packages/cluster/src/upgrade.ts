import { readable } from './aws/errors.ts';
import { ClusterError } from './config.ts';
import { ownerOf, type Scene } from './engine/part.ts';
import { snapshotHubData } from './manager/snapshot.ts';
import { removeImage } from './parts/image.ts';
import { type ClusterInput, openScene } from './scene.ts';
import { ourPart } from './tags.ts';
import { bring, type UpResult } from './up.ts';

/** How many images are kept: the one in use and the one before it. */
const KEPT_IMAGES = 2;

/**
 * A new image where the base or the recipe is newer, a new version of the template, a new manager on the same disk. People's
 * machines go on; each gets the new image at its next start, around its home.
 */
export async function upgradeCluster(input: ClusterInput): Promise<UpResult> {
  const scene = await openScene(input, true);
  if (!scene.owner) throw new ClusterError(`There is no cluster "${input.config.name}". First: atrium cluster up`);
  try {
    const copy = await snapshotHubData(scene, 'before an upgrade', 3_600_000);
    if (copy) scene.say(`copied the hub's disk (${copy})`);
    const result = await bring(scene, 'upgrade');
    await dropOldImages(scene);
    return result;
  } catch (error) {
    throw readable(error);
  }
}

async function dropOldImages(scene: Scene): Promise<void> {
  const ec2 = await scene.aws.ec2();
  const { Images = [] } = await ec2.describeImages({ Owners: ['self'], Filters: ourPart(ownerOf(scene), 'image') });
  const newestFirst = Images.sort((a, b) => `${b.CreationDate}`.localeCompare(`${a.CreationDate}`));
  for (const { ImageId } of newestFirst.slice(KEPT_IMAGES)) {
    if (ImageId === scene.ids.get('image')) continue;
    await removeImage(scene, ImageId!);
    scene.say(`removed the old image ${ImageId}`);
  }
}
