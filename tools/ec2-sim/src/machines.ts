import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shutDownFromInside } from './ec2/lifecycle.ts';
import type { Halt, SimMachine } from './runner.ts';
import type { SimCore } from './sim.ts';
import type { SimInstance } from './world.ts';

/** Folder of a volume or snapshot, which need not exist yet. */
export function folderOf(core: SimCore, id: string): string {
  return join(core.world.dir, id.startsWith('snap-') ? 'snapshots' : 'volumes', id);
}

/** Puts a copy of one volume's or snapshot's files under another's id. Nothing happens when no runner made files. */
export function copyFiles(core: SimCore, from: string, to: string): void {
  if (existsSync(folderOf(core, from)))
    cpSync(folderOf(core, from), folderOf(core, to), { recursive: true, verbatimSymlinks: true });
}

export function dropFiles(core: SimCore, id: string): void {
  if (core.runner) rmSync(folderOf(core, id), { recursive: true, force: true });
}

/** Runs what is in the instance, once it is `running`. A boot that fails shows on the console and as an impaired check. */
export async function boot(core: SimCore, instance: SimInstance, resumes = false): Promise<void> {
  instance.boots += 1;
  const say = (text: string) => instance.console.push(text);
  say(
    `[${new Date(core.clock.now()).toISOString()}] boot ${instance.boots} of ${instance.id} (${instance.type}, ${instance.imageId})`,
  );
  if (!core.runner) return;
  try {
    await core.runner.boot(await machineOf(core, instance, resumes));
  } catch (error) {
    say(`boot failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    instance.impaired = true;
  }
}

/** Ends what runs in the instance. Never throws: a machine that will not go is cut off. */
export async function halt(core: SimCore, instance: SimInstance, how: Halt): Promise<void> {
  if (!core.runner || instance.boots === 0) return;
  try {
    await core.runner.halt(await machineOf(core, instance), how);
  } catch (error) {
    instance.console.push(`halt failed: ${String(error)}`);
  }
}

async function machineOf(core: SimCore, instance: SimInstance, resumes = false): Promise<SimMachine> {
  const made = new Set<string>();
  const folder = (id: string) => {
    const dir = folderOf(core, id);
    // Asked for many times a second, by hundreds of machines.
    if (!made.has(id)) mkdirSync(dir, { recursive: true });
    made.add(id);
    return dir;
  };
  const userData = instance.userData && Buffer.from(instance.userData, 'base64').toString();
  return {
    instanceId: instance.id,
    privateIp: instance.privateIp,
    rootDir: folder(instance.devices.get(instance.rootDevice)!),
    volumes: () =>
      [...instance.devices]
        .filter(
          ([device, id]) =>
            device !== instance.rootDevice && core.world.volumes.get(id)?.attachment?.state === 'attached',
        )
        .map(([device, volumeId]) => ({ volumeId, device, dir: folder(volumeId) })),
    ...(userData ? { userData } : {}),
    imds: await core.services().imds(instance.id),
    firstBoot: instance.boots <= 1,
    resumes,
    imageId: instance.imageId,
    console: (text) => {
      instance.console.push(text);
    },
    powerOff: async () => shutDownFromInside(core, instance),
  };
}
