import type { Address } from './spawner.ts';

/** Where a path prefix leads. `hub` is every hub of this installation; the proxy knows their addresses itself. */
export type RouteTarget = Address | { kind: 'hub' };

/** One entry of the proxy's table. `path` is unescaped, starts with a slash, and has none at the end: `/user/ada`. */
export interface Route {
  path: string;
  target: RouteTarget;
  /** The server behind it, for activity reports. */
  serverId?: string;
}

/**
 * A token that must not reach a server any more, although the server may still take it for good: whoever came with it lost
 * the right to, or it was revoked.
 */
export interface Bar {
  /** '' for every server. */
  serverId: string;
  /** SHA-256 of the token, hex. */
  token: string;
  /** Ms since the epoch; what is past lets it through again. */
  until: number;
}

/**
 * One line of the route stream (newline-delimited JSON, `GET /routes?since=<version>` on the hub's internal socket).
 * First a `snapshot` (or, when `since` is recent enough, straight to changes), then `change` lines as they happen,
 * and a `ping` every 5 s so that a silent connection is known to be dead. `bars` holds those that are new or changed. The
 * first line has all that count, and says so with `allBars`: one that is not among them was lifted while nobody listened.
 */
export type RouteMessage =
  | { type: 'snapshot'; version: number; routes: Route[]; bars?: Bar[]; allBars?: boolean }
  | { type: 'change'; version: number; set: Route[]; delete: string[]; bars?: Bar[]; allBars?: boolean }
  | { type: 'ping'; version: number };

/** `POST /activity` on the hub's internal socket. Times are ms since the epoch; counts are since the last report. */
export interface ActivityReport {
  servers: {
    [serverId: string]: {
      /** Newest proxied traffic of any kind. */
      lastActivity: number;
      /** Newest request that was not an open tab's polling: what counts for the idle decision. */
      lastWork: number;
    };
  };
}
