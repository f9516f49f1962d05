import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What a hub and everything below it have used so far. */
export interface FamilyUse {
  /** ms of CPU, also of what has ended and was waited for. */
  cpuMs: number;
  /** Bytes by proportional set size: what several share counts once. Of everything but hub and proxy. */
  serversPss: number;
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** @param own processes of the hub that are no server's; the others are below them */
export function useOf(own: readonly number[]): FamilyUse {
  const family = familyOf(own);
  const others = family.filter((pid) => !own.includes(pid));
  return {
    cpuMs: family.reduce((sum, pid) => sum + cpuOf(pid), 0),
    serversPss: others.reduce((sum, pid) => sum + pssOf(pid), 0),
  };
}

/** These processes and everything below them, also what ends at this moment. */
function familyOf(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    const parent = Number(statOf(pid)[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const family = new Set(roots);
  for (const pid of family) for (const child of children.get(pid) ?? []) family.add(child);
  return [...family];
}

/** Fields of `/proc/<pid>/stat` after the command, which may hold anything; none when it has ended. */
function statOf(pid: number): string[] {
  const stat = read(pid, 'stat');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** What it and those of its children used that it has waited for, ms. 0 when it has ended: then its parent has it. */
function cpuOf(pid: number): number {
  const [user, system, childUser, childSystem] = statOf(pid).slice(11, 15).map(Number);
  return (((user ?? 0) + (system ?? 0) + (childUser ?? 0) + (childSystem ?? 0)) * 1000) / TICKS;
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
