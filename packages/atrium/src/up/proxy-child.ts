import type { ChildProcess } from 'node:child_process';
import type { CertificateFacts } from '@atrium/proxy';
import { CommandError } from '../cli/command.ts';
import type { FromProxy, ToProxy } from '../process/messages.ts';
import { endOf } from './stop-child.ts';

/** Starting takes seconds, on a machine that does something else, too; longer takes only what waits for ever. */
const START_MS = 90_000;

/** A proxy process that listens. */
export interface ProxyChild {
  readonly pid: number;
  /** Where it really listens; differs from what was asked for only when that was 0. */
  readonly port: number;
  /** What it serves by TLS. */
  readonly certificates: readonly CertificateFacts[];
  readonly ended: Promise<string>;
  /** Another one has taken its place: it takes nobody new, and ends when everybody has gone, `deadlineMs` from now at the latest. */
  leave(deadlineMs: number): void;
}

/**
 * Waits until a proxy process listens.
 * @throws CommandError when it cannot, or did not after `patienceMs`; it has been ended then.
 */
export async function proxyChild(child: ChildProcess, patienceMs = START_MS): Promise<ProxyChild> {
  const ended = endOf(child);
  const ready = Promise.withResolvers<{ port: number; certificates: readonly CertificateFacts[] }>();
  child.on('message', (message: FromProxy) => {
    if (message.type === 'ready') ready.resolve(message);
    else ready.reject(new CommandError(message.problem));
  });
  void ended.then((how) => ready.reject(new CommandError(`The proxy ended while it started (${how}).`)));
  const late = setTimeout(() => {
    const after = `after ${Math.ceil(patienceMs / 1000)} seconds`;
    ready.reject(
      new CommandError(`The proxy did not listen ${after}, and was ended. What it waited for: atrium doctor`),
    );
    // Whoever hangs does not read what is said on the channel.
    child.kill('SIGKILL');
  }, patienceMs);
  const { port, certificates } = await ready.promise.finally(() => clearTimeout(late));
  return {
    pid: child.pid!,
    port,
    certificates,
    ended,
    leave(deadlineMs) {
      const message: ToProxy = { type: 'leave', deadlineMs };
      if (child.connected) child.send(message, () => {});
    },
  };
}
