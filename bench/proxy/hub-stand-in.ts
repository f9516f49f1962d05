import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Address, Route } from '@atrium/sdk';

/** What the proxy needs of a hub: the stream of routes, and somebody who takes its reports. */
export interface HubStandIn extends AsyncDisposable {
  hubSocket: string;
  controlSocket: string;
  change(set: readonly Route[], gone: readonly string[]): void;
}

export async function startHubStandIn(dir: string, routes: Route[]): Promise<HubStandIn> {
  const streams = new Set<ServerResponse>();
  const all = new Map(routes.map((route) => [route.path, route]));
  let version = 1;
  const send = (stream: ServerResponse, message: object) => stream.write(`${JSON.stringify(message)}\n`);
  const control = createServer((request, reply) => {
    request.resume();
    if (request.method === 'POST') return void reply.writeHead(204).end();
    streams.add(reply);
    reply.on('close', () => streams.delete(reply));
    send(reply, { type: 'snapshot', version, routes: [...all.values()] });
  });
  // Kept connections to it would be the proxy's to hold, and in the way of counting what is open.
  const hub = createServer((_, reply) => void reply.setHeader('connection', 'close').end('hub'));
  const ping = setInterval(() => {
    for (const stream of streams) send(stream, { type: 'ping', version });
  }, 2_000);
  const [hubSocket, controlSocket] = [join(dir, 'hub.sock'), join(dir, 'control.sock')];
  await Promise.all([listening(hub, hubSocket), listening(control, controlSocket)]);
  return {
    hubSocket,
    controlSocket,
    change(set, gone) {
      for (const route of set) all.set(route.path, route);
      for (const path of gone) all.delete(path);
      version++;
      for (const stream of streams) send(stream, { type: 'change', version, set, delete: gone });
    },
    async [Symbol.asyncDispose]() {
      clearInterval(ping);
      for (const server of [hub, control]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

const listening = (server: Server, path: string) =>
  new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));

/** A person's server at an address. */
export function routeTo(path: string, target: Address): Route {
  return { path, target, serverId: `server-${path}` };
}
