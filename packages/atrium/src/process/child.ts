import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Account } from '../files/account.ts';
import type { HubArguments, ProxyArguments } from './messages.ts';

const ENDING = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** Ports below this are root's, unless the kernel was told otherwise. */
const FIRST_FREE_PORT = 1024;

export type Entry = 'hub-process' | 'proxy-process';

export interface ChildOptions {
  account: Account | undefined;
  /** Where compiled code is kept, so that a restart is fast. */
  cacheDir: string;
  /** A port it has to listen on. */
  port?: number;
}

/**
 * Starts one of our processes in a session of its own (a terminal's Ctrl-C is for the supervisor alone) with a channel
 * for messages. Its standard error is ours, its standard output too: nothing of it is an answer.
 */
export function startChild(entry: Entry, argument: HubArguments | ProxyArguments, options: ChildOptions): ChildProcess {
  const { account, cacheDir, port } = options;
  const script = fileURLToPath(new URL(`${entry}.${ENDING}`, import.meta.url));
  const argv = [...process.execArgv, script, JSON.stringify(argument)];
  const env = { ...process.env, NODE_COMPILE_CACHE: `${cacheDir}/compiled`, NODE_COMPILE_CACHE_PORTABLE: '1' };
  const stdio = ['ignore', 2, 'inherit', 'ipc'] as const;
  const base = { stdio: [...stdio], env, detached: true };
  if (account && port !== undefined && port > 0 && port < FIRST_FREE_PORT) {
    // Only this right, and only for the process that listens.
    const drop = ['--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups'];
    const keep = ['--inh-caps=-all,+net_bind_service', '--ambient-caps=-all,+net_bind_service'];
    return spawn('setpriv', [...drop, ...keep, process.execPath, ...argv], base);
  }
  return spawn(process.execPath, argv, { ...base, ...(account ? { uid: account.uid, gid: account.gid } : {}) });
}
