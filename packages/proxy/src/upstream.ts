import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Buffers } from './buffers.ts';
import { addressKey, type UpstreamAddress } from './route-table.ts';

/** Who uses an upstream connection just now. */
export interface UpstreamUser {
  onUpstreamOpen(): void;
  /** @param chunk holds these bytes until this returns: what is kept is copied */
  onUpstreamData(chunk: Buffer): void;
  onUpstreamDrain(): void;
  /** The server sends no more. */
  onUpstreamEnd(): void;
  /** Gone; not called after `discard` or `release`. */
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void;
}

/** One connection to a server, used by one exchange after the other. */
export class Upstream {
  readonly socket: Socket;
  readonly key: string;
  user: UpstreamUser | undefined;
  open = false;
  /** It has carried an exchange before, so the server may be closing it this very moment. */
  reused = false;
  idleUntil = 0;
  idleSince = 0;
  #error: NodeJS.ErrnoException | undefined;
  #onSpliced: ((chunk: Buffer) => void) | undefined;
  readonly #onRead: (chunk: Buffer) => void;
  readonly #secure: boolean;

  constructor(pool: UpstreamPool, address: UpstreamAddress, key: string, user: UpstreamUser) {
    this.key = key;
    this.user = user;
    const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    const { shared } = pool.buffers;
    this.#onRead = (chunk) => {
      if (this.user) this.user.onUpstreamData(chunk);
      else if (this.#onSpliced) this.#onSpliced(chunk);
      // Nobody asked: it would be taken for the answer to the next request.
      else pool.discard(this);
    };
    const callback = (size: number): boolean => {
      this.#onRead(shared.subarray(0, size));
      return true;
    };
    const options = { ...where, noDelay: true, allowHalfOpen: true };
    this.#secure = address.tls !== undefined;
    // Node decrypts into buffers of its own.
    this.socket = address.tls
      ? connectTls({ ...address.tls.options, ...options }).on('data', this.#onRead)
      : connect({ ...options, onread: { buffer: shared, callback } });
    this.socket.on(this.#secure ? 'secureConnect' : 'connect', () => {
      this.open = true;
      this.user?.onUpstreamOpen();
    });
    this.socket.on('drain', () => this.user?.onUpstreamDrain());
    this.socket.on('end', () => {
      if (this.user) this.user.onUpstreamEnd();
      else pool.discard(this);
    });
    this.socket.on('error', (error) => {
      this.#error = error;
    });
    this.socket.on('close', () => {
      const { user } = this;
      pool.discard(this);
      user?.onUpstreamClose(this.#error);
    });
  }

  /** Gives the socket away; from now on it belongs to a splice, which says with `splice` who gets what it reads. */
  detach(): void {
    this.user = undefined;
    this.socket.removeAllListeners();
    if (this.#secure) this.socket.on('data', this.#onRead);
  }

  /** @param onData gets each chunk, whose bytes hold until it returns */
  splice(onData: (chunk: Buffer) => void): void {
    this.#onSpliced = onData;
  }
}

export interface PoolOptions {
  /** How long an unused connection is kept, unless the server announced a shorter time. */
  idleMs: number;
  /** Unused connections kept per address. */
  maxIdle: number;
}

/** Keeps connections that finished an exchange cleanly, per address; the one used last is used next. */
export class UpstreamPool {
  readonly buffers: Buffers;
  readonly #options: PoolOptions;
  readonly #idle = new Map<string, Upstream[]>();
  #made = 0;
  #reused = 0;

  constructor(buffers: Buffers, options: PoolOptions) {
    this.buffers = buffers;
    this.#options = options;
  }

  /**
   * A kept connection, or a new one, which calls `onUpstreamOpen` later.
   * @param key of the address
   * @param freshMs a kept one may not have been idle for longer; 0 for a new one in any case
   */
  acquire(address: UpstreamAddress, key: string, user: UpstreamUser, freshMs: number, now: number): Upstream {
    const idle = freshMs > 0 ? this.#idle.get(key) : undefined;
    const kept = idle?.at(-1);
    if (idle && kept && now - kept.idleSince <= freshMs && now < kept.idleUntil) {
      idle.pop();
      kept.user = user;
      this.#reused++;
      return kept;
    }
    this.#made++;
    return new Upstream(this, address, key, user);
  }

  /** Takes a connection back whose exchange is over, both ways, to the last byte. */
  release(upstream: Upstream, announcedMs: number | undefined, now: number): void {
    upstream.user = undefined;
    upstream.reused = true;
    let idle = this.#idle.get(upstream.key);
    if (idle === undefined) {
      idle = [];
      this.#idle.set(upstream.key, idle);
    }
    const keepMs = Math.min(this.#options.idleMs, announcedMs ?? Number.POSITIVE_INFINITY);
    if (idle.length >= this.#options.maxIdle || keepMs <= 0) return this.discard(upstream);
    upstream.idleSince = now;
    upstream.idleUntil = now + keepMs;
    idle.push(upstream);
  }

  /** Ends a connection; its user hears nothing more of it. */
  discard(upstream: Upstream): void {
    if (upstream.user === undefined && upstream.reused) {
      const idle = this.#idle.get(upstream.key);
      const at = idle?.indexOf(upstream) ?? -1;
      if (at >= 0) idle!.splice(at, 1);
      if (idle?.length === 0) this.#idle.delete(upstream.key);
    }
    upstream.user = undefined;
    upstream.socket.destroy();
  }

  /** Ends unused connections to an address that leads to somebody else from now on. */
  forget(address: UpstreamAddress): void {
    for (const upstream of [...(this.#idle.get(addressKey(address)) ?? [])]) this.discard(upstream);
  }

  sweep(now: number): void {
    for (const idle of [...this.#idle.values()]) {
      for (const upstream of idle.filter((kept) => now >= kept.idleUntil)) this.discard(upstream);
    }
  }

  /** Connections made and used once more since the start, and those kept unused now. */
  stats(): { made: number; reused: number; idle: number } {
    let idle = 0;
    for (const kept of this.#idle.values()) idle += kept.length;
    return { made: this.#made, reused: this.#reused, idle };
  }

  close(): void {
    for (const idle of [...this.#idle.values()]) for (const upstream of [...idle]) this.discard(upstream);
  }
}

/** `Keep-Alive: timeout=5` as ms, a second short of it so that we let go first. */
export function announcedIdle(keepAlive: string): number | undefined {
  const seconds = keepAlive === '' ? null : /timeout=([0-9]{1,6})/.exec(keepAlive);
  return seconds ? (Number(seconds[1]) - 1) * 1000 : undefined;
}
