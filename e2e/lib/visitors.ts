import * as http from 'node:http';
import * as https from 'node:https';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

/** A close frame that says "going away" (1001). */
const GOODBYE = '\x88\x02\x03\xe9';
/** The machine has more to do than this. */
const BREATH_MS = 10;

/** People who use one server all the time, to see whether anything of it is ever lost. */
export interface Visitors {
  /** Requests that were answered: on connections that are kept, and on new ones. */
  readonly kept: number;
  readonly fresh: number;
  /** Connections that were opened for them. */
  readonly opened: number;
  /** Messages that came back on upgraded connections, and how many of those were ended with a word. */
  readonly echoed: number;
  readonly goodbyes: number;
  /** Whatever else happened: a refusal, a reset, an end without an answer. */
  readonly faults: readonly string[];
  end(): Promise<void>;
}

/** Whom a visitor by https trusts, and which name it asks for. */
export interface Trust {
  ca: string;
  servername: string;
}

/** @param url of a server that answers 200 to any request, and echoes bytes on what is upgraded */
export function visitors(url: URL, many: { kept: number; fresh: number; sockets: number }, trust?: Trust): Visitors {
  const counts = { kept: 0, fresh: 0, opened: 0, echoed: 0, goodbyes: 0 };
  const faults: string[] = [];
  let over = false;

  async function asking(what: 'kept' | 'fresh'): Promise<void> {
    const { Agent } = trust ? https : http;
    const agent = what === 'kept' ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    while (!over) {
      await answer(url, { agent, ...trust }, () => (counts.opened += 1)).then(
        () => (counts[what] += 1),
        (error: Error) => faults.push(`${what} connection: ${error.message}`),
      );
      await delay(BREATH_MS);
    }
    if (agent) agent.destroy();
  }

  async function talking(): Promise<void> {
    while (!over) {
      const how = await talk(
        url,
        trust,
        () => over,
        () => (counts.echoed += 1),
      ).catch((error: Error) => error.message);
      if (how === 'goodbye') counts.goodbyes += 1;
      else if (how !== 'over') faults.push(`upgraded connection: ${how}`);
    }
  }

  const all = [
    ...Array.from({ length: many.kept }, () => asking('kept')),
    ...Array.from({ length: many.fresh }, () => asking('fresh')),
    ...Array.from({ length: many.sockets }, talking),
  ];
  return {
    get kept() {
      return counts.kept;
    },
    get fresh() {
      return counts.fresh;
    },
    get opened() {
      return counts.opened;
    },
    get echoed() {
      return counts.echoed;
    },
    get goodbyes() {
      return counts.goodbyes;
    },
    faults,
    async end() {
      over = true;
      await Promise.all(all);
    },
  };
}

/** One request. Rejects for anything but a whole answer with status 200. */
function answer(url: URL, options: https.RequestOptions, onOpened: () => void): Promise<void> {
  const { get } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const call = get(url, options, (reply) => {
      reply.on('error', reject).resume();
      reply.on('end', () => (reply.statusCode === 200 ? resolve() : reject(new Error(`status ${reply.statusCode}`))));
    });
    call.on('error', reject).on('socket', (socket) => {
      if (socket.connecting) onOpened();
    });
  });
}

/** A connection through the proxy to a server that echoes, as a kernel's is. Rejects when it cannot be had. */
export async function upgraded(url: URL, trust?: Trust): Promise<Socket> {
  const where = { host: url.hostname, port: Number(url.port) };
  const socket = trust ? connectTls({ ...where, ...trust }) : connect(where);
  socket.setEncoding('latin1');
  socket.write(
    `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  const head = await new Promise<string>((resolve, reject) => {
    socket.once('data', resolve).on('error', reject);
    socket.once('end', () => reject(new Error('ended without an answer')));
  });
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`not upgraded: ${head.split('\r\n')[0]}`);
  return socket;
}

/** Sends the next number whenever the last one came back, until the other side ends it. @returns how it ended */
async function talk(url: URL, trust: Trust | undefined, isOver: () => boolean, onEcho: () => void): Promise<string> {
  const socket = await upgraded(url, trust);
  const ended = Promise.withResolvers<string>();
  let sent = '';
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  const next = () => {
    if (isOver()) {
      ended.resolve('over');
      return;
    }
    sent = `${Date.now()};`;
    waiting = '';
    socket.write(sent);
  };
  socket.on('data', (text: string) => {
    waiting += text;
    if (waiting.endsWith(GOODBYE)) return ended.resolve('goodbye');
    if (!sent.startsWith(waiting)) return ended.resolve(`${JSON.stringify(waiting)} came back instead of ${sent}`);
    if (waiting !== sent) return;
    onEcho();
    timer = setTimeout(next, BREATH_MS);
  });
  socket.on('end', () => ended.resolve('ended without a word'));
  socket.on('error', (error) => ended.resolve(error.message));
  next();
  const how = await ended.promise;
  clearTimeout(timer);
  socket.destroy();
  return how;
}
