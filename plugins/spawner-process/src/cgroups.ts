import { constants } from 'node:fs';
import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Limits } from './config.ts';
import { ifMissing, type Place, type ProcessRef } from './layout.ts';
import { signal } from './processes.ts';

type Controller = 'memory' | 'cpu' | 'pids';

/** Where servers' cgroups can be made on this machine. */
export interface Cgroups {
  /** Version 2: all controllers in one tree. `base` is the folder that is ours to divide. */
  unified?: { base: string; controllers: Controller[] };
  /** Version 1: a tree per controller. */
  split: Partial<Record<Controller, string>>;
}

const CONTROLLERS: Controller[] = ['memory', 'cpu', 'pids'];
const PERIOD_US = 100_000;
const TRIES = 10;

/**
 * Reads what this account may use: as root the whole tree, else what was delegated to us (`Delegate=yes` of systemd).
 * Version 1 was tried; version 2 is written after the kernel's cgroup-v2.rst.
 */
export async function findCgroups(): Promise<Cgroups> {
  const found: Cgroups = { split: {} };
  if (process.platform !== 'linux') return found;
  const own = ownPaths(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''));
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4];
    const [type, , options] = after?.split(' ') ?? [];
    if (!point || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    if (type === 'cgroup2') {
      const base = await topWritable(point, own.get('') ?? '/');
      if (base) found.unified = { base, controllers: await divisible(base) };
      continue;
    }
    for (const name of CONTROLLERS) {
      if (!options?.split(',').includes(name)) continue;
      const base = await topWritable(point, own.get(name) ?? '/');
      if (base) found.split[name] = base;
    }
  }
  return found;
}

/** Which limits can be enforced. */
export function enforceable(groups: Cgroups): ('memory' | 'cpu' | 'tasks')[] {
  const has = (name: Controller) => groups.split[name] !== undefined || groups.unified?.controllers.includes(name);
  return [
    ...(has('memory') ? ['memory' as const] : []),
    ...(has('cpu') ? ['cpu' as const] : []),
    ...(has('pids') ? ['tasks' as const] : []),
  ];
}

/** Makes the cgroups of one start with its limits, idempotently. Returns their folders. */
export async function createCgroups(place: Place, ref: ProcessRef, limits: Limits): Promise<string[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryCreate(place, ref, limits);
    } catch (error) {
      // The end of the last server may take the hub's empty folder away at this very moment, in one tree after the other.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES) throw error;
    }
  }
}

async function tryCreate(place: Place, ref: ProcessRef, limits: Limits): Promise<string[]> {
  const groups = await findCgroups();
  const [parent, leaf] = namesOf(place, ref);
  const made: string[] = [];
  for (const name of CONTROLLERS) {
    const base = groups.split[name];
    if (!base) continue;
    const dir = join(base, parent, leaf);
    await mkdir(dir, { recursive: true });
    await limit(dir, 1, name, limits);
    if (!made.includes(dir)) made.push(dir);
  }
  if (groups.unified) {
    const { base, controllers } = groups.unified;
    const dir = join(base, parent, leaf);
    await mkdir(join(base, parent), { recursive: true });
    for (const name of controllers) {
      for (const above of [base, join(base, parent)])
        await writeFile(join(above, 'cgroup.subtree_control'), `+${name}`);
    }
    await mkdir(dir, { recursive: true });
    for (const name of controllers) await limit(dir, 2, name, limits);
    made.push(dir);
  }
  return made;
}

/** Where the cgroups of a start would be, for one that was cut off before it could write that down. */
export async function cgroupsOf(place: Place, ref: ProcessRef): Promise<string[]> {
  const { split, unified } = await findCgroups();
  const [parent, leaf] = namesOf(place, ref);
  const bases = [...Object.values(split), ...(unified ? [unified.base] : [])];
  return [...new Set(bases)].map((base) => join(base, parent, leaf));
}

const namesOf = (place: Place, ref: ProcessRef): [parent: string, leaf: string] => [
  `atrium-${place.hubId.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`,
  `${ref.server}.${ref.generation}`,
];

async function limit(dir: string, version: 1 | 2, name: Controller, limits: Limits): Promise<void> {
  const set = (file: string, value: string | number) => writeFile(join(dir, file), String(value));
  if (name === 'memory' && limits.memoryMb) {
    const bytes = Math.round(limits.memoryMb * 1024 * 1024);
    if (version === 1) {
      await set('memory.limit_in_bytes', bytes);
      // Swap would only make the end slower; kernels without swap accounting have no such file.
      await set('memory.memsw.limit_in_bytes', bytes).catch(() => undefined);
    } else {
      await set('memory.max', bytes);
      await set('memory.swap.max', 0).catch(() => undefined);
    }
  }
  if (name === 'cpu' && limits.cpus) {
    const quota = Math.max(1000, Math.round(limits.cpus * PERIOD_US));
    if (version === 1) {
      await set('cpu.cfs_period_us', PERIOD_US);
      await set('cpu.cfs_quota_us', quota);
    } else {
      await set('cpu.max', `${quota} ${PERIOD_US}`);
    }
  }
  if (name === 'pids' && limits.tasks) await set('pids.max', limits.tasks);
}

/** How many processes of these groups were killed for want of memory. */
export async function oomKills(dirs: readonly string[]): Promise<number> {
  for (const dir of dirs) {
    for (const file of ['memory.events', 'memory.oom_control']) {
      const text = await readFile(join(dir, file), 'utf8').catch(() => '');
      const count = /^oom_kill (\d+)/m.exec(text)?.[1];
      if (count !== undefined) return Number(count);
    }
  }
  return 0;
}

/** Kills everything inside, processes that left their session as well. */
export async function killCgroups(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) {
    const killed = await writeFile(join(dir, 'cgroup.kill'), '1', { flag: 'r+' }).then(
      () => true,
      () => false,
    );
    if (killed) return;
  }
  const listed = await Promise.all(dirs.map((dir) => readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '')));
  for (const pid of new Set(listed.flatMap((text) => text.split('\n').filter(Boolean)))) {
    if (Number(pid) > 1) signal(Number(pid), 'SIGKILL');
  }
}

/** Whether a process lives in them. */
export async function cgroupsBusy(dirs: readonly string[]): Promise<boolean> {
  const listed = await Promise.all(dirs.map((dir) => readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '')));
  return listed.some((text) => text.trim() !== '');
}

/** Removes empty groups, and the hub's own when it was the last; one that still holds a dying process stays. */
export async function removeCgroups(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs.flatMap((leaf) => [leaf, dirname(leaf)])) {
    await rmdir(dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EBUSY' && error.code !== 'ENOTEMPTY') return ifMissing(undefined)(error);
    });
  }
}

/** `/proc/self/cgroup` as controller → path; '' is version 2. */
function ownPaths(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of names?.split(',') ?? []) if (path) paths.set(name, path);
  }
  return paths;
}

/** The highest folder from `point` down to our own place that we may write to. */
async function topWritable(point: string, own: string): Promise<string | undefined> {
  const chain = [join(point, own)];
  while (chain[0] !== point && chain[0]!.length > point.length) chain.unshift(dirname(chain[0]!));
  for (const dir of chain) {
    const ok = await Promise.all([access(dir, constants.W_OK), access(join(dir, 'cgroup.procs'), constants.W_OK)]).then(
      () => true,
      () => false,
    );
    if (ok) return dir.replace(/\/$/, '');
  }
  return undefined;
}

/** Version 2 lets a group hand controllers to its children only when it holds no process itself, unless it is the root. */
async function divisible(base: string): Promise<Controller[]> {
  const read = (file: string) => readFile(join(base, file), 'utf8').catch(() => undefined);
  const [available, given, type, procs] = await Promise.all(
    ['cgroup.controllers', 'cgroup.subtree_control', 'cgroup.type', 'cgroup.procs'].map(read),
  );
  const words = (text: string | undefined) => text?.trim().split(/\s+/) ?? [];
  const free = type === undefined || procs?.trim() === '';
  return CONTROLLERS.filter((name) => words(given).includes(name) || (free && words(available).includes(name)));
}
