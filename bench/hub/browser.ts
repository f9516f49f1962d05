import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A connection that failed, or an answer that did not come in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** What a browser says by itself when somebody follows a link or sends a form. */
const NAVIGATION = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' };
const EVENTS = { accept: 'text/event-stream', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };

/** One person's browser, as far as a hub can tell: keeps cookies and connections, follows no redirect by itself. */
export class Browser implements Disposable {
  readonly #origin: URL;
  readonly #signal: AbortSignal;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #cookies = new Map<string, { name: string; path: string; value: string }>();
  requests = 0;

  constructor(origin: string, signal: AbortSignal) {
    this.#origin = new URL(origin);
    this.#signal = signal;
  }

  async get(path: string): Promise<Reply> {
    return readAll(await this.#send('GET', path, NAVIGATION));
  }

  async post(path: string, fields: Record<string, string>): Promise<Reply> {
    const body = new URLSearchParams(fields).toString();
    return readAll(await this.#send('POST', path, { ...NAVIGATION, origin: this.#origin.origin }, body));
  }

  /** Reads an event stream as `EventSource` does, each message's JSON, until it ends. */
  async *events(path: string): AsyncGenerator<unknown> {
    const reply = await this.#send('GET', path, EVENTS);
    if (reply.statusCode !== 200) {
      const { status, body } = await readAll(reply);
      throw new NoAnswer(`the event stream answered ${status}: ${body.slice(0, 200)}`);
    }
    let rest = '';
    reply.setEncoding('utf8');
    for await (const text of reply as AsyncIterable<string>) {
      const parts = (rest + text).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('data:')) yield JSON.parse(part.slice(5));
    }
  }

  /** The value of the cookie that fits a path best. */
  cookie(name: string, path: string): string | undefined {
    return this.#fitting(path).find((one) => one.name === name)?.value;
  }

  #fitting(path: string) {
    const fitting = [...this.#cookies.values()].filter((one) => path.startsWith(one.path));
    return fitting.sort((a, b) => b.path.length - a.path.length);
  }

  #store(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(/; */);
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
      if (value === '' || attributes.some((one) => /^max-age=0$/i.test(one))) this.#cookies.delete(`${name} ${path}`);
      else this.#cookies.set(`${name} ${path}`, { name, path, value });
    }
  }

  #send(method: string, path: string, headers: Record<string, string>, body?: string): Promise<IncomingMessage> {
    this.requests += 1;
    const { hostname: host, port } = this.#origin;
    const cookie = this.#fitting(path.split('?', 1)[0] ?? path)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const all = {
      'user-agent': 'atrium-bench',
      ...headers,
      ...(cookie && { cookie }),
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(Buffer.byteLength(body)),
      }),
    };
    return new Promise((resolve, reject) => {
      const sent = request({ host, port, method, path, headers: all, agent: this.#agent, signal: this.#signal });
      sent.on('error', (cause) => reject(new NoAnswer(`${method} ${path}: ${cause.message}`, { cause })));
      sent.on('response', (reply) => {
        this.#store(reply.headers['set-cookie'] ?? []);
        resolve(reply);
      });
      sent.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

async function readAll(reply: IncomingMessage): Promise<Reply> {
  let body = '';
  reply.setEncoding('utf8');
  for await (const text of reply as AsyncIterable<string>) body += text;
  return { status: reply.statusCode ?? 0, headers: reply.headers, body };
}
