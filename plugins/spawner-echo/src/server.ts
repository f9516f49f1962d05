import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Address } from '@atrium/sdk';
import { echoFrames } from './websocket.ts';

/** The tiny server that answers for everybody. */
export interface EchoServer extends AsyncDisposable {
  readonly address: Address;
}

/**
 * Listens on a Unix socket (`path`) or on a port of 127.0.0.1 (0: a free one). Whatever the prefix: `…/api` says which
 * version it is, `…/api/kernels` and `…/api/sessions` list what `running` names, each busy, `…/api/terminals` is empty,
 * every other path is a page with its own path on it, and a websocket gets back what it sends.
 */
export async function serveEcho(
  where: { path: string } | { port: number },
  running: () => readonly string[] = () => [],
): Promise<EchoServer> {
  const server = createServer((request, response) => respond(request, response, running()));
  server.on('upgrade', upgrade);
  if ('path' in where) await rm(where.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // A class that starts at once must not meet a full queue: Node's own default is 511.
    if ('path' in where) server.listen({ path: where.path, backlog: 4096 }, resolve);
    else server.listen({ port: where.port, host: '127.0.0.1', backlog: 4096 }, resolve);
  });
  // Alone, it keeps no process alive.
  server.unref();
  return { address: addressOf(server), [Symbol.asyncDispose]: () => close(server) };
}

function addressOf(server: Server): Address {
  const bound = server.address();
  if (bound === null) throw new Error('The echo server does not listen.');
  return typeof bound === 'string'
    ? { kind: 'unix', path: bound }
    : { kind: 'tcp', host: bound.address, port: bound.port };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function respond(request: IncomingMessage, response: ServerResponse, running: readonly string[]): void {
  const path = new URL(request.url ?? '/', 'http://echo').pathname.replace(/\/$/, '');
  if (path.endsWith('/api')) send(response, 'application/json', '{"version":"2.21.0"}');
  else if (path.endsWith('/api/kernels')) send(response, 'application/json', JSON.stringify(running.map(kernel)));
  else if (path.endsWith('/api/sessions')) {
    const sessions = running.map((name, at) => ({ id: `s${at}`, path: name, name, kernel: kernel(name, at) }));
    send(response, 'application/json', JSON.stringify(sessions));
  } else if (path.endsWith('/api/terminals')) send(response, 'application/json', '[]');
  else {
    const shown = path.replaceAll('&', '&amp;').replaceAll('<', '&lt;') || '/';
    send(response, 'text/html; charset=utf-8', `<!doctype html><title>echo</title><h1>${shown}</h1>`);
  }
}

const kernel = (_name: string, at: number) => ({
  id: `k${at}`,
  name: 'python3',
  execution_state: 'busy',
  last_activity: new Date(0).toISOString(),
});

function send(response: ServerResponse, type: string, body: string): void {
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.setHeader('X-JupyterHub-Version', '6.1.1');
  response.end(body);
}

/** RFC 6455 §4.2.2. */
function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const key = request.headers['sec-websocket-key'];
  if (!key || request.headers.upgrade?.toLowerCase() !== 'websocket') {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  echoFrames(socket, head);
}
