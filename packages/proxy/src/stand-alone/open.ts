import { lstatSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls';
import type { Log } from '@atrium/sdk';
import { listen } from '../listen.ts';

/** Where a server listens. An empty host is every address of the machine; port 0 chooses one. */
export type Where = { host: string; port: number } | { path: string };

export interface Opened {
  /** Where it listens, for a person: `127.0.0.1:8000`, or the path of its socket. */
  readonly name: string;
  /** Of a TCP listener; 0 for a Unix socket. */
  readonly port: number;
  /** Takes no more connections; those that are open stay. */
  close(): void;
  /** Closes, and cuts off who came through here by TLS or to Node's HTTP, also in the middle of a handshake. */
  closed(): Promise<void>;
  /** Of a side with TLS: who comes from now on is served by this. Throws what is wrong with it. */
  setSecureContext?: TlsServer['setSecureContext'];
}

const HANDSHAKE_MS = 15_000;
const BACKLOG = 8192;

/** Opens the public side. Rejects with Node's error when it cannot be had. */
export async function openPublic(
  where: Where,
  tls: TlsOptions | undefined,
  log: Log,
  onConnection: (socket: Socket) => void,
): Promise<Opened> {
  if (!tls && !('path' in where)) {
    const { address, close } = await listen(where, log, onConnection);
    return { name: nameOf(address.host, address.port), port: address.port, close, closed: async () => void close() };
  }
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };
  if (!tls) {
    const { close, ...rest } = await opened(createServer(options, onConnection), where, log);
    return { ...rest, close, closed: async () => close() };
  }
  const server = createTlsServer({ handshakeTimeout: HANDSHAKE_MS, ...tls, ...options }, onConnection);
  server.on('tlsClientError', (err, socket) => {
    log.debug({ err }, 'a TLS handshake failed');
    // Node only tells that its time is over.
    socket.destroy();
  });
  const closed = closing(server);
  const setSecureContext: TlsServer['setSecureContext'] = (details) => server.setSecureContext(details);
  return { ...(await opened(server, where, log)), closed, setSecureContext };
}

/** Opens a server of Node's HTTP, for what is not the data path: routes, figures, redirects. */
export async function openHttp(
  where: Where,
  tls: TlsOptions | undefined,
  log: Log,
  handler: RequestListener,
): Promise<Opened> {
  const secure = tls && createHttpsServer({ handshakeTimeout: HANDSHAKE_MS, ...tls }, handler);
  const server = secure ?? createHttpServer(handler);
  const closed = closing(server);
  const opening = { ...(await opened(server, where, log)), closed };
  return secure ? { ...opening, setSecureContext: (details) => secure.setSecureContext(details) } : opening;
}

/** Follows connections from their first moment on: Node's own `closeAllConnections` knows none before its handshake. */
function closing(server: Server): () => Promise<void> {
  const accepted = new Set<Socket>();
  server.on('connection', (socket) => {
    accepted.add(socket);
    socket.on('close', () => accepted.delete(socket));
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of accepted) socket.destroy();
    });
}

async function opened(server: Server, where: Where, log: Log): Promise<Omit<Opened, 'closed'>> {
  try {
    await listening(server, where);
  } catch (err) {
    const inUse = (err as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!('path' in where) || !inUse || !(await isAbandoned(where.path))) throw err;
    rmSync(where.path);
    await listening(server, where);
  }
  server.on('error', (err) => log.error({ err }, 'a connection could not be accepted'));
  const close = () => void server.close();
  if ('path' in where) return { name: where.path, port: 0, close };
  const { address, port } = server.address() as AddressInfo;
  return { name: nameOf(address, port), port, close };
}

function listening(server: Server, where: Where): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * The socket of a proxy that was killed lies there still, and nobody is behind it. Nothing else may be removed: not a file
 * that a slip of the pen names, nor the socket of somebody who is too busy, or whom this account may not ask.
 */
async function isAbandoned(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    const say = (yes: boolean) => {
      probe.destroy();
      resolve(yes);
    };
    probe.on('connect', () => say(false)).on('error', (err: NodeJS.ErrnoException) => say(err.code === 'ECONNREFUSED'));
  });
}

const nameOf = (host: string, port: number) => `${host.includes(':') ? `[${host}]` : host}:${port}`;
