import { type Counter, createRegistry, type Gauge, type Histogram, type Registry } from './registry.ts';

/** What the hub counts and measures; who does the work calls these, and `exposition.ts` adds what is looked up. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Histogram<'method' | 'handler' | 'code'>;
  readonly spawns: Histogram<'status' | 'reason'>;
  readonly stops: Histogram<'status'>;
  readonly polls: Histogram<'status'>;
  readonly logins: Histogram<'status'>;
  readonly logouts: Histogram;
  readonly proxyAdds: Histogram<'status'>;
  readonly proxyDeletes: Histogram<'status'>;
  readonly proxyPolls: Histogram;
  readonly routeChecks: Histogram;
  readonly hubStartup: Histogram;
  readonly initSpawners: Histogram;
  readonly cspReports: Counter;
  readonly eventLoop: Histogram;
  readonly runningServers: Gauge;
  readonly totalUsers: Gauge;
  readonly activeUsers: Gauge<'period'>;
  /** From request to admission. */
  readonly queueWait: Histogram;
  readonly leaseTakeOvers: Counter;
}

/** Contract §8: a start may take long. */
const SPAWN_BUCKETS = [0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 180, 300, 600];
/** The loop is measured every 50 ms: less than that cannot be, and just above it is where it matters. */
const LOOP_BUCKETS = [0.05, 0.055, 0.06, 0.065, 0.07, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const WAIT_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];

/**
 * Names, labels and buckets of JupyterHub, and ours beside them with the prefix `atrium_`.
 * @param prefix of JupyterHub's: `jupyterhub` unless the config says otherwise
 * @param now ms since the epoch
 */
export function createMetrics(prefix: string, now: number): Metrics {
  const registry = createRegistry(now / 1000);
  const { counter, gauge, histogram } = registry;
  const theirs = (name: string) => (prefix === '' ? name : `${prefix}_${name}`);
  const metrics: Metrics = {
    registry,
    requests: histogram(theirs('request_duration_seconds'), 'Request duration for all HTTP requests', {
      labels: ['method', 'handler', 'code'],
    }),
    spawns: histogram(theirs('server_spawn_duration_seconds'), 'Time taken for server spawning operation', {
      labels: ['status', 'reason'],
      buckets: SPAWN_BUCKETS,
    }),
    stops: histogram(theirs('server_stop_seconds'), 'Time taken for server stopping operation', { labels: ['status'] }),
    polls: histogram(theirs('server_poll_duration_seconds'), 'Time taken to poll if server is running', {
      labels: ['status'],
    }),
    logins: histogram(theirs('login_duration_seconds'), 'Duration for all authentication attempts', {
      labels: ['status'],
    }),
    logouts: histogram(theirs('logout_duration_seconds'), 'Duration for all logout requests'),
    proxyAdds: histogram(theirs('proxy_add_duration_seconds'), 'Duration for adding user routes to proxy', {
      labels: ['status'],
    }),
    proxyDeletes: histogram(theirs('proxy_delete_duration_seconds'), 'Duration for deleting user routes from proxy', {
      labels: ['status'],
    }),
    proxyPolls: histogram(theirs('proxy_poll_duration_seconds'), 'Duration for reading all routes for a proxy'),
    routeChecks: histogram(theirs('check_routes_duration_seconds'), 'Time taken to bring a proxy up to date'),
    hubStartup: histogram(theirs('hub_startup_duration_seconds'), 'Time taken for Hub to start'),
    initSpawners: histogram(
      theirs('init_spawners_duration_seconds'),
      'Time taken to compare the servers with what runs, at start',
    ),
    cspReports: counter(theirs('csp_reports_total'), 'Content security policy violation reports'),
    eventLoop: histogram(theirs('event_loop_interval_seconds'), 'Distribution of measured event loop intervals', {
      buckets: LOOP_BUCKETS,
    }),
    runningServers: gauge(theirs('running_servers'), 'The number of user servers currently running'),
    totalUsers: gauge(theirs('total_users'), 'Total number of users'),
    activeUsers: gauge(theirs('active_users'), 'Number of users who were active in the given time period', ['period']),
    queueWait: histogram('atrium_queue_wait_seconds', 'From the request of a start until it was begun', {
      buckets: WAIT_BUCKETS,
    }),
    leaseTakeOvers: counter('atrium_lease_takeovers_total', 'Servers taken over from a hub whose lease had ended'),
  };
  prepare(metrics);
  return metrics;
}

/** Lines that shall exist before anything happened, as in JupyterHub. */
function prepare({ spawns, stops, polls, logins, proxyAdds, proxyDeletes }: Metrics): void {
  for (const status of ['success', 'failure', 'error']) spawns.prepare({ status, reason: '' });
  for (const reason of ['throttled', 'too-many-users', 'already-pending'])
    spawns.prepare({ status: 'failure', reason });
  for (const status of ['running', 'stopped']) polls.prepare({ status });
  for (const measured of [stops, logins, proxyAdds, proxyDeletes]) {
    for (const status of ['success', 'failure']) measured.prepare({ status });
  }
}
