import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SimClock, SimMachine } from '@atrium/ec2-sim';

const WATCHDOG = fileURLToPath(new URL('../../../packages/agent/units/watchdog.sh', import.meta.url));
/** As the timer's unit says. */
const FIRST_MS = 60_000;
const EVERY_MS = 45_000;

/** The watchdog's timer of one machine: runs the real script on the machine's files, and carries out what it orders. */
export async function guard(machine: SimMachine, clock: SimClock, signal: AbortSignal): Promise<void> {
  const off = join(machine.rootDir, 'run/watchdog-said-off');
  await clock.sleep(FIRST_MS, signal);
  while (!signal.aborted) {
    const env = {
      PATH: '/usr/bin:/bin',
      ATRIUM_ROOT: machine.rootDir,
      ATRIUM_NOW: String(Math.floor(clock.now() / 1000)),
      ATRIUM_POWEROFF: `touch ${off}`,
    };
    const { stdout } = await promisify(execFile)('/bin/sh', [WATCHDOG], { env });
    if (stdout) machine.console(stdout.trim());
    if (existsSync(off)) return machine.powerOff();
    await clock.sleep(EVERY_MS, signal);
  }
}
