import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** A reply as it came: nothing followed, nothing stored. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON. @throws Error that shows the body when it is none */
  // biome-ignore lint/suspicious/noExplicitAny: what a hub answers is what the test is about to find out
  json(): any;
}

export interface Sending {
  headers?: Record<string, string>;
  /** Sent as it is when it is text or bytes, else as JSON. */
  body?: unknown;
}

export type Client = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

const PATIENCE_MS = 60_000;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** What stands in the origin is the Host header; all hubs are on this machine. Sends exactly this path and these headers, as no `fetch` would. */
export function send(
  origin: string,
  method: string,
  path: string,
  { headers = {}, body }: Sending = {},
): Promise<Answer> {
  const { host, port } = new URL(origin);
  const asItIs = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const text = asItIs ? body : JSON.stringify(body);
  const typed = asItIs ? {} : { 'content-type': 'application/json' };
  const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, method, path, agent, headers: { host, ...typed, ...length, ...headers } },
      (reply) => {
        let got = '';
        reply.setEncoding('utf8');
        reply.on('data', (chunk: string) => {
          got += chunk;
        });
        reply.on('error', reject);
        reply.on('end', () => resolve(answerOf(reply.statusCode ?? 0, reply.headers, got)));
      },
    );
    sent.on('error', reject);
    sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error(`${method} ${path}: no answer`)));
    sent.end(text);
  });
}

function answerOf(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  return {
    status,
    headers,
    text,
    json() {
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`${status} without JSON: ${text.slice(0, 300)}`);
      }
    },
  };
}

/** Reads an answer that does not end, until what came is enough; then hangs up. @returns what came */
export function sendUntil(
  origin: string,
  path: string,
  headers: Record<string, string>,
  enough: (text: string) => boolean,
): Promise<string> {
  const { host, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, path, agent: false, headers: { host, ...headers } },
      (reply) => {
        let got = '';
        const end = () => {
          resolve(got);
          sent.destroy();
        };
        reply.setEncoding('utf8');
        reply.on('data', (chunk: string) => {
          got += chunk;
          if (enough(got)) end();
        });
        reply.on('error', () => {});
        reply.on('end', () => (enough(got) ? end() : reject(new Error(`${path} ended after ${JSON.stringify(got)}`))));
      },
    );
    sent.on('error', reject);
    sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error(`${path}: nothing comes any more`)));
    sent.end();
  });
}

/** Calls below `root` with a token, or with none. */
export function client(origin: string, root: string, token?: string): Client {
  return (method, path, body, headers = {}) =>
    send(origin, method, root + path, {
      body,
      headers: { ...(token === undefined ? {} : { authorization: `token ${token}` }), ...headers },
    });
}

const LOOK_EVERY_MS = 50;

/** Looks until it is so. @throws Error that says what was seen last */
export async function eventually<T>(
  look: () => Promise<T>,
  good: (seen: T) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (good(seen)) return seen;
    if (Date.now() > until)
      throw new Error(`Not so after ${patienceMs / 1000} s; last seen: ${JSON.stringify(seen)?.slice(0, 500)}`);
    await delay(LOOK_EVERY_MS);
  }
}
