import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@atrium/sdk';
import { ifMissing, StartFault } from '../errors.ts';

const WAIT_MS = 90_000;
const LOOK_MS = 500;

/** Names start at `/`, so a folder can stand in for the machine's root. */
const BY_ID = 'dev/disk/by-id';

/**
 * Where a volume is, found by its serial number: Nitro machines name their disks in any order
 * (https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html). Undefined when it is not there (yet).
 */
export async function findVolume(root: string, volume: string): Promise<string | undefined> {
  const serial = volume.replace('-', '');
  const link = join(root, BY_ID, `nvme-Amazon_Elastic_Block_Store_${serial}`);
  const linked = await realpath(link).catch(ifMissing(undefined));
  if (linked !== undefined) return linked;
  // Images without the udev rule of Amazon Linux: the kernel knows the serial number itself.
  const block = join(root, 'sys/block');
  for (const name of await readdir(block).catch(ifMissing([] as string[]))) {
    if (!name.startsWith('nvme')) continue;
    const known = await readFile(join(block, name, 'device/serial'), 'utf8').catch(ifMissing(''));
    if (known.trim() === serial) return join(root, 'dev', name);
  }
  return undefined;
}

/** Waits until the volume is there; attaching takes seconds. @throws StartFault after a minute and a half. */
export async function waitForVolume(root: string, volume: string, clock: Clock): Promise<string> {
  for (const deadline = clock.now() + WAIT_MS; ; await clock.sleep(LOOK_MS)) {
    const found = await findVolume(root, volume);
    if (found !== undefined) return found;
    if (clock.now() >= deadline)
      throw new StartFault(
        'transient',
        'home_missing',
        `The disk with your files (${volume}) did not appear at the machine.`,
      );
  }
}
