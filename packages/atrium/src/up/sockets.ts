import { type BoundSocket, bindSocket } from '@atrium/proxy';
import { CommandError } from '../cli/command.ts';
import { FIRST_FD } from '../process/child.ts';
import type { ProxyArguments, PublicSettings } from '../process/messages.ts';
import { explainPort } from './port.ts';

type Name = keyof ProxyArguments['fds'];

/**
 * How often a proxy process gets each socket. Node accepts one connection per descriptor in a turn of its event loop: with
 * one, newcomers in a storm would wait behind each other. Every one of them is woken by every connection, so not many.
 */
const COPIES = process.platform === 'linux' ? 4 : 1;

/**
 * The sockets that proxy processes listen at. They are opened here, once, and outlive each of those processes: who comes
 * while one is gone or replaced waits in the socket's queue instead of being refused.
 */
export interface Sockets {
  /**
   * @param remedy what to do when the address cannot be had, given the reason
   * @returns where it really is
   * @throws CommandError naming who has it
   */
  bind(
    name: Name,
    where: { host: string; port: number },
    remedy: (code: string) => string,
  ): Promise<{ host: string; port: number }>;
  has(name: Name): boolean;
  /** What a child inherits, and the numbers under which it finds that. */
  forChild(names: readonly Name[]): { fds: number[]; numbers: ProxyArguments['fds'] };
  /** Closed as soon as no process has it any more. */
  release(name: Name): void;
  /** Nobody new is let in once the processes that listen have ended, too. */
  close(): void;
}

export function heldSockets(): Sockets {
  const held = new Map<Name, BoundSocket>();
  return {
    async bind(name, where, remedy) {
      try {
        const socket = await bindSocket(where);
        held.set(name, socket);
        return { host: socket.host, port: socket.port };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === undefined) throw error;
        throw new CommandError(explainPort(where.host, where.port, code, remedy(code)));
      }
    },
    has: (name) => held.has(name),
    forChild(names) {
      const fds: number[] = [];
      const numbers: ProxyArguments['fds'] = { main: [], api: [], redirect: [] };
      for (const name of names) {
        const socket = held.get(name);
        if (!socket) continue;
        for (let copy = 0; copy < COPIES; copy += 1) numbers[name].push(FIRST_FD + fds.push(socket.fd) - 1);
      }
      return { fds, numbers };
    },
    release(name) {
      held.get(name)?.close();
      held.delete(name);
    },
    close() {
      for (const socket of held.values()) socket.close();
      held.clear();
    },
  };
}

const remedy = (other: string) => (code: string) =>
  code === 'EACCES' ? `Choose one from 1024 on: ${other}.` : `Stop it, or choose another port: ${other}.`;

/** Opens the ports for browsers. @throws CommandError */
export async function bindPublic(sockets: Sockets, settings: PublicSettings): Promise<{ port: number }> {
  const { host, port } = settings;
  const main = await sockets.bind('main', { host, port }, remedy('atrium up --port <number>'));
  if (redirects(settings)) await bindRedirect(sockets, settings);
  return main;
}

/** Whether there is a port that leads to the one with TLS. */
export const redirects = ({ tls, redirectPort }: PublicSettings): boolean =>
  tls !== undefined && redirectPort !== undefined;

/** @throws CommandError */
export async function bindRedirect(sockets: Sockets, { host, redirectPort = 0 }: PublicSettings): Promise<void> {
  await sockets.bind('redirect', { host, port: redirectPort }, remedy('redirectPort in the configuration'));
}
