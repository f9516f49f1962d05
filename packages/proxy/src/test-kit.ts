import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActivityReport, Address, AppliedReport, Log, Route, RouteMessage } from '@atrium/sdk';
import { type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';

/** How long a test waits for something that should happen at once. */
export const SOON_MS = 20_000;
/** What does not move for so long stands still. */
const STILL_MS = 150;

export const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A directory of the test's own, short enough for sockets. */
export async function testDir(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'aprx-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Waits until `check` holds. */
export async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SOON_MS;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits until a count that has begun does not grow any more: whoever counts is held up. Gives it. */
export async function untilStill(what: string, count: () => number): Promise<number> {
  let before = -1;
  await until(what, async () => {
    const now = count();
    const still = now === before && now > 0;
    before = now;
    // Standing still shows in time only: there is no event for what does not happen.
    await new Promise((resolve) => setTimeout(resolve, STILL_MS));
    return still;
  });
  return count();
}

export interface TestServer extends AsyncDisposable {
  address: Address;
  /** Connections accepted so far. */
  accepted(): number;
  /** Open ones. */
  sockets: Set<Socket>;
  /** As `kill -9` would: every connection is cut, nothing listens. */
  kill(): Promise<void>;
}

async function listening(server: Server | HttpServer, where: Address | undefined): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  if (where?.kind === 'unix') server.listen(where.path);
  else server.listen(where?.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = where ?? ({ kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port } as const);
  const kill = async (): Promise<void> => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { address, accepted: () => accepted, sockets, kill, [Symbol.asyncDispose]: kill };
}

/** A server of Node's own HTTP, to see what arrives. */
export function httpServer(handler: RequestListener, where?: Address): Promise<TestServer> {
  return listening(createHttpServer({ keepAliveTimeout: 60_000 }, handler), where);
}

/** A server that reads and writes bytes by itself. */
export function rawServer(handler: (socket: Socket) => void, where?: Address): Promise<TestServer> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    handler(socket);
    socket.on('end', () => socket.end());
  });
  return listening(server, where);
}

/** A hub as the proxy sees it: both sockets, routes that the test sets, reports that it can read. */
export interface TestHub extends AsyncDisposable {
  hub: Address;
  control: Address;
  since: (string | null)[];
  reports: ActivityReport[];
  /** What the proxy told of itself, newest last. */
  figures: Record<string, unknown>[];
  /** What it said that it goes by, oldest first. */
  applied: AppliedReport[];
  send(message: RouteMessage): void;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function testHub(dir: string, routes: Route[] = [], page?: RequestListener): Promise<TestHub> {
  const hub: Address = { kind: 'unix', path: join(dir, 'hub.sock') };
  const control: Address = { kind: 'unix', path: join(dir, 'control.sock') };
  const streams = new Set<import('node:http').ServerResponse>();
  let running: TestServer[] = [];
  const self: TestHub = {
    hub,
    control,
    since: [],
    reports: [],
    figures: [],
    applied: [],
    send(message) {
      for (const stream of streams) stream.write(`${JSON.stringify(message)}\n`);
    },
    async start() {
      running = [
        await httpServer(page ?? ((request, reply) => void reply.end(`hub ${request.url}`)), hub),
        await httpServer((request, reply) => {
          const url = new URL(request.url!, 'http://hub');
          const told = { '/activity': self.reports, '/figures': self.figures, '/routes/applied': self.applied }[
            url.pathname
          ];
          if (told) {
            let body = '';
            request.on('data', (chunk) => (body += chunk)).on('end', () => told.push(JSON.parse(body)));
            return void reply.writeHead(204).end();
          }
          if (url.pathname === '/hub/health') return void reply.end('control');
          const since = url.searchParams.get('since');
          self.since.push(since);
          streams.add(reply);
          reply.on('close', () => streams.delete(reply));
          const first: RouteMessage =
            since === null ? { type: 'snapshot', version: 1, routes } : { type: 'ping', version: Number(since) };
          reply.write(`${JSON.stringify(first)}\n`);
        }, control),
      ];
    },
    async kill() {
      await Promise.all(running.map((server) => server.kill()));
      running = [];
    },
    [Symbol.asyncDispose]: () => self.kill(),
  };
  await self.start();
  return self;
}

export interface Rig extends AsyncDisposable {
  proxy: RunningProxy;
  hub: TestHub;
  dir: string;
  /** Opens a connection to the proxy that keeps everything it receives. */
  client(): Promise<Client>;
  /** Sends bytes, and returns all that comes back until the proxy closes the connection. */
  exchange(bytes: string): Promise<string>;
  url(path: string): string;
}

export interface RigOptions extends Partial<ProxyOptions> {
  routes?: Route[];
  page?: RequestListener;
  /** Start without a hub; `hub.start()` comes later. */
  hubDown?: boolean;
}

/** A proxy with a hub behind it that sent `routes`. */
export async function startRig({ routes = [], page, hubDown, ...options }: RigOptions = {}): Promise<Rig> {
  const dir = await testDir();
  const hub = await testHub(dir.path, routes, page);
  if (hubDown) await hub.kill();
  const proxy = await startProxy({
    host: '127.0.0.1',
    port: 0,
    hub: hub.hub,
    control: hub.control,
    tableFile: join(dir.path, 'data/routes.json'),
    log: quiet,
    ...options,
  }).catch(async (err) => {
    await hub.kill();
    await dir[Symbol.asyncDispose]();
    throw err;
  });
  if (!hubDown) await until('the routes are there', () => proxy.stats().routeVersion !== undefined);
  const { port } = proxy.address;
  return {
    proxy,
    hub,
    dir: dir.path,
    client: () => openClient(port),
    async exchange(bytes) {
      const client = await openClient(port);
      client.socket.write(bytes, 'latin1');
      return client.ended();
    },
    url: (path) => `http://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      await proxy.close({ graceMs: 0 });
      await hub.kill();
      await dir[Symbol.asyncDispose]();
    },
  };
}

export interface Client extends Disposable {
  socket: Socket;
  received(): string;
  /** Resolves with everything received, once that holds `text`. */
  sees(text: string): Promise<string>;
  /** Resolves with everything received, once the other side is done. */
  ended(): Promise<string>;
}

export async function openClient(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  let received = '';
  let over = false;
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  socket
    .on('end', () => (over = true))
    .on('close', () => (over = true))
    .on('error', () => undefined);
  await once(socket, 'connect');
  return {
    socket,
    received: () => received,
    async sees(text) {
      await until(`the client sees ${JSON.stringify(text)}, not ${JSON.stringify(received)}`, () => {
        return received.includes(text);
      });
      return received;
    },
    async ended() {
      await until('the connection ends', () => over);
      socket.destroy();
      return received;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

export const route = (path: string, server: TestServer, serverId = path): Route => ({
  path,
  target: server.address,
  serverId,
});
