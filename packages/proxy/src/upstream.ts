import { connect, type Socket } from 'node:net';
import type { Address } from '@atrium/sdk';
import { addressKey } from './route-table.ts';

/** Who uses an upstream connection just now. */
export interface UpstreamUser {
  onUpstreamOpen(): void;
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

  constructor(pool: UpstreamPool, address: Address, key: string, user: UpstreamUser) {
    this.key = key;
    this.user = user;
    const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    this.socket = connect({ ...where, noDelay: true, allowHalfOpen: true });
    this.socket.on('connect', () => {
      this.open = true;
      this.user?.onUpstreamOpen();
    });
    this.socket.on('data', (chunk: Buffer) => {
      // Nobody asked: it would be taken for the answer to the next request.
      if (this.user) this.user.onUpstreamData(chunk);
      else pool.discard(this);
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

  /** Gives the socket away; from now on it belongs to a splice. */
  detach(): Socket {
    this.user = undefined;
    this.socket.removeAllListeners();
    return this.socket;
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
  readonly #options: PoolOptions;
  readonly #idle = new Map<string, Upstream[]>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * A kept connection, or a new one, which calls `onUpstreamOpen` later.
   * @param freshMs a kept one may not have been idle for longer; 0 for a new one in any case
   */
  acquire(address: Address, user: UpstreamUser, freshMs: number, now: number): Upstream {
    const key = addressKey(address);
    const idle = freshMs > 0 ? this.#idle.get(key) : undefined;
    const kept = idle?.at(-1);
    if (idle && kept && now - kept.idleSince <= freshMs && now < kept.idleUntil) {
      idle.pop();
      kept.user = user;
      return kept;
    }
    return new Upstream(this, address, key, user);
  }

  /** Takes a connection back whose exchange is over, both ways, to the last byte. */
  release(upstream: Upstream, announcedMs: number | undefined, now: number): void {
    upstream.user = undefined;
    upstream.reused = true;
    const idle = this.#idle.get(upstream.key) ?? [];
    this.#idle.set(upstream.key, idle);
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
  forget(address: Address): void {
    for (const upstream of [...(this.#idle.get(addressKey(address)) ?? [])]) this.discard(upstream);
  }

  sweep(now: number): void {
    for (const idle of [...this.#idle.values()]) {
      for (const upstream of idle.filter((kept) => now >= kept.idleUntil)) this.discard(upstream);
    }
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
