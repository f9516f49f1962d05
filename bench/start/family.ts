import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { familyOf } from '../hub/processes.ts';

/** What a hub and everything below it have used so far. */
export interface FamilyUse {
  /** ms of CPU, also of what has ended and was waited for. */
  cpuMs: number;
  /** Bytes by proportional set size: what several share counts once. Of everything but hub and proxy. */
  serversPss: number;
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** @param root first process of the hub @param own its processes that are no server's */
export function useOf(root: number, own: readonly number[]): FamilyUse {
  const family = familyOf(root).map(({ pid }) => pid);
  const others = family.filter((pid) => !own.includes(pid));
  return {
    cpuMs: family.reduce((sum, pid) => sum + cpuOf(pid), 0),
    serversPss: others.reduce((sum, pid) => sum + pssOf(pid), 0),
  };
}

/** What it and those of its children used that it has waited for, ms. 0 when it has ended: then its parent has it. */
function cpuOf(pid: number): number {
  const stat = read(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
  return stat === '' ? 0 : (((user ?? 0) + (system ?? 0) + (childUser ?? 0) + (childSystem ?? 0)) * 1000) / TICKS;
}

function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0) * 1024;
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
