import { type BoundSocket, bindSocket } from '@atrium/proxy';
import { CommandError } from '../cli/command.ts';
import { FIRST_FD } from '../process/child.ts';
import type { ProxyArguments } from '../process/messages.ts';
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
  /** What a child inherits, and the numbers under which it finds that. */
  forChild(): { fds: number[]; numbers: ProxyArguments['fds'] };
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
    forChild() {
      const fds: number[] = [];
      const numbers: ProxyArguments['fds'] = { main: [], api: [], redirect: [] };
      for (const [name, { fd }] of held) {
        for (let copy = 0; copy < COPIES; copy += 1) numbers[name].push(FIRST_FD + fds.push(fd) - 1);
      }
      return { fds, numbers };
    },
    close() {
      for (const socket of held.values()) socket.close();
      held.clear();
    },
  };
}
