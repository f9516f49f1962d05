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

/** A certificate with its chain, and its key: PEM, both. */
export interface CertificateText {
  chain: string;
  key: string;
}

/** What a proxy answers an ACME authority that wants to see that this installation has the names it asks for. */
export type AcmeChallenge =
  /** `GET /.well-known/acme-challenge/<token>` without TLS (RFC 8555 §8.3). */
  | { kind: 'http-01'; token: string; answer: string }
  /** A handshake for `domain` that offers `acme-tls/1` and nothing else (RFC 8737). */
  | ({ kind: 'tls-alpn-01'; domain: string } & CertificateText);

/** What the hub fetched for every proxy: always all of it. */
export interface FetchedTls {
  /** Undefined until there is one. */
  certificate?: CertificateText;
  challenges: AcmeChallenge[];
}

/**
 * One line of the route stream (newline-delimited JSON, `GET /routes?since=<version>` on the hub's internal socket).
 * First a `snapshot` (or, when `since` is recent enough, straight to changes), then `change` lines as they happen,
 * and a `ping` every 5 s so that a silent connection is known to be dead. `bars` holds those that are new or changed. The
 * first line has all that count, and says so with `allBars`: one that is not among them was lifted while nobody listened.
 * `tls` is there where the hub fetches certificates: in the first line, and whenever it changed.
 *
 * A proxy that adds `proxy=<a name of its own>` says `POST /routes/applied` once it goes by what a line changed: servers
 * are called ready when all such proxies have the way to them.
 */
export type RouteMessage =
  | { type: 'snapshot'; version: number; routes: Route[]; bars?: Bar[]; allBars?: boolean; tls?: FetchedTls }
  | {
      type: 'change';
      version: number;
      set: Route[];
      delete: string[];
      bars?: Bar[];
      allBars?: boolean;
      tls?: FetchedTls;
    }
  | { type: 'ping'; version: number };

/** `POST /routes/applied` on the hub's internal socket: the proxy goes by everything up to `version`. */
export interface AppliedReport {
  proxy: string;
  version: number;
}

/**
 * Upper ends of the classes in which the proxy counts how long answers took, ms; what took longer comes after the last.
 * Part of what it tells the hub of itself (`POST /figures`).
 */
export const UPSTREAM_TIMES_MS: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

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
