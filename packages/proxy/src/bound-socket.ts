import { lookup } from 'node:dns/promises';
import * as net from 'node:net';
import { getSystemErrorName } from 'node:util';

/** A socket that is bound to an address and at which this process does not listen: it is handed to others. */
export interface BoundSocket {
  readonly host: string;
  /** Where it really is; differs from what was asked for only when that was 0. */
  readonly port: number;
  /** For `stdio` of `spawn`; valid until `close`. */
  readonly fd: number;
  /** Nobody new is handed it. Those who have it keep it. */
  close(): void;
}

/** Node's own TCP handle, as far as it is used here. */
interface Handle {
  readonly fd: number;
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
}

/**
 * What Node's `listen` and its cluster module begin with. It has no documented name, and there is no other way: `listen`
 * itself would accept connections in this process, which nobody here answers.
 */
const create = (
  net as unknown as {
    _createServerHandle?: (host: string, port: number, family: 4 | 6, fd: -1, flags: 0) => Handle | number;
  }
)._createServerHandle;

/**
 * Binds a TCP socket. `::` is every address of the machine, of both families. Whoever is given its descriptor may listen
 * at it, several processes at the same time, without the right to open that port.
 * @throws Error with `code` (`EADDRINUSE`, `EACCES`, …), `address` and `port` when it cannot be had
 */
export async function bindSocket({ host, port }: { host: string; port: number }): Promise<BoundSocket> {
  if (!create) throw new Error('This version of Node.js cannot open a socket for other processes.');
  const { address, family } = await lookup(host).catch((error: NodeJS.ErrnoException) => {
    throw Object.assign(error, { port });
  });
  const handle = create(address, port, family === 6 ? 6 : 4, -1, 0);
  if (typeof handle === 'number') throw failure(handle, address, port);
  const name: { address?: string; port?: number } = {};
  // That somebody else listens there is only told now.
  const status = handle.getsockname(name);
  if (status !== 0) {
    handle.close();
    throw failure(status, address, port);
  }
  return { host: name.address ?? address, port: name.port ?? port, fd: handle.fd, close: () => handle.close() };
}

function failure(status: number, address: string, port: number): Error {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`bind ${code} ${address}:${port}`), { code, syscall: 'bind', address, port });
}
