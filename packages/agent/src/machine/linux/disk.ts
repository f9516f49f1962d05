import { open } from 'node:fs/promises';
import { StartFault } from '../../errors.ts';
import { run, tryRun } from '../run.ts';

/** Type of the file system on a device; undefined when blkid finds nothing on a device that can be read. */
export async function fileSystemOf(device: string): Promise<string | undefined> {
  await readStart(device);
  // `-p`: looks at the device itself, never at a cache. 2: found nothing; the read above excludes "could not read".
  const { code, out, err } = await tryRun(['blkid', '-p', '-o', 'export', device]);
  if (code === 2 && !out.trim()) return undefined;
  const type = /^TYPE=(.+)$/m.exec(out)?.[1];
  if (code === 0 && type) return type;
  // A partition table, or two signatures at once: something is there, and it is not ours to overwrite.
  throw new StartFault(
    'config',
    'home_unreadable',
    `The disk ${device} holds something that is not a file system. ${err.trim()}`.trim(),
  );
}

async function readStart(device: string): Promise<void> {
  const handle = await open(device, 'r').catch((cause) => {
    throw new StartFault('transient', 'home_unreadable', `The disk ${device} could not be opened.`, { cause });
  });
  try {
    await handle.read(Buffer.alloc(4096), 0, 4096, 0);
  } catch (cause) {
    throw new StartFault('transient', 'home_unreadable', `The disk ${device} could not be read.`, { cause });
  } finally {
    await handle.close();
  }
}

/** Makes a file system only where there is none and the hub says that there never was one. Answers whether it did. */
export async function formatIfFresh(device: string, fresh: boolean): Promise<boolean> {
  if ((await fileSystemOf(device)) !== undefined) return false;
  if (!fresh)
    throw new StartFault(
      'config',
      'home_blank',
      'The disk with your files looks empty, but it was used before. Nothing was changed; an administrator must look at it.',
    );
  await run(['mkfs.ext4', '-q', '-L', 'atrium-home', '-m', '1', device]);
  return true;
}

/** Online; a file system that fills its device already is left as it is. */
export async function grow(device: string, mountPoint: string): Promise<void> {
  const type = await fileSystemOf(device);
  if (type === 'ext4' || type === 'ext3' || type === 'ext2') await run(['resize2fs', device]);
  else if (type === 'xfs') await run(['xfs_growfs', mountPoint]);
  else if (type === 'btrfs') await run(['btrfs', 'filesystem', 'resize', 'max', mountPoint]);
}

/** Source of what is mounted at a folder; undefined when nothing is. */
export async function mountedAt(folder: string): Promise<string | undefined> {
  const { code, out } = await tryRun(['findmnt', '-n', '-o', 'SOURCE', '--mountpoint', folder]);
  return code === 0 ? out.trim() : undefined;
}

/**
 * Mounts by device, which was found by its serial number. A UUID would not do: a disk made from a snapshot carries the
 * UUID of the disk it was made from, and both may be here.
 */
export async function mount(device: string, folder: string, options: string): Promise<void> {
  const there = await mountedAt(folder);
  if (there === device) return;
  if (there !== undefined)
    throw new StartFault('config', 'home_taken', `Another disk (${there}) is mounted at ${folder}.`);
  await run(['mount', '-o', options, device, folder]);
}
