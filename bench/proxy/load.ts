import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BIG, FRAME_FROM_SERVER, frameOf, sentIn } from './frames.ts';

/** How a load went. */
export interface Load {
  /** Answers or messages that came back. */
  done: number;
  /** ms from sending to the whole answer, of each. */
  latencies: number[];
}

/** A request as a browser sends it: what a proxy has to read is part of the work. */
function requestText(method: string, path: string, length: number | undefined): string {
  return [
    `${method} ${path} HTTP/1.1`,
    'Host: hub.example.org',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Accept: application/json, text/plain, */*',
    'Accept-Language: en-US,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br',
    'Cookie: _xsrf=2|0c9b0a3f|d9a3c46d6d0f3f1f7ec7a32ab5bd1b5a|1763770000; jupyterhub-session-id=5b1f6f7a41e04c1fb5ed',
    'Referer: http://hub.example.org/user/bench/lab',
    ...(length === undefined ? [] : [`Content-Length: ${length}`]),
    '\r\n',
  ].join('\r\n');
}

const BODY = Buffer.alloc(BIG, 'u');

export interface HttpLoad {
  port: number;
  connections: number;
  /** Until when, ms of `performance.now()`. */
  until: number;
  /** No more requests than this. */
  most?: number;
  method: 'GET' | 'PUT';
  /** Of the n-th request. */
  path(n: number): string;
  /** Requests started per second, over all connections; undefined for as many as go. */
  rate?: number;
}

/** One keep-alive connection that knows where an answer ends. */
class Asker {
  readonly socket: Socket;
  #left = 0;
  #held = '';
  #sent = 0;
  #done: ((latency: number) => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  static async open(port: number): Promise<Asker> {
    let self: Asker | undefined;
    const buffer = Buffer.allocUnsafe(256 * 1024);
    const onread = { buffer, callback: (size: number) => self!.#onData(buffer, size) };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    self = new Asker(socket);
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    return self;
  }

  ask(head: string, body: Buffer | undefined, done: (latency: number) => void): void {
    this.#done = done;
    this.#sent = performance.now();
    if (!body) return void this.socket.write(head, 'latin1');
    this.socket.cork();
    this.socket.write(head, 'latin1');
    this.socket.write(body);
    this.socket.uncork();
  }

  get busy(): boolean {
    return this.#done !== undefined;
  }

  #onData(buffer: Buffer, size: number): boolean {
    let at = 0;
    if (this.#left === 0) {
      const text = this.#held + buffer.toString('latin1', 0, Math.min(size, 4096));
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#held = text;
        return true;
      }
      if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`answered ${text.slice(0, 200)}`);
      this.#left = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
      at = end + 4 - this.#held.length;
      this.#held = '';
    }
    this.#left -= size - at;
    if (!(this.#left >= 0)) throw new Error('an answer without its length, or longer than it');
    if (this.#left > 0) return true;
    const done = this.#done!;
    this.#done = undefined;
    done(performance.now() - this.#sent);
    return true;
  }
}

/** Asks until the time is over, each connection one thing at a time. Rejects when a connection is lost. */
export async function httpLoad(plan: HttpLoad): Promise<Load> {
  const askers = await Promise.all(Array.from({ length: plan.connections }, () => Asker.open(plan.port)));
  const load: Load = { done: 0, latencies: [] };
  const upload = plan.method === 'PUT' ? BODY : undefined;
  let asked = 0;
  const heads = new Map<string, string>();
  const over = () => performance.now() >= plan.until || asked >= (plan.most ?? Number.POSITIVE_INFINITY);
  const next = (asker: Asker, then: () => void): void => {
    const path = plan.path(asked++);
    let head = heads.get(path);
    if (head === undefined) {
      head = requestText(plan.method, path, upload?.length);
      heads.set(path, head);
    }
    asker.ask(head, upload, (latency) => {
      load.done++;
      load.latencies.push(latency);
      then();
    });
  };
  let ended = false;
  const lost = Promise.race(
    askers.map(async ({ socket }) => {
      await once(socket, 'close');
      if (!ended) throw new Error('the proxy closed a connection in the middle of the load');
    }),
  );
  try {
    await Promise.race([
      lost,
      plan.rate === undefined ? closedLoop(over, askers, next) : paced(plan.rate, over, askers, next),
    ]);
  } finally {
    ended = true;
    for (const { socket } of askers) socket.destroy();
  }
  return load;
}

type Next = (asker: Asker, then: () => void) => void;

async function closedLoop(over: () => boolean, askers: readonly Asker[], next: Next): Promise<void> {
  const ask = (asker: Asker) =>
    new Promise<void>((resolve) => {
      const again = () => (over() ? resolve() : next(asker, again));
      again();
    });
  await Promise.all(askers.map(ask));
}

/** Starts requests at their times, whatever became of those before, as long as a connection is free. */
async function paced(rate: number, over: () => boolean, askers: readonly Asker[], next: Next): Promise<void> {
  const began = performance.now();
  let due = 0;
  let open = 0;
  let turn = 0;
  while (!over()) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = performance.now();
    for (; due <= ((now - began) * rate) / 1000; due++) {
      const asker = askers[turn++ % askers.length]!;
      if (asker.busy) continue;
      open++;
      next(asker, () => open--);
    }
  }
  while (open > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A websocket at a proxy that sends one message at a time. */
export class EchoSocket {
  readonly socket: Socket;
  onEcho: ((sentAt: number) => void) | undefined;
  #held: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
      while (bytes.length >= FRAME_FROM_SERVER) {
        const value = sentIn(bytes);
        bytes = bytes.subarray(FRAME_FROM_SERVER);
        this.onEcho?.(value);
      }
      this.#held = bytes;
    });
  }

  static async open(port: number, path = '/user/bench/ws'): Promise<EchoSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => undefined);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: hub.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const [head] = await Promise.race([
      once(socket, 'data') as Promise<[Buffer]>,
      once(socket, 'close').then(() => [Buffer.from('nothing')]),
    ]);
    const text = head!.toString('latin1');
    if (!text.startsWith('HTTP/1.1 101 ') || !text.endsWith('\r\n\r\n')) throw new Error(`no websocket: ${text}`);
    return new EchoSocket(socket);
  }

  send(): void {
    this.socket.write(frameOf(performance.now()));
  }
}

/** Opens many, a few at a time. */
export async function openSockets(port: number, count: number, path?: string): Promise<EchoSocket[]> {
  const sockets: EchoSocket[] = [];
  while (sockets.length < count) {
    const some = Math.min(100, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => EchoSocket.open(port, path)))));
  }
  return sockets;
}

/**
 * Echoes over all of them until the time is over.
 * @param rate messages per second over all sockets; undefined for as many as go, one on its way per socket
 */
export async function echoLoad(sockets: readonly EchoSocket[], until: number, rate?: number): Promise<Load> {
  const load: Load = { done: 0, latencies: [] };
  let open = 0;
  let finish = (): void => undefined;
  for (const one of sockets) {
    one.onEcho = (sentAt) => {
      const now = performance.now();
      load.done++;
      load.latencies.push(now - sentAt);
      open--;
      if (rate === undefined && now < until) {
        open++;
        one.send();
      } else if (open === 0) finish();
    };
  }
  if (rate === undefined) {
    open = sockets.length;
    for (const one of sockets) one.send();
    await new Promise<void>((resolve) => (finish = resolve));
    return load;
  }
  const began = performance.now();
  let due = 0;
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = performance.now();
    for (; due <= ((now - began) * rate) / 1000; due++) {
      open++;
      sockets[due % sockets.length]!.send();
    }
  }
  if (open > 0) await new Promise<void>((resolve) => (finish = resolve));
  return load;
}
