import { UPSTREAM_TIMES_MS } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import type { ProxyCertificate, ToldFigures } from '../http/vitals.ts';

/** The certificates of all proxies, each once; of two for the same name both, where they differ. */
export function certificatesOf(told: readonly ToldFigures[]): ProxyCertificate[] {
  const all = told.flatMap(({ figures }) => figures.tls?.certificates ?? []);
  return [...new Map(all.map((each) => [each.fingerprint, each])).values()];
}

/**
 * `atrium_proxy_…`, of each proxy that has told its figures lately; empty for those that have not, so that nobody takes
 * old figures for new ones. Returned is what takes them over, given the version of the routes in the database.
 */
export function proxyMetrics({ metrics, vitals, appliedRoutes }: AppContext): (routeVersion: number) => void {
  const { gauge, counter, histogram } = metrics.registry;
  const per = ['proxy'] as const;
  const requests = counter('atrium_proxy_requests_total', 'Requests that the proxy took', per);
  const answers = counter(
    'atrium_proxy_answers_total',
    'Requests that have an answer, by class of route and status; status 0 for a client that left before there was one',
    ['proxy', 'class', 'status'],
  );
  const upstream = histogram('atrium_proxy_upstream_seconds', 'From a request to the head of its answer', {
    labels: ['proxy', 'class'],
    buckets: UPSTREAM_TIMES_MS.map((ms) => ms / 1000),
  });
  const refused = counter('atrium_proxy_refused_total', 'Requests that the proxy refused as malformed, by reason', [
    'proxy',
    'reason',
  ]);
  const problems = counter('atrium_proxy_problems_total', 'Answers that the proxy made by itself', ['proxy', 'status']);
  const tooMany = counter(
    'atrium_proxy_connections_refused_total',
    'Connections cut off because their address has as many as it may',
    per,
  );
  const bytes = counter('atrium_proxy_bytes_total', 'Bytes from clients (in) and to them (out)', [
    'proxy',
    'direction',
  ]);
  const connections = gauge('atrium_proxy_connections', 'Open connections of clients to the proxy', per);
  const websockets = gauge('atrium_proxy_websockets', 'Open websockets through the proxy', per);
  const upstreams = counter(
    'atrium_proxy_upstream_connections_total',
    'How requests came to a connection to their server: a new one, or one that was kept',
    ['proxy', 'connection'],
  );
  const idle = gauge('atrium_proxy_upstream_idle', 'Connections to servers that are kept and unused', per);
  const routes = gauge('atrium_proxy_routes', 'Routes in the proxy’s table', per);
  const version = gauge('atrium_proxy_route_version', 'Version of the route table that the proxy has', per);
  const behind = gauge('atrium_proxy_route_versions_behind', 'Changes of the route table that the proxy lacks', per);
  const silent = gauge('atrium_proxy_hub_silent_seconds', 'How long the proxy has heard no hub', per);
  const lost = counter('atrium_proxy_access_lines_lost_total', 'Lines the access log had no room for', per);
  const started = gauge('atrium_proxy_start_time_seconds', 'When the proxy was started, seconds since the epoch', per);
  const handshakes = counter('atrium_proxy_tls_handshakes_total', 'TLS handshakes with the proxy', ['proxy', 'result']);
  const certificates = gauge('atrium_proxy_certificate_not_after_seconds', 'When a certificate of the proxy ends', [
    'subject',
  ]);
  const all = [
    requests,
    answers,
    upstream,
    refused,
    problems,
    tooMany,
    bytes,
    connections,
    websockets,
    upstreams,
    idle,
  ];
  const more = [routes, version, behind, silent, lost, started, handshakes, certificates];

  function take({ figures }: ToldFigures, routeVersion: number): void {
    const { proxy = '', reasons, tls } = figures;
    requests.set({ proxy }, figures.requests);
    connections.set({ proxy }, figures.connections);
    websockets.set({ proxy }, figures.upgraded);
    routes.set({ proxy }, figures.routes);
    // It says so as soon as it has a version, not only with its figures.
    const applied = appliedRoutes.versionOf(proxy) ?? figures.routeVersion ?? 0;
    version.set({ proxy }, applied);
    behind.set({ proxy }, Math.max(0, routeVersion - applied));
    for (const [status, n] of Object.entries(figures.problems)) problems.set({ proxy, status }, n);
    if (reasons) for (const [reason, n] of Object.entries(reasons)) refused.set({ proxy, reason }, n);
    else refused.set({ proxy, reason: '' }, figures.refused);
    for (const [kind, byStatus] of Object.entries(figures.answers ?? {})) {
      for (const [status, n] of Object.entries(byStatus)) answers.set({ proxy, class: kind, status }, n);
    }
    for (const [kind, { counts, sumMs }] of Object.entries(figures.upstream ?? {})) {
      upstream.set({ proxy, class: kind }, counts, sumMs / 1000);
    }
    if (figures.bytes) {
      bytes.set({ proxy, direction: 'in' }, figures.bytes.in);
      bytes.set({ proxy, direction: 'out' }, figures.bytes.out);
    }
    if (figures.upstreams) {
      upstreams.set({ proxy, connection: 'new' }, figures.upstreams.made);
      upstreams.set({ proxy, connection: 'kept' }, figures.upstreams.reused);
      idle.set({ proxy }, figures.upstreams.idle);
    }
    if (figures.tooMany !== undefined) tooMany.set({ proxy }, figures.tooMany);
    if (figures.hubSilentMs !== undefined) silent.set({ proxy }, figures.hubSilentMs / 1000);
    if (figures.accessLinesLost !== undefined) lost.set({ proxy }, figures.accessLinesLost);
    if (figures.startedAt !== undefined) started.set({ proxy }, figures.startedAt / 1000);
    if (!tls) return;
    handshakes.set({ proxy, result: 'done' }, tls.handshakes);
    handshakes.set({ proxy, result: 'failed' }, tls.failed);
  }

  return (routeVersion) => {
    const told = vitals.figures();
    for (const one of [...all, ...more]) one.clear();
    for (const each of told) take(each, routeVersion);
    // Two may be for the same: the one that ends first is the news.
    const ends = new Map<string, number>();
    for (const { subject, notAfter } of certificatesOf(told)) {
      ends.set(subject, Math.min(notAfter, ends.get(subject) ?? notAfter));
    }
    for (const [subject, notAfter] of ends) certificates.set({ subject }, notAfter / 1000);
  };
}
