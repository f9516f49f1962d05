import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '@atrium/sdk';
import type { AgentConfig } from '../../config.ts';
import { AgentError, ifMissing, StartFault } from '../../errors.ts';
import type { Account, Machine, Volume } from '../machine.ts';
import { giveHome } from '../own.ts';
import { lookAtProcesses } from '../processes.ts';
import { run } from '../run.ts';
import { usageMeter } from '../usage.ts';
import { findVolume, waitForVolume } from '../volumes.ts';
import { childServer, type Launch, launchChild } from './child.ts';

/** What stands for a file system in a folder: who made it and when. */
const FILE_SYSTEM = '.atrium-filesystem';

export interface FoldersOptions {
  clock: Clock;
  powerOff?: (() => Promise<void>) | undefined;
  /** Starts the server; a child process without. */
  launch?: Launch | undefined;
}

/**
 * A machine whose volumes are folders and whose server is a child process, for simulators and tests. It keeps Linux's
 * rules: a volume is formatted only when it is blank and fresh, and it is found by its serial number.
 */
export function foldersMachine(
  config: AgentConfig,
  { clock, powerOff, launch = launchChild }: FoldersOptions,
): Machine {
  const { root } = config;
  const isRoot = process.getuid?.() === 0;
  const server = childServer(launch);
  const ownBoot = randomUUID();

  const folderOf = async ({ volume, device }: Volume): Promise<string> => {
    const known = device ?? (await findVolume(root, volume)) ?? (await waitForVolume(root, volume, clock));
    return realpath(known).catch((cause) => {
      throw new StartFault('transient', 'home_missing', `The folder of ${volume} is not there.`, { cause });
    });
  };

  const openHome = async (account: Account, volume: Volume | undefined, say: (message: string) => void) => {
    if (!volume) {
      const folder = join(root, 'home', account.login);
      await mkdir(folder, { recursive: true });
      if (isRoot) await giveHome(folder, account.uid);
      return folder;
    }
    const folder = await folderOf(volume);
    const mark = join(folder, FILE_SYSTEM);
    if (!(await stat(mark).catch(ifMissing(undefined)))) {
      if (!volume.fresh)
        throw new StartFault(
          'config',
          'home_blank',
          'The disk with your files looks empty, but it was used before. Nothing was changed; an administrator must look at it.',
        );
      await writeFile(mark, `${JSON.stringify({ uuid: randomUUID(), made: new Date(clock.now()).toISOString() })}\n`);
      say('Your disk was prepared');
    }
    await chmod(folder, 0o700);
    if (isRoot) await giveHome(folder, account.uid);
    return folder;
  };

  return {
    async bootId() {
      const given = await readFile(join(root, 'proc/sys/kernel/random/boot_id'), 'utf8').catch(ifMissing(''));
      return given.trim() || ownBoot;
    },
    // Accounts are numbers here; the server runs under the person's own when we may change to it.
    async makeAccount({ uid, login }) {
      const file = join(root, 'etc/accounts', login);
      await mkdir(join(root, 'etc/accounts'), { recursive: true });
      const known = await readFile(file, 'utf8').catch(ifMissing(undefined));
      if (known !== undefined && known !== String(uid))
        throw new StartFault('config', 'account_taken', `The machine already has an account called ${login}.`);
      await writeFile(file, String(uid));
    },
    openHome,
    // A folder is as large as its disk.
    async growHome() {},
    openCopy: folderOf,
    async closeCopy() {},
    startServer: (spec) => server.start(spec),
    server: async () => server.state(),
    stopServer: (graceMs) => server.stop(graceMs),
    async processes() {
      const pid = server.pid();
      return pid === undefined || process.platform !== 'linux' ? undefined : lookAtProcesses(pid);
    },
    usage: usageMeter(),
    async flush() {
      await run(['sync', '--file-system', root]);
    },
    async powerOff() {
      if (powerOff) return powerOff();
      const [program, ...args] = config.poweroff ?? [];
      if (!program) throw new AgentError('A machine of folders needs "poweroff" in its configuration.');
      await promisify(execFile)(program, args);
    },
    async release() {
      await server.stop(2000);
    },
  };
}
