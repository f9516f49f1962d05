import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findVolume } from './volumes.ts';

/*
 * cloudJHub: the home was looked for as /dev/xvdf, which machines of today (Nitro: t3 and later) do not have, so its script
 * ended there and homes worked on old types only.
 */

const HOME = 'vol-0123456789abcdef0';
const OTHER = 'vol-0fedcba9876543210';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'atrium-disks-'));
});
afterEach(() => rm(root, { recursive: true }));

/** A disk as the kernel shows it, with the serial number that EBS gives it. */
async function disk(name: string, volume: string, { udev }: { udev: boolean }): Promise<void> {
  const serial = volume.replace('-', '');
  await mkdir(join(root, 'dev/disk/by-id'), { recursive: true });
  await writeFile(join(root, 'dev', name), '');
  if (udev)
    await symlink(join(root, 'dev', name), join(root, `dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${serial}`));
  await mkdir(join(root, 'sys/block', name, 'device'), { recursive: true });
  await writeFile(join(root, 'sys/block', name, 'device/serial'), `${serial}\n`);
}

test.each([true, false])(
  'a home is found by its volume whatever the disk is called (links of udev: %s)',
  async (udev) => {
    // The order in which Nitro machines number their disks changes from boot to boot.
    await disk('nvme0n1', OTHER, { udev });
    await disk('nvme1n1', HOME, { udev });

    expect(await findVolume(root, HOME)).toMatch(/\/dev\/nvme1n1$/);
    expect(await findVolume(root, OTHER)).toMatch(/\/dev\/nvme0n1$/);
  },
);

test('no other disk is taken for it, and its absence is no end', async () => {
  await disk('nvme0n1', OTHER, { udev: true });

  expect(await findVolume(root, HOME)).toBeUndefined();
});
