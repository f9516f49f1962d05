import type { Socket } from 'node:net';
import type { ProxyContext } from './context.ts';
import { isSocketWork, type SocketKind, socketKind } from './work.ts';

/** A close frame that says "going away" (1001), unmasked as a server sends it, and masked with zeros as a client must. */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);
const GOING_AWAY_MASKED = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]);

/** How long one side may stay open after the other has said its last word. */
const HALF_OPEN_MS = 30_000;

/**
 * An upgraded connection: bytes go from one side to the other as they come. It knows no route and no hub, so neither a
 * change of the table nor the end of the hub touches it.
 */
export class Splice {
  readonly #context: ProxyContext;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly serverId: string | undefined;
  readonly #kind: SocketKind;
  /** Hashes of the tokens it was opened with. */
  readonly tokens: readonly string[];
  #deadline = 0;

  /** @param path relative to the server's prefix; decides what counts as work */
  constructor(
    context: ProxyContext,
    client: Socket,
    server: Socket,
    serverId: string | undefined,
    path: string,
    tokens: readonly string[],
  ) {
    this.#context = context;
    this.#client = client;
    this.#server = server;
    this.serverId = serverId;
    this.#kind = socketKind(path);
    this.tokens = tokens;
  }

  /**
   * @param head of the 101 answer
   * @param early bytes that the server sent behind it
   * @param sent bytes that the client sent without waiting for it
   */
  start(head: string, early: Buffer, sent: Buffer | undefined): void {
    const client = this.#client;
    const server = this.#server;
    this.#context.splices.add(this);
    this.#join(client, server, true);
    this.#join(server, client, false);
    client.write(head, 'latin1');
    if (early.length > 0) this.#pass(early, server, client, false);
    if (sent) this.#pass(sent, client, server, true);
    client.resume();
    server.resume();
  }

  /** Says goodbye on both sides: at the proxy's own end, or when whoever opened it may not use it any more. */
  goAway(): void {
    this.#client.end(GOING_AWAY);
    this.#server.end(GOING_AWAY_MASKED);
    // Bytes of a frame that was cut in two would only confuse: each side has the last word it needs.
    this.#client.removeAllListeners('data').resume();
    this.#server.removeAllListeners('data').resume();
    this.#deadline = this.#context.clock.now() + HALF_OPEN_MS;
  }

  sweep(now: number): void {
    if (this.#deadline > 0 && now >= this.#deadline) this.destroy();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #join(from: Socket, to: Socket, fromClient: boolean): void {
    from.on('data', (chunk: Buffer) => this.#pass(chunk, from, to, fromClient));
    from.on('drain', () => to.resume());
    from.on('end', () => {
      to.end();
      this.#deadline = this.#context.clock.now() + HALF_OPEN_MS;
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      // Nobody is left to take what the other side says; what this side said last is still written to it.
      to.destroySoon();
      this.#deadline = this.#context.clock.now() + HALF_OPEN_MS;
      if (to.destroyed) this.#context.splices.delete(this);
    });
  }

  #pass(chunk: Buffer, from: Socket, to: Socket, fromClient: boolean): void {
    if (to.writable && !to.write(chunk)) from.pause();
    if (this.#deadline > 0) this.#deadline = this.#context.clock.now() + HALF_OPEN_MS;
    if (this.serverId === undefined) return;
    const work = fromClient && isSocketWork(this.#kind, chunk);
    this.#context.activity.note(this.serverId, this.#context.clock.now(), work);
  }
}
