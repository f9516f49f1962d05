import { readdirSync, readFileSync } from 'node:fs';
import type { AppContext } from '../context.ts';
import { routeVersion } from '../routes/routes.service.ts';
import { countActiveSince, countByPhase, countUsers, oldestQueued } from './figures.repo.ts';
import type { Metrics } from './metrics.ts';
import { proxyMetrics } from './proxies.ts';
import { warmMetrics } from './warm.ts';

const HOUR = 3_600_000;
const PERIODS = { '24h': 24 * HOUR, '7d': 7 * 24 * HOUR, '30d': 30 * 24 * HOUR } as const;
/** People are counted at most this often: a scrape of fifty thousand rows every few seconds tells nobody more, ms. */
const PEOPLE_MS = 60_000;
const PHASES = ['queued', 'starting', 'ready', 'stopping'] as const;

/** Each metric has one name, whatever address it is read at. */
const expositions = new WeakMap<Metrics, () => Promise<string>>();

/** The text of everything, with what is looked up when somebody asks. */
export function expositionOf(ctx: AppContext): () => Promise<string> {
  const known = expositions.get(ctx.metrics) ?? createExposition(ctx);
  expositions.set(ctx.metrics, known);
  return known;
}

function createExposition(ctx: AppContext): () => Promise<string> {
  const { metrics, vitals, clock } = ctx;
  const { gauge } = metrics.registry;
  const servers = gauge('atrium_servers', 'Servers by phase; stopped ones are not counted', ['phase']);
  const queueLength = gauge('atrium_queue_length', 'Starts that wait for their turn');
  const queueOldest = gauge('atrium_queue_oldest_seconds', 'How long the start that waits longest has waited');
  const lag = gauge('atrium_controller_lag_seconds', 'How much later than planned the controller looks at its servers');
  const hubRoutes = gauge('atrium_hub_route_version', 'Version of the route table in the database');
  const connected = gauge('atrium_proxy_connected', 'Proxies that follow the route table');
  const proxies = proxyMetrics(ctx);
  const fetched = {
    expiry: gauge(
      'atrium_tls_certificate_expiry_seconds',
      'How long the certificate that the hub fetched (ACME) is still good',
    ),
    failures: gauge(
      'atrium_tls_renewal_failures',
      'Attempts to fetch a certificate (ACME) that failed since the last good one',
    ),
  };
  const processes = processMetrics(ctx);
  const warm = warmMetrics(ctx);
  let countedAt = Number.NEGATIVE_INFINITY;
  let known = 0;

  async function lookUp(): Promise<void> {
    const now = clock.now();
    const phases = await countByPhase(ctx.db);
    for (const phase of PHASES) servers.set({ phase }, phases.get(phase) ?? 0);
    metrics.runningServers.set({}, phases.get('ready') ?? 0);
    queueLength.set({}, phases.get('queued') ?? 0);
    const oldest = await oldestQueued(ctx.db);
    queueOldest.set({}, oldest === null ? 0 : Math.max(0, now - oldest) / 1000);
    known = await routeVersion(ctx.db);
    hubRoutes.set({}, known);
    if (now - countedAt < PEOPLE_MS) return;
    metrics.totalUsers.set({}, await countUsers(ctx.db));
    const names = Object.keys(PERIODS) as (keyof typeof PERIODS)[];
    const active = await countActiveSince(
      ctx.db,
      names.map((name) => now - PERIODS[name]),
    );
    for (const [at, period] of names.entries()) metrics.activeUsers.set({ period }, active[at] ?? 0);
    countedAt = now;
  }

  function takeCertificate(): void {
    const state = ctx.certificates?.state;
    if (!state) return;
    fetched.failures.set({}, state.attempts);
    if (state.chain !== undefined) fetched.expiry.set({}, Math.round((state.notAfter - clock.now()) / 1000));
  }

  return async () => {
    await lookUp();
    connected.set({}, vitals.proxies);
    proxies(known);
    takeCertificate();
    lag.set({}, (vitals.controllerLag() ?? 0) / 1000);
    processes();
    await warm();
    return metrics.registry.render();
  };
}

/** `process_…`, as Prometheus' own clients name them, of this hub's process. */
function processMetrics(ctx: AppContext): () => void {
  const { gauge, counter } = ctx.metrics.registry;
  const cpu = counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
  const resident = gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const virtual = gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.');
  const started = gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.');
  const openFiles = gauge('process_open_fds', 'Number of open file descriptors.');
  const mostFiles = gauge('process_max_fds', 'Maximum number of open file descriptors.');
  const heap = gauge('nodejs_heap_size_used_bytes', 'Used part of the JavaScript heap.');
  const version = gauge('nodejs_version_info', 'Which Node.js runs the hub.', ['version']);
  started.set({}, (Date.now() - process.uptime() * 1000) / 1000);
  version.set({ version: process.version }, 1);
  const limit = Number(/^Max open files +(\d+)/m.exec(readText('/proc/self/limits'))?.[1] ?? Number.NaN);
  if (Number.isFinite(limit)) mostFiles.set({}, limit);
  return () => {
    const { user, system } = process.cpuUsage();
    cpu.set({}, (user + system) / 1e6);
    try {
      const { rss, heapUsed } = process.memoryUsage();
      resident.set({}, rss);
      heap.set({}, heapUsed);
    } catch {
      // To look takes a descriptor, and there may be none left: then they stay as they were.
    }
    const kilobytes = /^VmSize:\s+(\d+)/m.exec(readText('/proc/self/status'))?.[1];
    if (kilobytes !== undefined) virtual.set({}, Number(kilobytes) * 1024);
    openFiles.set({}, countEntries('/proc/self/fd'));
  };
}

/** '' where there is no such file: not every system has /proc. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function countEntries(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}
