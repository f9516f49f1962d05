import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export interface Program {
  argv: string[];
  env: Record<string, string>;
  cwd?: string;
}

/** A program in a group of its own, whose lines go to the console. */
export interface Running {
  child: ChildProcess;
  /** Its exit code; a signal counts as 128. */
  ended: Promise<number>;
}

/** Starts a program. One that cannot be started ends with 127, as in a shell. */
export function start({ argv, env, cwd }: Program, console: (text: string) => void): Running {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, ...(cwd ? { cwd } : {}), detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', console);
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? 128));
    child.once('error', (error) => {
      console(`${file}: ${error.message}`);
      resolve(127);
    });
  });
  return { child, ended };
}

/** Ends programs with all that came of them: asks first unless `force`, then takes. Resolves when none is left. */
export async function end(programs: Running[], options: { force: boolean; graceMs: number }): Promise<void> {
  const pids = programs.flatMap(({ child }) => (child.pid === undefined ? [] : [child.pid]));
  const family = new Set<number>();
  const look = () => {
    for (const pid of familyOf([...pids, ...family])) family.add(pid);
  };
  look();
  if (!options.force) {
    for (const pid of pids) signal(-pid, 'SIGTERM');
    const all = Promise.all(programs.map(({ ended }) => ended));
    const stop = new AbortController();
    await Promise.race([all, delay(options.graceMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})]);
    stop.abort();
    look();
  }
  for (const pid of pids) signal(-pid, 'SIGKILL');
  for (const pid of family) signal(pid, 'SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** The processes that descend from `pids`, which are included while they live. */
export function familyOf(pids: number[]): number[] {
  const children = new Map<number, number[]>();
  const alive = new Set<number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      alive.add(Number(entry));
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It ended while we looked.
    }
  }
  const found = new Set<number>();
  const queue = pids.filter((pid) => alive.has(pid));
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    queue.push(...(children.get(pid) ?? []));
  }
  return [...found];
}
