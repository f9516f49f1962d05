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
 * One line of the route stream (newline-delimited JSON, `GET /routes?since=<version>` on the hub's internal socket).
 * First a `snapshot` (or, when `since` is recent enough, straight to changes), then `change` lines as they happen,
 * and a `ping` every 5 s so that a silent connection is known to be dead.
 */
export type RouteMessage =
  | { type: 'snapshot'; version: number; routes: Route[] }
  | { type: 'change'; version: number; set: Route[]; delete: string[] }
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
