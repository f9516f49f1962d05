import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Ec2Sim } from '../sim.ts';
import { newResource, type SimImage, type SimSnapshot } from '../world.ts';

export interface ImageWish {
  name: string;
  tags?: Readonly<Record<string, string>>;
  /** Default x86_64. */
  architecture?: string;
  sizeGb?: number;
}

/**
 * An image of the account whose root disk holds what `fill` writes into an empty folder, as if it had been made from a
 * machine long ago. Answers its id.
 */
export async function addImage(
  { world }: Pick<Ec2Sim, 'world'>,
  { name, tags = {}, architecture = 'x86_64', sizeGb = 8 }: ImageWish,
  fill: (root: string) => Promise<void> | void,
): Promise<string> {
  const snapshot: SimSnapshot = {
    ...newResource(world, 'snap', Object.entries(tags)),
    volumeId: 'vol-ffffffff',
    sizeGb,
    fullBytes: sizeGb * 2 ** 30,
    billedBytes: sizeGb * 2 ** 30,
    state: 'completed',
    progress: 100,
    encrypted: false,
    description: name,
    tier: 'standard',
    completedAt: world.clock.now(),
  };
  const root = join(world.dir, 'snapshots', snapshot.id);
  mkdirSync(root, { recursive: true });
  await fill(root);
  world.snapshots.set(snapshot.id, snapshot);
  const image: SimImage = {
    ...newResource(world, 'ami', Object.entries(tags)),
    name,
    description: name,
    ownerId: world.accountId,
    state: 'available',
    architecture,
    rootDevice: '/dev/sda1',
    devices: [
      {
        device: '/dev/sda1',
        snapshotId: snapshot.id,
        sizeGb,
        type: 'gp3',
        deleteOnTermination: true,
        encrypted: false,
      },
    ],
    public: false,
  };
  world.images.set(image.id, image);
  return image.id;
}
