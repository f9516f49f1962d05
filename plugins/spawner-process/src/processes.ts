import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ifMissing } from './layout.ts';

const run = promisify(execFile);
const linux = process.platform === 'linux';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  boot: string;
  pid: number;
  start: string;
}

/** Changes with every boot of the machine. */
export async function bootId(): Promise<string> {
  if (linux) return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const { stdout } = await run('sysctl', ['-n', 'kern.boottime']);
  return /sec = (\d+)/.exec(stdout)?.[1] ?? stdout.trim();
}

/**
 * Reads what `claim.sh` wrote; undefined when nobody has claimed, `void` when a stop came first (a claim by a process
 * is complete as soon as it is there).
 */
export async function readClaim(file: string): Promise<ProcessId | 'void' | undefined> {
  const text = await readFile(file, 'utf8').catch(ifMissing(undefined));
  if (text === undefined) return undefined;
  const [boot, pid, start] = text.trim().split(' ');
  return boot && pid && start ? { boot, pid: Number(pid), start } : 'void';
}

/** Whether it still runs. A zombie has ended; a number that now belongs to another process has, too. */
export async function isAlive(id: ProcessId | 'void' | undefined, boot: string): Promise<boolean> {
  if (!id || id === 'void' || id.boot !== boot || !(id.pid > 1)) return false;
  if (!linux) {
    const out = await run('ps', ['-o', 'stat=,lstart=', '-p', String(id.pid)]).catch(() => undefined);
    const [stat, ...start] = out?.stdout.trim().split(/\s+/) ?? [];
    return stat !== undefined && !stat.startsWith('Z') && start.join('_') === id.start;
  }
  const stat = await readFile(`/proc/${id.pid}/stat`, 'utf8').catch(ifMissing(undefined));
  // The name in brackets may hold anything; state is the first field after it, start time the twentieth.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields !== undefined && fields[0] !== 'Z' && fields[0] !== 'X' && fields[19] === id.start;
}

/** Sends a signal; a process (or group, with a negative number) that is gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Every process that carries `NAME=value` in the environment it was started with: finds what left its process group
 * where there is neither a pid namespace nor a cgroup. Linux only; empty elsewhere.
 */
export async function withEnvironment(pair: string): Promise<number[]> {
  if (!linux) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environ = await readFile(join('/proc', pid, 'environ'), 'utf8').catch(() => '');
      return environ.split('\0').includes(pair) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
