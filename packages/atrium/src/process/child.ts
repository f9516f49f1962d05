import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NODE_OPTIONS } from '@atrium/proxy/node-options';
import type { Account } from '../files/account.ts';
import type { HubArguments, ProxyArguments } from './messages.ts';

const ENDING = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** Behind standard input, output and error and the channel. */
export const FIRST_FD = 4;

export type Entry = 'hub-process' | 'proxy-process';

/** Loaded before everything else. */
const SHORT_WAY = ['--import', new URL(`short-way.${ENDING}`, import.meta.url).href];

/** Of Node, per process. */
export const OPTIONS: Readonly<Record<Entry, readonly string[]>> = {
  'hub-process': SHORT_WAY,
  'proxy-process': [...NODE_OPTIONS, ...SHORT_WAY],
};

export interface ChildOptions {
  account: Account | undefined;
  /** Where compiled code is kept, so that a restart is fast. */
  cacheDir: string;
  /** Descriptors of ours that it gets, numbered from `FIRST_FD` on. */
  fds?: readonly number[];
}

/**
 * Starts one of our processes in a session of its own (a terminal's Ctrl-C is for the supervisor alone) with a channel
 * for messages. Its standard error is ours, its standard output too: nothing of it is an answer.
 */
export function startChild(entry: Entry, argument: HubArguments | ProxyArguments, options: ChildOptions): ChildProcess {
  const { account, cacheDir, fds = [] } = options;
  const script = fileURLToPath(new URL(`${entry}.${ENDING}`, import.meta.url));
  const argv = [...process.execArgv, ...OPTIONS[entry], script, JSON.stringify(argument)];
  const env = { ...process.env, NODE_COMPILE_CACHE: `${cacheDir}/compiled`, NODE_COMPILE_CACHE_PORTABLE: '1' };
  const stdio: StdioOptions = ['ignore', 2, 'inherit', 'ipc', ...fds];
  const as = account ? { uid: account.uid, gid: account.gid } : {};
  return spawn(process.execPath, argv, { stdio, env, detached: true, ...as });
}
