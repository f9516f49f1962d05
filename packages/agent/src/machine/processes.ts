import { readdir, readFile } from 'node:fs/promises';
import type { ProcessLook } from './machine.ts';

/** Linux counts CPU time in hundredths of a second on every architecture EC2 offers (USER_HZ). */
const TICKS = 100;

/**
 * System calls in which a kernel's main thread waits for its next message: poll, select, epoll_wait and their variants
 * (`arch/x86/entry/syscalls/syscall_64.tbl`, `include/uapi/asm-generic/unistd.h`).
 */
const WAITING: Readonly<Record<string, ReadonlySet<string>>> = {
  x64: new Set(['7', '23', '232', '270', '271', '281', '441']),
  arm64: new Set(['22', '72', '73', '441']),
};

interface Stat {
  pid: number;
  parent: number;
  terminal: boolean;
  seconds: number;
}

/** One line of /proc/<pid>/stat. The name in brackets may hold anything. */
function parseStat(text: string): Stat {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return {
    pid: Number.parseInt(text, 10),
    parent: fields[1] ?? 0,
    terminal: (fields[4] ?? 0) !== 0,
    seconds: ((fields[11] ?? 0) + (fields[12] ?? 0)) / TICKS,
  };
}

/**
 * Looks at the programs below `main`, the server. This is how activity is seen when the server cannot be asked: it asks
 * the hub who asks, and without a hub it answers nobody after five minutes.
 */
export async function lookAtProcesses(main: number): Promise<ProcessLook> {
  const stats = new Map<number, Stat>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    if (text) stats.set(Number(name), parseStat(text));
  }
  const isBelow = (stat: Stat): boolean => {
    for (let at: Stat | undefined = stat, depth = 0; at && depth < 64; at = stats.get(at.parent), depth++)
      if (at.parent === main) return true;
    return false;
  };
  const below = [...stats.values()].filter(isBelow);
  const sum = (some: Stat[]) => some.reduce((total, { seconds }) => total + seconds, 0);
  const atWork = await Promise.all(below.filter(({ terminal }) => !terminal).map(({ pid }) => isKernelAtWork(pid)));
  return {
    cpuSeconds: sum(below),
    terminalCpuSeconds: sum(below.filter(({ terminal }) => terminal)),
    kernelAtWork: atWork.includes(true),
  };
}

async function isKernelAtWork(pid: number): Promise<boolean> {
  const argv = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  // Every kernel is started with its connection file: kernel-<uuid>.json.
  if (!/kernel-[0-9a-f-]+\.json/.test(argv)) return false;
  const waiting = WAITING[process.arch];
  const now = await readFile(`/proc/${pid}/syscall`, 'utf8').catch(() => undefined);
  if (now === undefined || waiting === undefined) return false;
  const [number = ''] = now.trim().split(' ');
  return number !== '' && !waiting.has(number);
}
