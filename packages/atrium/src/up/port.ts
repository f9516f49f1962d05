import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { describeProcess } from '../files/process-info.ts';

/** Whether something can listen there now. `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` say why not. */
export function probePort(host: string, port: number): Promise<'free' | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

const LISTENING = '0A';

/** The processes that listen on a TCP port of this machine, as far as this account may see them. */
export function listenersOn(port: number): number[] {
  const inodes = new Set(['tcp', 'tcp6'].flatMap((table) => inodesOf(table, port)));
  if (inodes.size === 0) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && holdsOneOf(name, inodes))
    .map(Number);
}

function inodesOf(table: string, port: number): string[] {
  let text: string;
  try {
    text = readFileSync(`/proc/net/${table}`, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTENING && Number.parseInt(local?.split(':')[1] ?? '', 16) === port)
    .map((fields) => fields[9] ?? '');
}

function holdsOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
  } catch {
    return false; // gone meanwhile, or another account's
  }
}

/** Why nothing can listen there, and what to do, in words. */
export function explainPort(host: string, port: number, code: string, remedy: string): string {
  if (code === 'EACCES') return `Port ${port} may only be used by root. ${remedy}`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `This machine has no address ${host}. Give one of its own with --host.`;
  if (code !== 'EADDRINUSE') return `Nothing can listen on ${host}:${port} (${code}). ${remedy}`;
  const pids = process.platform === 'linux' ? listenersOn(port) : [];
  const who =
    pids.length > 0 ? pids.map(describeProcess).join(', ') : 'a process of another account (try: sudo ss -ltnp)';
  return `Port ${port} is taken by ${who}. ${remedy}`;
}
