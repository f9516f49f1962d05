import type { FastifyReply } from 'fastify';

/** A reader that is so far behind gets nothing more: it may come again and begin anew; bytes. */
const MOST_WAITING = 16 * 1024 * 1024;

/** Server-sent events: an answer that stays open until either side ends it. */
export class EventStream {
  readonly #reply: FastifyReply;
  #closed = false;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      // Front servers that would collect the stream before passing it on are asked not to.
      'x-accel-buffering': 'no',
    });
    this.onClose(() => {
      this.#closed = true;
    });
    this.breathe();
  }

  get closed(): boolean {
    return this.#closed;
  }

  onClose(listener: () => void): void {
    if (this.#reply.raw.closed) listener();
    else this.#reply.raw.once('close', listener);
  }

  /** Without a name for clients that know none (contract §3.8). */
  send(event: string | undefined, data: object): void {
    this.#write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Keeps middleboxes from closing a stream on which nothing happens. */
  breathe(): void {
    this.#write('\n\n');
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reply.raw.end();
  }

  #write(text: string): void {
    if (this.#closed) return;
    if (this.#reply.raw.writableLength > MOST_WAITING) {
      this.#closed = true;
      this.#reply.raw.destroy();
    } else this.#reply.raw.write(text);
  }
}
