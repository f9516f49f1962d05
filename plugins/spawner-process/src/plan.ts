import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifMissing, type Mode } from './layout.ts';

/** What a server's mount namespace is made from. All paths are absolute. */
export interface View {
  mode: Mode;
  dataDir: string;
  runDir: string;
  home: string;
  /** The launch's `io` folder. */
  io: string;
  /** Readable, wherever they lie: the Python environment and what the config adds. */
  readable: readonly string[];
  /** More that an empty folder takes the place of: what is above something readable and may not be entered, …; must exist. */
  hidden: readonly string[];
  /** Those of `/tmp` and the like that exist. */
  temporary: readonly string[];
  tmpMb: number;
}

/** The steps of `setup.sh`, and how many `stage/<n>` it needs. */
export interface MountPlan {
  lines: string[];
  stages: string[];
}

const within = (path: string, above: string) => above === '/' || path === above || path.startsWith(`${above}/`);

/** Drops what lies inside another one of the list. */
const topmost = (paths: readonly string[]) =>
  [...new Set(paths)].filter((path, _, all) => !all.some((other) => other !== path && within(path, other)));

/**
 * What the server sees: the machine's files, but an empty folder in place of everything that is ours or another
 * user's, and in it only its own home, its own socket folder and its Python. Pure.
 */
export function mountPlan(view: View): MountPlan {
  const { temporary } = view;
  const masks = topmost([...temporary, view.dataDir, view.runDir, ...view.hidden]);
  const readable = topmost(view.readable).filter((path) => masks.some((mask) => within(path, mask)));
  for (const path of view.readable) {
    if (within(view.dataDir, path) || within(view.runDir, path)) {
      throw new Error(`${path} cannot be readable for servers: the hub's own files lie in it.`);
    }
  }
  const stages = [view.home, view.io, ...readable];
  for (const path of [...stages, ...masks]) {
    if (/[\t\n\\]/.test(path))
      throw new Error(`The path ${JSON.stringify(path)} holds a character that cannot be used here.`);
  }
  const size = (mask: string) => (temporary.includes(mask) ? `mode=1777,size=${view.tmpMb}m` : 'mode=0755,size=4m');
  return {
    stages,
    lines: [
      'file\tpasswd\t/etc/passwd',
      'file\tgroup\t/etc/group',
      ...stages.map((path, at) => `stage\t${at}\t${path}\t${at < 2 ? 'rw' : 'ro'}`),
      // One account for all: whatever it could write to would be a way out.
      ...(view.mode === 'user-namespace' ? ['freeze'] : []),
      ...masks.map((mask) => `mask\t${mask}\t${size(mask)}`),
      ...stages
        .map((path, at) => ({ path, at }))
        .toSorted((a, b) => a.path.length - b.path.length)
        .map(({ path, at }) => `place\t${at}\t${path}`),
      'proc',
    ],
  };
}

/** The highest folder above each path that `others` may not enter; what a path under /root needs when /root is 0700. */
export async function closedAncestors(paths: readonly string[]): Promise<string[]> {
  const closed: string[] = [];
  for (const path of paths) {
    const chain: string[] = [];
    for (let dir = dirname(path); dir !== '/'; dir = dirname(dir)) chain.unshift(dir);
    for (const dir of chain) {
      const found = await stat(dir).catch(ifMissing(undefined));
      if (found && (found.mode & 0o001) === 0) {
        closed.push(dir);
        break;
      }
    }
  }
  return closed;
}
