import type { ChildProcess } from 'node:child_process';
import { CommandError } from '../cli/command.ts';
import { type ChildOptions, type Entry, startChild } from '../process/child.ts';
import type { HubArguments, ProxyArguments } from '../process/messages.ts';
import { endOf, stopChild } from './stop-child.ts';

/** The proxy first: its last word about activity goes to the hub. */
const STOP_ORDER: readonly Entry[] = ['proxy-process', 'hub-process'];

/** Every process that was started, so that none is forgotten, at whatever moment the end comes. */
export interface Children {
  start(entry: Entry, argument: HubArguments | ProxyArguments, options: ChildOptions): ChildProcess;
  /** Ends them all, and lets none begin any more. */
  stopAll(): Promise<void>;
  killAll(): void;
}

export function trackChildren(): Children {
  const alive = new Map<ChildProcess, { entry: Entry; ended: Promise<string> }>();
  let isClosed = false;
  return {
    start(entry, argument, options) {
      if (isClosed) throw new CommandError('Atrium is stopping.');
      const child = startChild(entry, argument, options);
      const ended = endOf(child);
      alive.set(child, { entry, ended });
      void ended.then(() => alive.delete(child));
      return child;
    },
    async stopAll() {
      isClosed = true;
      for (const entry of STOP_ORDER) {
        const these = [...alive].filter(([, each]) => each.entry === entry);
        await Promise.all(these.map(([child, { ended }]) => stopChild(child, ended)));
      }
    },
    killAll() {
      for (const child of alive.keys()) child.kill('SIGKILL');
    },
  };
}
