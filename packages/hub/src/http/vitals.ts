import type { Clock } from '@atrium/sdk';

/** Who answers: the hub, somebody's server, a service, or the proxy itself. */
export type RouteClass = 'hub' | 'server' | 'service' | 'target' | 'proxy';

/** What the proxy counts and has open; it tells so every few seconds. Counts are since the start of that proxy. */
export interface ProxyFigures {
  /** Its name, as in its route stream; like all that is optional, unknown of a proxy of an earlier release. */
  proxy?: string;
  pid?: number;
  /** Of its program. */
  version?: string | null;
  /** Ms since the epoch. */
  startedAt?: number;
  requests: number;
  /** Requests that could be read in two ways, or not at all. */
  refused: number;
  /** The same by reason. */
  reasons?: Readonly<Record<string, number>>;
  /** Answers by the class of route and by status; status 0 for a client that left before there was one. */
  answers?: Readonly<Partial<Record<RouteClass, Readonly<Record<string, number>>>>>;
  /** From a request to the head of its answer: how often in each class of `UPSTREAM_TIMES_MS`, and the sum. */
  upstream?: Readonly<Partial<Record<RouteClass, { counts: readonly number[]; sumMs: number }>>>;
  /** From and to clients. */
  bytes?: { in: number; out: number };
  /** Connections to servers: made, used once more, kept unused now. */
  upstreams?: { made: number; reused: number; idle: number };
  /** Connections that were cut off, because their address has enough. */
  tooMany?: number;
  /** Lines that the access log had no room for; undefined without one. */
  accessLinesLost?: number;
  /** How long it has heard no hub, ms. */
  hubSilentMs?: number;
  /** Answers that the proxy made by itself, by status. */
  problems: Readonly<Record<string, number>>;
  connections: number;
  /** Open websockets. */
  upgraded: number;
  routes: number;
  /** Null before the proxy has heard of any table. */
  routeVersion: number | null;
  /** Of a proxy that does TLS. */
  tls?: {
    handshakes: number;
    failed: number;
    certificates: readonly ProxyCertificate[];
  };
}

/** A certificate that the proxy serves. */
export interface ProxyCertificate {
  subject: string;
  names: readonly string[];
  /** Milliseconds since 1970. */
  notAfter: number;
  /** SHA-256, as browsers show it. */
  fingerprint: string;
  selfSigned: boolean;
}

/** Figures as they arrived. */
export interface ToldFigures {
  figures: ProxyFigures;
  /** Ms since the epoch. */
  at: number;
  /** Between the last two times that it told them; undefined after the first. */
  requestsPerSecond: number | undefined;
}

/** Between two looks of the controller when nothing happens, ms. */
export const LOOK_MS = 1_000;
/** The proxy tells its figures every 10 s; what is older says nothing about now. */
const FIGURES_MS = 35_000;

/** What this process knows of its own health, kept by those who do the work. */
export interface Vitals {
  /** A proxy follows the routes; call what is returned when it no longer does. */
  proxyConnected(): () => void;
  /** How many proxies follow the routes now. */
  readonly proxies: number;
  recordFigures(figures: ProxyFigures): void;
  /** What each proxy told last, but for those that have not for too long; the one that was started first comes first. */
  figures(): readonly ToldFigures[];
  /** The controller has begun, or has ended a look without an error. */
  controllerLooked(): void;
  /** How much later than planned the controller is, ms; undefined when none was started here. */
  controllerLag(): number | undefined;
}

/** One per hub process. */
export function createVitals(clock: Clock): Vitals {
  let proxies = 0;
  const told = new Map<string, ToldFigures>();
  let lookedAt: number | undefined;
  return {
    proxyConnected() {
      proxies += 1;
      let connected = true;
      return () => {
        if (connected) proxies -= 1;
        connected = false;
      };
    },
    get proxies() {
      return proxies;
    },
    recordFigures(figures) {
      const at = clock.now();
      const { proxy = '' } = figures;
      const before = told.get(proxy);
      const seconds = before && (at - before.at) / 1000;
      const more = before && figures.requests - before.figures.requests;
      const rate = seconds && more !== undefined && more >= 0 ? more / seconds : before?.requestsPerSecond;
      told.set(proxy, { figures, at, requestsPerSecond: rate });
      for (const [name, each] of told) if (at - each.at > FIGURES_MS) told.delete(name);
    },
    figures: () =>
      [...told.values()]
        .filter(({ at }) => clock.now() - at <= FIGURES_MS)
        .sort((a, b) => (a.figures.startedAt ?? 0) - (b.figures.startedAt ?? 0)),
    controllerLooked() {
      lookedAt = clock.now();
    },
    controllerLag: () => (lookedAt === undefined ? undefined : Math.max(0, clock.now() - lookedAt - LOOK_MS)),
  };
}
