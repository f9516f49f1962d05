import { randomUUID } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { SimMachine } from '../runner.ts';

const BY_ID = 'dev/disk/by-id';
const LINK = 'nvme-Amazon_Elastic_Block_Store_';

/** Makes a folder look like a machine that has just booted at `now`: empty memory file systems, a new boot id. */
export function prepareRoot(root: string, now: number): void {
  for (const dir of ['run', 'dev', 'tmp', 'proc']) rmSync(join(root, dir), { recursive: true, force: true });
  for (const dir of ['etc', 'home', 'root', 'tmp', 'var/lib', 'var/log', 'opt', 'run/atrium', BY_ID])
    mkdirSync(join(root, dir), { recursive: true });
  const random = join(root, 'proc/sys/kernel/random');
  mkdirSync(random, { recursive: true });
  writeFileSync(join(random, 'boot_id'), `${randomUUID()}\n`);
  const booted = join(root, 'run/atrium/booted');
  writeFileSync(booted, '');
  utimesSync(booted, now / 1000, now / 1000);
}

/** Links to the attached volumes, named as udev names EBS volumes on Nitro. */
export function linkVolumes(machine: SimMachine): void {
  const dir = join(machine.rootDir, BY_ID);
  if (!existsSync(dir)) return;
  const wanted = new Map(machine.volumes().map((volume) => [LINK + volume.volumeId.replace('-', ''), volume.dir]));
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(LINK) || !lstatSync(join(dir, name)).isSymbolicLink()) continue;
    if (wanted.has(name)) wanted.delete(name);
    else rmSync(join(dir, name));
  }
  for (const [name, target] of wanted) symlinkSync(target, join(dir, name));
}

/**
 * Adds to the agent's configuration what a machine of folders needs: where its root is, and how it is switched off.
 * False when there is no agent here.
 */
export function adaptAgentConfig(root: string, poweroff?: string[]): boolean {
  const file = join(root, 'etc/atrium/agent.json');
  if (!existsSync(file)) return false;
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  if (typeof config.ca === 'string' && config.ca.startsWith('/') && !config.ca.startsWith(root))
    config.ca = join(root, config.ca);
  writeFileSync(
    file,
    `${JSON.stringify({ ...config, root, machine: 'folders', ...(poweroff ? { poweroff } : {}) }, null, 2)}\n`,
  );
  return true;
}
