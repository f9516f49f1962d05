import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';

/** A process that belongs to a start of somebody's server: the server itself, or what was started around it. */
export interface ServerProcess {
  pid: number;
  /** Since boot, in clock ticks: with the number it names one process for ever. */
  startTime: string;
  /** Whose start it is: `<hub id>/<server id>.<generation>`. */
  launch: string;
  /** The command itself, not what entered the namespaces before it. */
  isServer: boolean;
}

const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function read(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // gone, or not ours
  }
}

/** Of proc_pid_stat(5), from the third on: state, parent, …; empty strings of one that is gone. */
function statOf(pid: number | string): string[] {
  const stat = read(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Start time; undefined when it has ended, also when only its parent has not heard of it. */
function startTimeOf(pid: number | string): string | undefined {
  const [state = '', ...rest] = statOf(pid);
  return ['', 'Z', 'X'].includes(state) ? undefined : rest[18];
}

/** 0 when it is gone. */
export const parentOf = (pid: number): number => Number(statOf(pid)[1] ?? 0);

/** Every living process of the servers of one installation, by what it carries in its environment. */
export function serverProcesses(hubId: string): ServerProcess[] {
  return pids().flatMap((pid) => {
    const entry = read(pid, 'environ')
      .split('\0')
      .find((pair) => pair.includes(`ATRIUM_LAUNCH=${hubId}/`));
    const startTime = entry && startTimeOf(pid);
    if (!startTime) return [];
    const launch = entry.slice(entry.indexOf('ATRIUM_LAUNCH=') + 'ATRIUM_LAUNCH='.length);
    return [{ pid: Number(pid), startTime, launch, isServer: entry.startsWith('ATRIUM_LAUNCH=') }];
  });
}

/** What stays beside a warm server as long as it runs. */
export const forksKernels = (pid: number): boolean => read(pid, 'comm') === 'atrium-kernels\n';

/** The servers themselves. What one of them has started carries its environment, too, and is none. */
export function serverRoots(hubId: string): ServerProcess[] {
  const all = serverProcesses(hubId).filter(({ isServer }) => isServer);
  const launchOf = new Map(all.map(({ pid, launch }) => [pid, launch]));
  return all.filter(({ pid, launch }) => {
    const parent = parentOf(pid);
    // A program that a server began for a moment may have ended between two looks: it has no parent then.
    return parent !== 0 && launchOf.get(parent) !== launch;
  });
}

/** Servers of which two starts live at this very moment: the second look makes sure that both do. */
export function doubledServers(hubId: string): string[] {
  const byServer = Map.groupBy(serverRoots(hubId), ({ launch }) => launch.slice(0, launch.lastIndexOf('.')));
  return [...byServer.values()]
    .filter((group) => group.length > 1 && group.every(({ pid, startTime }) => startTimeOf(pid) === startTime))
    .map((group) => group.map(({ launch, pid }) => `${launch} (process ${pid})`).join(' and '));
}

/** The hub processes of an `atrium up`, also one that only begins to load. */
export function hubProcesses(dataDir: string): number[] {
  return pids()
    .filter((pid) => {
      const command = read(pid, 'cmdline');
      return command.includes('hub-process.') && command.includes(`"${dataDir}"`) && startTimeOf(pid) !== undefined;
    })
    .map(Number);
}

/** Also while only threads beside its first are left, which still hold its sockets. */
export function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** Which of these processes has the other end of a connection. */
export function holderOf({ localPort, remotePort }: Socket, pids: readonly number[]): number | undefined {
  const hex = (port: number | undefined) => port!.toString(16).toUpperCase().padStart(4, '0');
  const inode = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(`:${hex(remotePort)}`) && remote?.endsWith(`:${hex(localPort)}`))?.[9];
  return pids.find((pid) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
      } catch {
        return false; // closed meanwhile
      }
    }),
  );
}
