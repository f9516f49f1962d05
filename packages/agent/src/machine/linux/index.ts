import { chmod, mkdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '@atrium/sdk';
import type { AgentConfig } from '../../config.ts';
import { AgentError, textOf } from '../../errors.ts';
import type { Account, Machine, Volume } from '../machine.ts';
import { fillHome, giveHome } from '../own.ts';
import { lookAtProcesses } from '../processes.ts';
import { run } from '../run.ts';
import { usageMeter } from '../usage.ts';
import { waitForVolume } from '../volumes.ts';
import { makeAccount } from './account.ts';
import { formatIfFresh, grow, mount, mountedAt } from './disk.ts';
import { serverUnit } from './server-unit.ts';

export interface LinuxOptions {
  clock: Clock;
  log: Log;
  powerOff?: (() => Promise<void>) | undefined;
}

/** A real machine: EBS volumes, accounts, systemd. Needs root. `config.root` moves files and mounts, for tests. */
export function linuxMachine(config: AgentConfig, { clock, log, powerOff }: LinuxOptions): Machine {
  const { root } = config;
  const at = (...parts: string[]) => join(root, ...parts);
  const unit = serverUnit(at('run/atrium'));
  let home: { device: string; folder: string } | undefined;

  const openHome = async (account: Account, volume: Volume | undefined, say: (message: string) => void) => {
    const folder = at('home', account.login);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!volume) {
      // No disk of their own: the folder on the root disk lasts as long as the machine.
      await giveHome(folder, account.uid);
      return folder;
    }
    const device = await waitForVolume(root, volume.volume, clock);
    const made = await formatIfFresh(device, volume.fresh);
    if (made) say('Your disk was prepared');
    await mount(device, folder, 'nodev,nosuid');
    // A home that did not grow is better than none.
    await grow(device, folder).catch((error) => log.warn({ error: textOf(error) }, 'the home could not be grown'));
    home = { device, folder };
    await rmdir(join(folder, 'lost+found')).catch(() => {});
    // Also when a first boot was cut off after formatting: the top still belongs to root then.
    if (volume.fresh) await fillHome(folder, at('etc/skel'), account.uid);
    await giveHome(folder, account.uid);
    if (volume.fresh) await chmod(folder, 0o700);
    return folder;
  };

  return {
    bootId: async () => (await readFile(at('proc/sys/kernel/random/boot_id'), 'utf8')).trim(),
    makeAccount: (account) => makeAccount(root, account),
    openHome,
    async growHome() {
      if (home) await grow(home.device, home.folder);
    },
    async openCopy({ volume }) {
      const folder = at('run/atrium-public/copies', volume);
      await mkdir(folder, { recursive: true, mode: 0o755 });
      const device = await waitForVolume(root, volume, clock);
      await mount(device, folder, 'ro,nodev,nosuid,noexec');
      return folder;
    },
    async closeCopy({ volume }) {
      const folder = at('run/atrium-public/copies', volume);
      if (await mountedAt(folder)) await run(['umount', folder]);
    },
    startServer: (spec) => unit.start(spec),
    server: () => unit.state(),
    stopServer: (graceMs) => unit.stop(graceMs),
    async processes() {
      const pid = await unit.mainPid();
      return pid === undefined ? undefined : lookAtProcesses(pid);
    },
    usage: usageMeter(),
    async flush() {
      await run(['sync']);
    },
    async powerOff() {
      if (powerOff) return powerOff();
      const [program, ...args] = config.poweroff ?? ['systemctl', 'poweroff'];
      if (!program) throw new AgentError('"poweroff" names no program.');
      await run([program, ...args]);
    },
    // The server is a unit of its own and outlives a new version of the agent.
    async release() {},
  };
}
