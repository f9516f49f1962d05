import type { RequestListener } from 'node:http';
import { type Clock, UPSTREAM_TIMES_MS } from '@atrium/sdk';
import type { ProxyStats } from '../context.ts';
import type { Times } from '../seen/counts.ts';
import type { FetchedFacts, Fetching } from './acme/fetching.ts';
import type { Figure, StandAloneFigures } from './figures.ts';

/** Answers `GET /metrics`: the figures of configurable-http-proxy, and what Atrium's proxy counts beside them. */
export function metricsHandler(
  figures: StandAloneFigures,
  stats: () => ProxyStats,
  clock: Clock,
  fetching: Pick<Fetching, 'facts'> | undefined,
): RequestListener {
  return (request, reply) => {
    if (request.url !== '/metrics') return void reply.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not Found');
    const now = stats();
    const { target } = now.upstream;
    const text = figures.text(
      { ...figuresOf(now), ...(fetching && fetchedOf(fetching.facts, clock.now())) },
      target ? [histogram(target)] : [],
    );
    reply.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  };
}

function figuresOf(stats: ProxyStats): Record<string, Figure> {
  const { answers, reasons, bytes, upstreams, tooMany, accessLinesLost, tls } = stats;
  const byClass = Object.entries(answers).flatMap(([kind, byStatus]) =>
    Object.entries(byStatus).map(([status, n]) => [`class="${kind}",status="${status}"`, n] as const),
  );
  const ends = tls?.certificates.map(
    ({ subject, notAfter }) => [`subject=${quoted(subject)}`, notAfter / 1000] as const,
  );
  return {
    atrium_proxy_connections: { help: 'Open connections of clients', value: stats.connections },
    atrium_proxy_websockets: { help: 'Open websockets', value: stats.upgraded },
    atrium_proxy_routes: { help: 'Routes', value: stats.routes },
    atrium_proxy_answers_total: {
      help: 'Requests that have an answer, by who made it and status; 0 for a client that left before there was one',
      value: new Map(byClass),
    },
    atrium_proxy_refused_total: {
      help: 'Requests that could not be read, or in two ways, by reason',
      value: new Map(Object.entries(reasons).map(([reason, n]) => [`reason=${quoted(reason)}`, n])),
    },
    atrium_proxy_connections_refused_total: {
      help: 'Connections cut off because their address has as many as it may',
      value: tooMany,
    },
    atrium_proxy_bytes_total: {
      help: 'Bytes from clients (in) and to them (out)',
      value: new Map([
        ['direction="in"', bytes.in],
        ['direction="out"', bytes.out],
      ]),
    },
    atrium_proxy_upstream_connections_total: {
      help: 'How requests came to a connection to their target: a new one, or one that was kept',
      value: new Map([
        ['connection="new"', upstreams.made],
        ['connection="kept"', upstreams.reused],
      ]),
    },
    atrium_proxy_upstream_idle: { help: 'Connections to targets that are kept and unused', value: upstreams.idle },
    ...(accessLinesLost !== undefined && {
      atrium_proxy_access_lines_lost_total: { help: 'Lines the access log had no room for', value: accessLinesLost },
    }),
    ...(ends && {
      atrium_proxy_certificate_not_after_seconds: {
        help: 'When a certificate of the proxy ends',
        value: new Map(ends),
      },
    }),
  };
}

/** By the names that they have at a hub. */
function fetchedOf({ notAfter, failures }: FetchedFacts, now: number): Record<string, Figure> {
  return {
    ...(notAfter !== undefined && {
      atrium_tls_certificate_expiry_seconds: {
        help: 'How long the certificate that the proxy fetched (ACME) is still good',
        value: Math.round((notAfter - now) / 1000),
      },
    }),
    atrium_tls_renewal_failures: {
      help: 'Attempts to fetch a certificate (ACME) that failed since the last good one',
      value: failures,
    },
  };
}

/** Of targets alone: nothing else is asked by a proxy that stands alone. */
function histogram({ counts, sumMs }: Times): string {
  const name = 'atrium_proxy_upstream_seconds';
  let total = 0;
  const buckets = counts.map((n, at) => {
    total += n;
    const bound = UPSTREAM_TIMES_MS[at];
    return `${name}_bucket{le="${bound === undefined ? '+Inf' : bound / 1000}"} ${total}\n`;
  });
  const head = `# HELP ${name} From a request to the head of its answer\n# TYPE ${name} histogram\n`;
  return `${head}${buckets.join('')}${name}_sum ${sumMs / 1000}\n${name}_count ${total}\n`;
}

const quoted = (text: string) => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
