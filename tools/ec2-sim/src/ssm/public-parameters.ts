/** Public parameters that name AWS's and the distributions' newest images, with the image ids the simulator registers for them. */
export const PUBLIC_IMAGES = [
  {
    parameter: '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64',
    imageId: 'ami-0a1000000000a1023',
    architecture: 'x86_64',
    name: 'al2023-ami-2023.9.20261109.0-kernel-6.1-x86_64',
  },
  {
    parameter: '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64',
    imageId: 'ami-0a1000000000b1023',
    architecture: 'arm64',
    name: 'al2023-ami-2023.9.20261109.0-kernel-6.1-arm64',
  },
  {
    parameter: '/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id',
    imageId: 'ami-0a2000000000a2404',
    architecture: 'x86_64',
    name: 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261112',
  },
  {
    parameter: '/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id',
    imageId: 'ami-0a2000000000b2404',
    architecture: 'arm64',
    name: 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20261112',
  },
  {
    parameter: '/aws/service/debian/release/13/latest/amd64',
    imageId: 'ami-0a3000000000a0013',
    architecture: 'x86_64',
    name: 'debian-13-amd64-20261110-2290',
  },
  {
    parameter: '/aws/service/debian/release/13/latest/arm64',
    imageId: 'ami-0a3000000000b0013',
    architecture: 'arm64',
    name: 'debian-13-arm64-20261110-2290',
  },
  {
    parameter: '/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id',
    imageId: 'ami-0a4000000000a2404',
    architecture: 'x86_64',
    name: 'Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20261107',
  },
] as const;
