import type { BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address, Clock, Log } from '@atrium/sdk';
import type { Bars } from './bars.ts';
import type { ClientConnection } from './connection.ts';
import type { Problem } from './error-page.ts';
import type { NameTable } from './fields.ts';
import type { RequestHead } from './head.ts';
import type { HubGate } from './hub-gate.ts';
import type { AMBIGUOUS, Target } from './route-table.ts';
import type { AccessLog } from './seen/access-log.ts';
import type { Counts, CountsSoFar } from './seen/counts.ts';
import type { Peers } from './seen/peers.ts';
import type { Seldom } from './seen/seldom.ts';
import type { TlsStats } from './tls/front.ts';
import type { Splice } from './upgrade.ts';
import type { UpstreamPool } from './upstream.ts';

/** Sizes in bytes, times in milliseconds; 0 switches a time off. */
export interface Limits {
  /** Largest head, of requests and of answers. Default 64 KiB. */
  headBytes: number;
  /** From the first byte of a request to the end of its head; also how long a new connection may say nothing. Default 15 s. */
  headTimeoutMs: number;
  /** How long a connection is kept between requests. Default 75 s. */
  idleTimeoutMs: number;
  /** How long a client may send nothing in the middle of a body, or take nothing of an answer. Default 120 s. */
  stallTimeoutMs: number;
  /** Default 5 s. */
  connectTimeoutMs: number;
  /** From the request to the head of the answer. Default 0: a long computation is fine. */
  answerTimeoutMs: number;
  /** How long an unused connection to a server is kept. Default 60 s; less where the server says so. */
  upstreamIdleMs: number;
  /** Unused connections kept per server. Default 64. */
  upstreamMaxIdle: number;
  /**
   * Connections to the public side that one address may have open, of IPv6 one network of 64 bits; 0 for any number. Those of
   * trusted proxies are not limited. Default 10,000: five hundred people behind one address, with twenty each.
   */
  connectionsPerAddress: number;
}

/** Counts since the start, and what is open now. */
export interface ProxyStats extends CountsSoFar {
  connections: number;
  upgraded: number;
  /** To and from clients, without what encryption adds. */
  bytes: { in: number; out: number };
  /** Connections to servers: made, used once more, and kept unused now. */
  upstreams: { made: number; reused: number; idle: number };
  /** Connections that were cut off at once, because their address has enough. */
  tooMany: number;
  /** Lines of the access log that there was no room for; undefined without one. */
  accessLinesLost: number | undefined;
  routes: number;
  routeVersion: number | undefined;
  /** How long the table has been without a hub that could change it, ms; 0 while one speaks. */
  hubSilentMs: number;
  /** Undefined without TLS. */
  tls: TlsStats | undefined;
}

/** The hub of an installation, where everything without a route of its own leads. */
export interface HubSide {
  readonly address: Address;
  /** The hub's internal socket, where nobody queues: a health check must not wait behind a class that arrives. */
  readonly control: Address;
  readonly healthPath: string;
  /** How long a request waits while the hub is gone. */
  readonly waitMs: number;
  readonly gate: HubGate;
}

/** What the data path does otherwise where it stands alone, in the place of configurable-http-proxy. */
export interface StandAlone {
  /** Fields to take out of requests. */
  readonly requestNames: NameTable;
  /** The head of a request as its target gets it, with the empty line at its end. Framing and upgrade are ready-made lines. */
  requestHead(head: RequestHead, target: Target, client: ClientSide, lines: string): string;
  /** The fields of an answer that are passed on. */
  answerFields(kept: string, status: number, request: RequestHead, target: Target): string;
  /** The whole answer for a problem, `close` when the connection ends with it. Never rejects. */
  problemAnswer(
    problem: Problem,
    request: RequestHead,
    requestId: string,
    close: () => boolean,
  ): Promise<string | Buffer>;
  onRequest(upgrade: boolean): void;
  onAnswer(status: number): void;
}

/** Who asks. */
export interface ClientSide {
  /** The client's address, or the front server's. */
  readonly peer: string;
  readonly trusted: boolean;
  /** It came over TLS. */
  readonly secure: boolean;
  /** What a client of HTTP/1.0 that names no host meant. */
  localHost(): string;
}

/** Everything the data path reaches: built once by `startProxy` or `startStandAlone`. */
export interface ProxyContext {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined where the proxy stands alone. */
  readonly hub: HubSide | undefined;
  /** Undefined in an installation. */
  readonly standAlone: StandAlone | undefined;
  readonly table: { lookup(host: string, path: string): Target | typeof AMBIGUOUS };
  readonly bars: Bars;
  readonly pool: UpstreamPool;
  readonly activity: { note(serverId: string, at: number, work: boolean): void };
  readonly trusted: BlockList;
  /** Page with a person's servers, for the links of error pages; empty when there is none. */
  readonly homePath: string;
  readonly connections: Set<ClientConnection>;
  readonly splices: Set<Splice>;
  readonly counts: Counts;
  readonly peers: Peers;
  /** What goes wrong behind the proxy, not once per request. */
  readonly news: Seldom;
  /** Undefined unless somebody wants it. */
  readonly access: AccessLog | undefined;
  /** Another process takes what is new: the next answer on each connection says that it is the last there. */
  leaving: boolean;
  /** The answer to an ACME authority that asks for this path; undefined for everything else, and where nothing is fetched. */
  challenge: ((path: string) => string | undefined) | undefined;
  /** Finishes what is under way, begins nothing new. */
  closing: boolean;
  nextRequestId(): string;
}

/** Where requests of one client come from and answers go: a socket, or one stream of a connection that carries many. */
export interface ClientSocket extends Duplex {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Written ones count from the moment that they are given to it. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Ends it as soon as everything is written. */
  destroySoon(): void;
}

/** What one listening socket offers. */
export interface Offer {
  /** Undefined: everything, by the route table. Else only this path and what lies below it, at the hub. */
  only: string | undefined;
  /** The connection was counted by `Peers.enter`, and is to leave when it closes. */
  counted?: boolean;
  /** What comes over it is encrypted. */
  secure?: boolean;
  /** Line of Strict-Transport-Security for answers to who came to the standard port. */
  hsts?: string;
}
