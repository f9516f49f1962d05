import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** What a process has used so far. */
export interface Usage {
  /** ms of CPU, user and system, all threads. */
  cpuMs: number;
  /** Bytes; the most it ever had. */
  peakRss: number;
}

/** One process of a hub. */
export interface HubProcess {
  pid: number;
  command: string;
}

let ticks: number | undefined;

function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}

/** Fields of `/proc/<pid>/stat` after the command, which may hold anything. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

export function usageOf(pid: number): Usage {
  const fields = statOf(pid);
  const cpuMs = ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond();
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return { cpuMs, peakRss: Number(peak) * 1024 };
}

const URGENT = -15;

/** Lets processes go before everything else on a machine that has other things to do. As root only. */
export function hurry(pids: readonly number[]): void {
  for (const pid of pids) {
    setPriority(pid, URGENT);
    try {
      // Where the kernel groups by session, precedence counts within the session only, and this is the session's.
      writeFileSync(`/proc/${pid}/autogroup`, String(URGENT));
    } catch {
      // It does not group.
    }
  }
}

/** A process and everything below it. */
export function familyOf(root: number): HubProcess[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(statOf(Number(name))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // Gone meanwhile.
    }
  }
  const family: number[] = [root];
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  return family.map((pid) => ({
    pid,
    command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
  }));
}
