import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '@atrium/sdk';
import type { Volume } from '@aws-sdk/client-ec2';
import type { Aws } from '../aws/clients.ts';
import { ClusterError } from '../config.ts';
import { TAG, tagOf } from '../tags.ts';
import { linkFolderDisk } from './folder-disk.ts';

const run = promisify(execFile);
const AT = '/var/lib/atrium';
const BY_ID = '/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_';
const PATIENCE_MS = 600_000;
const PAUSE_MS = 3_000;

interface DiskInput {
  cluster: string;
  instanceId: string;
  aws: Aws;
  clock: Clock;
  say: (text: string) => void;
  /** All paths are below it; `/` on a real manager. */
  root: string;
}

/**
 * Mounts the hub's disk, once it is attached. It becomes a file system only when it is blank and its tag says that it was
 * never used: a disk that cannot be read for a moment is not a blank one.
 */
export async function mountHubDisk(input: DiskInput): Promise<void> {
  if (isMounted(input.root)) return;
  const { volume, device } = await waitForDisk(input);
  if (statSync(device).isDirectory()) {
    const { isBlank } = linkFolderDisk(device, join(input.root, AT));
    if (isBlank && tagOf(volume, 'atrium:fresh') !== 'yes') throw carriedAHub(volume);
    return;
  }
  const kind = await run('blkid', ['-p', '-s', 'TYPE', '-o', 'value', device]).then(
    ({ stdout }) => stdout.trim(),
    (error: { code?: number }) => {
      // 2 is blkid's "nothing there"; everything else is "could not tell".
      if (error.code === 2) return '';
      throw new ClusterError(`What is on ${device} could not be read.`, { cause: error });
    },
  );
  if (kind === '') {
    if (tagOf(volume, 'atrium:fresh') !== 'yes') {
      throw carriedAHub(volume);
    }
    input.say(`making a file system on ${volume.VolumeId}`);
    await run('mkfs.xfs', ['-q', device]);
  }
  await mkdir(AT, { recursive: true });
  await run('mount', ['-o', 'noatime', device, AT]);
  // Grown by `atrium cluster up`: the file system follows.
  if (kind === '' || kind === 'xfs') await run('xfs_growfs', [AT]);
}

function isMounted(root: string): boolean {
  if (root !== '/') return lstatSync(join(root, AT), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines.some((line) => line.split(' ')[1] === AT);
}

const carriedAHub = ({ VolumeId }: Volume) =>
  new ClusterError(`${VolumeId} looks blank, but carried a hub before. It is left alone; see the runbook.`);

/** The attached disk and its device: names of devices are reordered, the serial number is the volume's id. */
async function waitForDisk({
  cluster,
  instanceId,
  aws,
  clock,
  say,
  root,
}: DiskInput): Promise<{ volume: Volume; device: string }> {
  const ec2 = await aws.ec2();
  const Filters = [
    { Name: `tag:${TAG.cluster}`, Values: [cluster] },
    { Name: `tag:${TAG.part}`, Values: ['manager-data'] },
    { Name: 'attachment.instance-id', Values: [instanceId] },
  ];
  const deadline = clock.now() + PATIENCE_MS;
  let told = false;
  for (;;) {
    const [volume] = (await ec2.describeVolumes({ Filters })).Volumes ?? [];
    const link = join(root, BY_ID + volume?.VolumeId?.replace('-', ''));
    if (volume && existsSync(link)) return { volume, device: realpathSync(link) };
    if (clock.now() > deadline) throw new ClusterError("The hub's disk is not attached after ten minutes.");
    if (!told) say("waiting for the hub's disk");
    told = true;
    await clock.sleep(PAUSE_MS);
  }
}
