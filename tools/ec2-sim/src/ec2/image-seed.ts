import { newResource, type SimImage, type World } from '../world.ts';

const CANONICAL = '099720109477';

/** Public images and the SSM parameters that name the newest of them. */
const PUBLIC = [
  {
    owner: CANONICAL,
    name: 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261015',
    arch: 'x86_64',
    root: '/dev/sda1',
    alias: ['/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id'],
  },
  {
    owner: CANONICAL,
    name: 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20261015',
    arch: 'arm64',
    root: '/dev/sda1',
    alias: ['/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id'],
  },
  {
    owner: 'amazon',
    name: 'al2023-ami-2023.9.20261012.0-kernel-6.12-x86_64',
    arch: 'x86_64',
    root: '/dev/xvda',
    alias: ['/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64'],
  },
  {
    owner: 'amazon',
    name: 'al2023-ami-2023.9.20261012.0-kernel-6.12-arm64',
    arch: 'arm64',
    root: '/dev/xvda',
    alias: ['/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64'],
  },
  {
    owner: '136693071363',
    name: 'debian-13-amd64-20261006-2257',
    arch: 'x86_64',
    root: '/dev/xvda',
    alias: ['/aws/service/debian/release/13/latest/amd64'],
  },
  {
    owner: '136693071363',
    name: 'debian-13-arm64-20261006-2257',
    arch: 'arm64',
    root: '/dev/xvda',
    alias: ['/aws/service/debian/release/13/latest/arm64'],
  },
];

export function seedImages(world: World): void {
  for (const { owner, name, arch, root, alias } of PUBLIC) {
    const image: SimImage = {
      ...newResource(world, 'ami'),
      name,
      description: name,
      ownerId: owner === 'amazon' ? '137112412989' : owner,
      ...(owner === 'amazon' ? { ownerAlias: 'amazon' } : {}),
      state: 'available',
      architecture: arch,
      rootDevice: root,
      devices: [{ device: root, sizeGb: 8, type: 'gp3', deleteOnTermination: true, encrypted: false }],
      public: true,
    };
    world.images.set(image.id, image);
    for (const parameter of alias) world.imageAliases.set(parameter, image.id);
  }
}
