import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Fields that speak of one connection only: no two proxies need agree on them. */
const OF_A_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** A target that says what it was asked; below `/away` it redirects to itself, and as error target it writes pages. */
export async function startTarget(socketPath?: string): Promise<AsyncDisposable & { url: string; host: string }> {
  const server = createServer((request, reply) => {
    const url = request.url ?? '';
    const [, code, away] = /\/away\/([0-9]+)(?:\/(.*))?/.exec(url) ?? [];
    if (code !== undefined) {
      const location = away ? decodeURIComponent(away) : `http://${host}/there?x=1#y`;
      return void reply.writeHead(Number(code), { Location: location }).end();
    }
    if (url.startsWith('/pages/'))
      return void reply.writeHead(200, { 'Content-Type': 'text/x-page' }).end(`page ${url}`);
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const headers = Object.entries(request.headers).filter(([name]) => !OF_A_HOP.has(name));
      headers.sort(([a], [b]) => (a < b ? -1 : 1));
      reply.setHeader('X-Own', 'kept');
      reply.end(JSON.stringify({ method: request.method, url, headers, body }));
    });
  });
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => {});
    if (request.url?.endsWith('/refused')) return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  });
  if (socketPath === undefined) server.listen(0, '127.0.0.1');
  else server.listen(socketPath);
  await once(server, 'listening');
  const host = socketPath === undefined ? `127.0.0.1:${(server.address() as AddressInfo).port}` : 'localhost';
  return {
    url: socketPath === undefined ? `http://${host}` : `http+unix://${encodeURIComponent(socketPath)}`,
    host,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
