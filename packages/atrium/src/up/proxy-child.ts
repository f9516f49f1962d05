import type { ChildProcess } from 'node:child_process';
import { CommandError } from '../cli/command.ts';
import type { FromProxy } from '../process/messages.ts';
import { endOf } from './stop-child.ts';

/** A proxy process that listens. */
export interface ProxyChild {
  readonly pid: number;
  /** Where it really listens; differs from what was asked for only when that was 0. */
  readonly port: number;
  readonly ended: Promise<string>;
}

/**
 * Waits until a proxy process listens.
 * @throws CommandError when it cannot.
 */
export async function proxyChild(child: ChildProcess): Promise<ProxyChild> {
  const ended = endOf(child);
  const ready = Promise.withResolvers<number>();
  child.on('message', (message: FromProxy) => {
    if (message.type === 'ready') ready.resolve(message.port);
    else ready.reject(new CommandError(message.problem));
  });
  void ended.then((how) => ready.reject(new CommandError(`The proxy ended while it started (${how}).`)));
  const port = await ready.promise;
  return { pid: child.pid!, port, ended };
}
