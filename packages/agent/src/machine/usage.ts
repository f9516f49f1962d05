import { readFile, statfs } from 'node:fs/promises';
import type { Usage } from './machine.ts';

/** Answers a function that says what was used since it was last called. Linux's own figures; zeros where there is no /proc. */
export function usageMeter(): (home: string) => Promise<Usage> {
  let before = { busy: 0, all: 0 };
  return async (home) => {
    const [stat, meminfo, disk] = await Promise.all([
      readFile('/proc/stat', 'utf8').catch(() => ''),
      readFile('/proc/meminfo', 'utf8').catch(() => ''),
      statfs(home).catch(() => undefined),
    ]);
    const now = parseCpu(stat);
    const all = now.all - before.all;
    const cpu = all > 0 ? Math.min(1, Math.max(0, (now.busy - before.busy) / all)) : 0;
    before = now;
    const total = kilobytes(meminfo, 'MemTotal');
    return {
      cpu: Math.round(cpu * 1000) / 1000,
      memory: { used: total - kilobytes(meminfo, 'MemAvailable'), total },
      disk: disk
        ? { used: (disk.blocks - disk.bfree) * disk.bsize, total: disk.blocks * disk.bsize }
        : { used: 0, total: 0 },
    };
  };
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal; guest time is within user. */
function parseCpu(stat: string): { busy: number; all: number } {
  const ticks = (stat.split('\n', 1)[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, one) => sum + one, 0);
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all };
}

function kilobytes(meminfo: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
}
