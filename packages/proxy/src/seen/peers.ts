import { type BlockList, isIPv6, type Socket } from 'node:net';
import { type Clock, isTrusted, type Log } from '@atrium/sdk';
import { peerAddress } from '../forwarded.ts';

/** Between two lines about addresses that have too many connections. */
const SAY_EVERY_MS = 60_000;

export interface PeersOptions {
  /** Connections that one address may have open; 0 for as many as it likes. */
  most: number;
  /** Front servers: everybody comes from them. */
  trusted: BlockList;
  clock: Clock;
  log: Log;
}

/** How many connections each address has open, so that one alone cannot take all that there are. */
export class Peers {
  /** Connections that were not let in. */
  refused = 0;
  readonly #options: PeersOptions;
  readonly #open = new Map<string, number>();
  #saidAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Counts a connection in. False when its address has enough; then it does not count, and is not to `leave`. */
  enter(peer: string): boolean {
    const { most, trusted } = this.#options;
    if (most === 0) return true;
    const from = network(peer);
    const n = this.#open.get(from) ?? 0;
    if (n >= most && !isTrusted(trusted, peer)) {
      this.#refuse(peer);
      return false;
    }
    this.#open.set(from, n + 1);
    return true;
  }

  leave(peer: string): void {
    if (this.#options.most === 0) return;
    const from = network(peer);
    const n = this.#open.get(from) ?? 0;
    if (n > 1) this.#open.set(from, n - 1);
    else this.#open.delete(from);
  }

  #refuse(peer: string): void {
    const { most, clock, log } = this.#options;
    this.refused++;
    this.#unsaid++;
    const now = clock.now();
    if (now - this.#saidAt < SAY_EVERY_MS) return;
    log.warn(
      { peer, most, refused: this.#unsaid },
      'refused connections of an address that has as many as connectionsPerAddress allows; a front server belongs into trustedProxies',
    );
    this.#saidAt = now;
    this.#unsaid = 0;
  }
}

/**
 * Lets a connection in and counts it, or cuts it off: whoever has thousands open gets neither a handshake nor a page, both of
 * which cost more than what they came for.
 */
export function mayEnter(peers: Peers, socket: Socket): boolean {
  if (peers.enter(peerAddress(socket.remoteAddress))) return true;
  socket.on('error', () => undefined).resetAndDestroy();
  return false;
}

/** What counts as one address: of IPv6 its network of 64 bits, which one machine may have all of. */
export function network(peer: string): string {
  if (!isIPv6(peer)) return peer;
  const [head = '', tail] = peer.replace(/%.*$/, '').split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 address at the end stands for two groups.
  const groups = front.length + back.length + (peer.includes('.') ? 1 : 0);
  const whole = tail === undefined ? front : [...front, ...Array.from({ length: 8 - groups }, () => '0'), ...back];
  return `${whole.slice(0, 4).join(':').toLowerCase()}::/64`;
}
