import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerUsage } from '@atrium/sdk';
import { mapLimited } from './concurrency.ts';
import { ifMissing, launchDir, type Meta, type Place, type ProcessRef, readMeta } from './layout.ts';
import { readClaim } from './processes.ts';

/** Folders and processes read at the same time. */
const AT_ONCE = 32;
/** What the kernel counts CPU time in: 100 a second on every Linux that Node runs on. */
const TICKS = 100;
const PAGE_BYTES = 4096;
/** Version 1 writes "no limit" as the greatest multiple of a page. */
const NO_LIMIT = 2 ** 62;

/**
 * What servers use. By their cgroups, where they have any: that is what limits are held against, and counts what has
 * ended, too. Otherwise the processes that descend from the one that keeps the server.
 */
export async function usageOf(place: Place, refs: readonly ProcessRef[]): Promise<(ServerUsage | null)[]> {
  if (process.platform !== 'linux') return refs.map(() => null);
  let table: Promise<Processes> | undefined;
  return mapLimited([...refs], AT_ONCE, async (ref) => {
    const dir = launchDir(place, ref);
    const meta = await readMeta(dir);
    if (!meta) return null;
    const counted = await ofCgroups(meta);
    if (counted && counted.cpuSeconds !== null) return counted;
    // One reading of the process table for all of them.
    table ??= readProcesses();
    // A warm server does not descend from its keeper, and a cold one's first process does.
    const claims = await Promise.all(['keeper', 'init'].map((name) => readClaim(join(dir, name))));
    const roots = claims.filter((claim) => claim !== undefined && claim !== 'void');
    const tree = ofTree(await table, roots, meta);
    return counted ? { ...counted, cpuSeconds: tree?.cpuSeconds ?? null } : tree;
  });
}

async function ofCgroups({ cgroups }: Meta): Promise<ServerUsage | undefined> {
  const read = async (names: readonly string[]): Promise<string | undefined> => {
    for (const dir of cgroups) {
      for (const name of names) {
        const text = await readFile(join(dir, name), 'utf8').catch(ifUnreadable);
        if (text !== undefined) return text;
      }
    }
    return undefined;
  };
  const memory = await read(['memory.current', 'memory.usage_in_bytes']);
  if (memory === undefined) return undefined;
  const limit = Number((await read(['memory.max', 'memory.limit_in_bytes'])) ?? Number.NaN);
  const micros = /^usage_usec (\d+)/m.exec((await read(['cpu.stat'])) ?? '')?.[1];
  const nanos = micros === undefined ? await read(['cpuacct.usage']) : undefined;
  return {
    memoryBytes: Number(memory),
    memoryLimitBytes: limit > 0 && limit < NO_LIMIT ? limit : null,
    cpuSeconds: micros !== undefined ? Number(micros) / 1e6 : nanos !== undefined ? Number(nanos) / 1e9 : null,
  };
}

/** A cgroup that went away, or is another account's, is as good as none. */
function ifUnreadable(error: NodeJS.ErrnoException): undefined {
  if (!['ENOENT', 'EACCES', 'EPERM', 'ENODEV'].includes(error.code ?? '')) throw error;
}

interface One {
  parent: number;
  start: string;
  pages: number;
  ticks: number;
}
interface Processes {
  all: ReadonlyMap<number, One>;
  /** Those that each began. */
  children: ReadonlyMap<number, readonly number[]>;
}

async function readProcesses(): Promise<Processes> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = await mapLimited(pids, AT_ONCE, async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(ifMissing(undefined));
    // The name in brackets may hold anything; state is the first field after it.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    // It may have ended since the listing.
    if (!fields) return undefined;
    const [parent, user, system, start = '', pages] = [fields[1], fields[11], fields[12], fields[19], fields[21]];
    return [
      Number(pid),
      { parent: Number(parent), ticks: Number(user) + Number(system), start, pages: Number(pages) },
    ] as const;
  });
  const all = new Map(read.filter((entry) => entry !== undefined));
  return { all, children: Map.groupBy(all.keys(), (pid) => all.get(pid)?.parent ?? 0) };
}

function ofTree(
  { all, children }: Processes,
  roots: readonly { pid: number; start: string }[],
  { memoryMb }: Meta,
): ServerUsage | null {
  const rest = roots.filter(({ pid, start }) => all.get(pid)?.start === start).map(({ pid }) => pid);
  if (rest.length === 0) return null;
  const seen = new Set<number>();
  let pages = 0;
  let ticks = 0;
  for (let pid = rest.pop(); pid !== undefined; pid = rest.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    const one = all.get(pid);
    pages += one?.pages ?? 0;
    ticks += one?.ticks ?? 0;
    rest.push(...(children.get(pid) ?? []));
  }
  return {
    memoryBytes: pages * PAGE_BYTES,
    memoryLimitBytes: memoryMb === undefined ? null : memoryMb * 1024 * 1024,
    cpuSeconds: ticks / TICKS,
  };
}
