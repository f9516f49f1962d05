import type { BlockList } from 'node:net';
import type { Address, Clock, Log } from '@atrium/sdk';
import type { Activity } from './activity.ts';
import type { Bars } from './bars.ts';
import type { ClientConnection } from './connection.ts';
import type { HubGate } from './hub-gate.ts';
import type { RouteTable } from './route-table.ts';
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
}

/** Counts since the start, and what is open now. */
export interface ProxyStats {
  requests: number;
  refused: number;
  /** Problems that the proxy had to tell a client by itself, by status. */
  problems: Record<number, number>;
  connections: number;
  upgraded: number;
  routes: number;
  routeVersion: number | undefined;
}

/** Everything the data path reaches: built once by `startProxy`. */
export interface ProxyContext {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly hub: Address;
  /** The hub's internal socket, where nobody queues: a health check must not wait behind a class that arrives. */
  readonly control: Address;
  readonly healthPath: string;
  /** How long a request for the hub waits while the hub is gone. */
  readonly hubWaitMs: number;
  readonly table: RouteTable;
  readonly bars: Bars;
  readonly pool: UpstreamPool;
  readonly gate: HubGate;
  readonly activity: Activity;
  readonly trusted: BlockList;
  /** Page with a person's servers, for the links of error pages. */
  readonly homePath: string;
  readonly connections: Set<ClientConnection>;
  readonly splices: Set<Splice>;
  readonly counts: { requests: number; refused: number; problems: Record<number, number> };
  /** Finishes what is under way, begins nothing new. */
  closing: boolean;
  nextRequestId(): string;
}

/** What one listening socket offers. */
export interface Offer {
  /** Undefined: everything, by the route table. Else only this path and what lies below it, at the hub. */
  only: string | undefined;
}
