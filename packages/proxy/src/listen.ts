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

export interface Listener {
  readonly address: { host: string; port: number };
  /** Takes no more connections; those that are open stay. */
  close(): void;
}

/** Listens on one address. Rejects with Node's error, `EADDRINUSE` and the like, when it cannot be had. */
export async function listen(
  where: { host: string; port: number },
  log: Log,
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  const { host } = where;
  const servers: Server[] = [];
  const close = () => {
    for (const server of servers) server.close();
  };
  try {
    // Sockets that share a port are not told that somebody else's shares it too: ask once without sharing.
    if (where.port !== 0 && SOCKETS > 1) await closed(await opened(where, false, () => {}));
    let { port } = where;
    for (let i = 0; i < SOCKETS; i += 1) {
      const server = await opened({ host, port }, SOCKETS > 1, onConnection);
      servers.push(server);
      // Such as too many open files: those who are connected are not to suffer from it.
      server.on('error', (err) => log.error({ err }, 'a connection could not be accepted'));
      port = (server.address() as AddressInfo).port;
    }
  } catch (error) {
    close();
    throw error;
  }
  const { address, port } = servers[0]!.address() as AddressInfo;
  return { address: { host: address, port }, close };
}

function opened(
  where: { host: string; port: number },
  reusePort: boolean,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
  const server = createServer(options, onConnection);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: BACKLOG, reusePort }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
