import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Log } from '@atrium/sdk';

/** Node's own is 511: the first minute of a class is a thousand connections at once. */
const BACKLOG = 8192;
/** Finds laptops that were closed without a word. */
const TCP_KEEPALIVE_MS = 60_000;
/**
 * Node accepts one connection per listening socket in a turn of its event loop, and a turn in a storm takes
 * milliseconds: newcomers, a health check among them, would wait behind each other. Linux spreads them over the sockets.
 */
const SOCKETS = process.platform === 'linux' ? 8 : 1;

export interface Where {
  host: string;
  port: number;
  /**
   * Descriptors of one socket that the process that started this one has bound there (`bindSocket`) and keeps: whoever
   * comes while no process listens, or another one takes over, waits in it. With several, several connections are
   * accepted in a turn of the event loop.
   */
  fds?: readonly number[];
}

export interface Listener {
  readonly address: { host: string; port: number };
  /** Takes no more connections; those that are open stay. Resolves once the last of them has ended. */
  close(): Promise<void>;
}

/** Listens on one address. Rejects with Node's error, `EADDRINUSE` and the like, when it cannot be had. */
export async function listen(where: Where, log: Log, onConnection: (socket: Socket) => void): Promise<Listener> {
  const servers: Server[] = [];
  let closed: Promise<unknown> | undefined;
  const close = async () => {
    closed ??= Promise.all(servers.map(closing));
    await closed;
  };
  const add = (server: Server) => {
    servers.push(server);
    // Such as too many open files: those who are connected are not to suffer from it.
    server.on('error', (err) => log.error({ err }, 'a connection could not be accepted'));
  };
  try {
    if (where.fds) for (const fd of where.fds) add(await opened({ fd }, onConnection));
    else await openShared(where, onConnection, add);
  } catch (error) {
    void close();
    throw error;
  }
  const { address, port } = servers[0]!.address() as AddressInfo;
  return { address: { host: address, port }, close };
}

/** Opens sockets of our own that share a port. */
async function openShared(
  { host, port: asked }: Where,
  onConnection: (socket: Socket) => void,
  add: (server: Server) => void,
): Promise<void> {
  // Sockets that share a port are not told that somebody else's shares it too: ask once without sharing.
  if (asked !== 0 && SOCKETS > 1) await closing(await opened({ host, port: asked }, () => {}));
  let port = asked;
  for (let i = 0; i < SOCKETS; i += 1) {
    const server = await opened({ host, port, reusePort: SOCKETS > 1 }, onConnection);
    add(server);
    port = (server.address() as AddressInfo).port;
  }
}

function opened(
  where: { host: string; port: number; reusePort?: boolean } | { fd: number },
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
  const server = createServer(options, onConnection);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Once more by itself: that is where Node looks for it with a descriptor.
    server.listen({ ...where, backlog: BACKLOG }, BACKLOG, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
