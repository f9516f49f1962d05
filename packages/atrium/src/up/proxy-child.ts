import { CommandError } from '../cli/command.ts';
import { type ChildOptions, startChild } from '../process/child.ts';
import type { FromProxy, ProxyArguments } from '../process/messages.ts';
import { endOf, stopChild } from './stop-child.ts';

/** A proxy process that listens. */
export interface ProxyChild {
  readonly pid: number;
  /** Where it really listens; differs from what was asked for only when that was 0. */
  readonly port: number;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts a proxy and waits until it listens.
 * @throws CommandError when it cannot.
 */
export async function startProxyChild(options: ProxyArguments, child: ChildOptions): Promise<ProxyChild> {
  const started = startChild('proxy-process', options, child);
  const ended = endOf(started);
  const ready = Promise.withResolvers<number>();
  started.on('message', (message: FromProxy) => {
    if (message.type === 'ready') ready.resolve(message.port);
    else ready.reject(new CommandError(message.problem));
  });
  void ended.then((how) => ready.reject(new CommandError(`The proxy ended while it started (${how}).`)));
  const port = await ready.promise;
  return { pid: started.pid!, port, ended, stop: () => stopChild(started, ended) };
}
