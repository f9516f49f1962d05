import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RedirectOptions } from './options.ts';

const LASTS_MS = 15_000;
const MAX_HEAD = 16 * 1024;
const HTTPS_PORT = 443;
/** A host name, an IPv4 address or an IPv6 one in brackets; with or without a port. */
const HOST = /^((?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_.])?)|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** What load balancers ask configurable-http-proxy, also where it has nothing but this to say. */
const ALIVE_PATH = '/_chp_healthz';

/** Answers browsers that came without TLS. It listens nowhere by itself. */
export interface Redirect {
  accept(socket: Socket): void;
  /** Cuts off everybody. */
  close(): void;
}

export interface RedirectServerOptions extends Pick<RedirectOptions, 'status'> {
  /** Where TLS is, as browsers see it. */
  toPort(): number;
  /** The answer to an ACME authority that asks for this path without TLS. */
  challenge?(path: string): string | undefined;
  /** What load balancers ask of the hub, by whichever port they know; resolves with whether it is well. */
  health?: { path: string; ask(signal: AbortSignal): Promise<boolean> };
  /** How long a connection may last, from its first moment to the end of the answer, ms. */
  lastsMs?: number;
}

/** @returns a server that sends everybody but ACME authorities and load balancers to the same path and query by https */
export function openRedirect(options: RedirectServerOptions): Redirect {
  const { toPort, status = 308, challenge, health, lastsMs = LASTS_MS } = options;
  const server = createServer({ maxHeaderSize: MAX_HEAD, keepAliveTimeout: 1 }, (request, reply) =>
    answer(request, reply, { status, port: toPort(), challenge, health }),
  );
  const sockets = new Set<Socket>();
  return {
    accept(socket) {
      sockets.add(socket);
      // Node's own timeouts need a server that listens; the socket's begins anew with each byte.
      const end = setTimeout(() => socket.destroy(), lastsMs);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        clearTimeout(end);
        sockets.delete(socket);
      });
      server.emit('connection', socket);
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Answering {
  status: 301 | 308;
  port: number;
  challenge: RedirectServerOptions['challenge'] | undefined;
  health: RedirectServerOptions['health'] | undefined;
}

function answer(request: IncomingMessage, reply: ServerResponse, answering: Answering): void {
  const { status, port, challenge, health } = answering;
  const { url = '/', headers } = request;
  // One answer a connection: who follows it goes elsewhere, and a body that comes with it is not read.
  reply.setHeader('connection', 'close');
  if (url === ALIVE_PATH) {
    reply.setHeader('content-type', 'application/json');
    return void reply.end('{"status":"OK"}');
  }
  if (url === health?.path) return void answerHealth(reply, health.ask);
  const proof = challenge?.(url);
  if (proof !== undefined) {
    reply.setHeader('content-type', 'application/octet-stream');
    return void reply.end(proof);
  }
  const host = HOST.exec(headers.host ?? '')?.[1];
  if (host === undefined || !url.startsWith('/')) {
    reply.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' });
    return void reply.end('Only https is spoken here, and this request does not say which host it is for.\n');
  }
  const location = `https://${host}${port === HTTPS_PORT ? '' : `:${port}`}${url}`;
  reply.writeHead(status, { location, 'content-length': 0 });
  reply.end();
}

async function answerHealth(reply: ServerResponse, ask: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
  const gone = new AbortController();
  reply.on('close', () => gone.abort());
  const isWell = await ask(gone.signal).catch(() => false);
  reply.writeHead(isWell ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  reply.end(isWell ? 'ok\n' : 'The hub does not answer.\n');
}
