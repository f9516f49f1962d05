import type { ClientReads } from './client-reads.ts';
import type { ClientSocket, ProxyContext } from './context.ts';
import type { Upstream } from './upstream.ts';
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
  /** The client's. */
  readonly socket: ClientSocket;
  readonly #reads: ClientReads;
  readonly #server: ClientSocket;
  readonly #upstream: Upstream;
  readonly serverId: string | undefined;
  readonly #kind: SocketKind;
  /** Hashes of the tokens it was opened with. */
  readonly tokens: readonly string[];
  readonly #peer: string | undefined;
  readonly #onOver: (() => void) | undefined;
  #deadline = 0;

  /**
   * @param path relative to the server's prefix; decides what counts as work
   * @param peer under which the client's connection was counted; undefined when it was not
   */
  constructor(
    context: ProxyContext,
    client: ClientSocket,
    reads: ClientReads,
    upstream: Upstream,
    serverId: string | undefined,
    path: string,
    tokens: readonly string[],
    peer: string | undefined,
    onOver: (() => void) | undefined,
  ) {
    this.#context = context;
    this.socket = client;
    this.#reads = reads;
    this.#server = upstream.socket;
    this.#upstream = upstream;
    this.serverId = serverId;
    this.#kind = socketKind(path);
    this.tokens = tokens;
    this.#peer = peer;
    this.#onOver = onOver;
  }

  /**
   * @param head of the 101 answer
   * @param early bytes that the server sent behind it
   * @param sent bytes that the client sent without waiting for it
   */
  start(head: string, early: Buffer, sent: Buffer | undefined): void {
    const client = this.socket;
    const server = this.#server;
    this.#context.splices.add(this);
    this.#reads.take = (chunk) => this.#fromClient(chunk);
    this.#upstream.splice((chunk) => this.#fromServer(chunk));
    this.#join(client, server);
    this.#join(server, client);
    client.write(head, 'latin1');
    if (early.length > 0) this.#fromServer(early);
    if (sent) this.#fromClient(sent);
    client.resume();
    server.resume();
  }

  /** Says goodbye on both sides: at the proxy's own end, or when whoever opened it may not use it any more. */
  goAway(): void {
    this.socket.end(GOING_AWAY);
    this.#server.end(GOING_AWAY_MASKED);
    // Bytes of a frame that was cut in two would only confuse: each side has the last word it needs.
    this.#reads.take = () => undefined;
    this.#upstream.splice(() => undefined);
    this.socket.resume();
    this.#server.resume();
    this.#deadline = this.#context.clock.now() + HALF_OPEN_MS;
  }

  sweep(now: number): void {
    if (this.#deadline > 0 && now >= this.#deadline) this.destroy();
  }

  destroy(): void {
    this.socket.destroy();
    this.#server.destroy();
  }

  #join(from: ClientSocket, to: ClientSocket): void {
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
      if (to.destroyed && this.#context.splices.delete(this)) this.#over();
    });
  }

  /** Both sides are closed. */
  #over(): void {
    const { counts, peers } = this.#context;
    counts.bytesIn += this.socket.bytesRead;
    counts.bytesOut += this.socket.bytesWritten;
    if (this.#peer !== undefined) peers.leave(this.#peer);
    this.#onOver?.();
  }

  #fromClient(chunk: Buffer): void {
    const server = this.#server;
    if (server.writable && !this.#reads.pass(server, chunk)) this.socket.pause();
    this.#moved(this.serverId !== undefined && isSocketWork(this.#kind, chunk));
  }

  #fromServer(chunk: Buffer): void {
    const client = this.socket;
    if (client.writable && !this.#context.pool.buffers.pass(client, chunk)) this.#server.pause();
    this.#moved(false);
  }

  #moved(work: boolean): void {
    const now = this.#context.clock.now();
    if (this.#deadline > 0) this.#deadline = now + HALF_OPEN_MS;
    if (this.serverId !== undefined) this.#context.activity.note(this.serverId, now, work);
  }
}
