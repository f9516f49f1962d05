import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Address, type Bar, type Clock, type Log, systemClock, trustList } from '@atrium/sdk';
import { Activity } from './activity.ts';
import { Bars, closesFor } from './bars.ts';
import { ClientConnection } from './connection.ts';
import type { Limits, Offer, ProxyContext, ProxyStats } from './context.ts';
import { tellFigures } from './figures.ts';
import { HubGate } from './hub-gate.ts';
import { listen } from './listen.ts';
import { RouteStream } from './route-stream.ts';
import { RouteTable } from './route-table.ts';
import { UpstreamPool } from './upstream.ts';

export interface ProxyOptions {
  /** Public listener. Port 0 chooses one. */
  host: string;
  port: number;
  /**
   * A second, loopback listener for notebook servers (`JUPYTERHUB_API_URL`). Passes on `{basePath}hub/api` and what lies
   * below, to the hub; nothing else.
   */
  api?: { host: string; port: number };
  /** Where the whole installation is mounted; starts and ends with a slash. Default `/`. */
  basePath?: string;
  /** Where routes of kind `hub`, and everything without a route, lead. */
  hub: Address;
  /** The hub's internal socket: `GET /routes`, `POST /activity`. */
  control: Address;
  /** The last table, for a start while no hub answers. Written with mode 0600. */
  tableFile: string;
  /** How long a request for the hub waits while none accepts connections. Default 15 s. */
  hubWaitMs?: number;
  limits?: Partial<Limits>;
  /** Addresses and ranges of front servers whose X-Forwarded-* are believed. Everybody else's are replaced. */
  trustedProxies?: readonly string[];
  /** Between two activity reports. Default 10 s. */
  activityEveryMs?: number;
  /** Between two reports of `stats()` for the hub's metrics. Default 10 s. */
  figuresEveryMs?: number;
  /** A route stream silent for this long is dead. Default 15 s. */
  silenceMs?: number;
  log: Log;
  clock?: Clock;
}

export interface RunningProxy extends AsyncDisposable {
  readonly address: { host: string; port: number };
  readonly apiAddress: { host: string; port: number } | undefined;
  stats(): ProxyStats;
  /**
   * Stops listening, lets requests finish for up to `graceMs` (default 5 s), says goodbye to websockets, and reports the
   * last activity. Also what disposing does.
   */
  close(options?: { graceMs?: number }): Promise<void>;
}

const LIMITS: Limits = {
  headBytes: 64 * 1024,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  stallTimeoutMs: 120_000,
  connectTimeoutMs: 5_000,
  answerTimeoutMs: 0,
  upstreamIdleMs: 60_000,
  upstreamMaxIdle: 64,
};

const GRACE_MS = 5_000;
/** Starts a proxy. Rejects when a port cannot be had. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { log, clock = systemClock, control, basePath = '/' } = options;
  const limits = { ...LIMITS, ...options.limits };
  const table = new RouteTable();
  const pool = new UpstreamPool({ idleMs: limits.upstreamIdleMs, maxIdle: limits.upstreamMaxIdle });
  const activity = new Activity({ control, clock, log, everyMs: options.activityEveryMs ?? 10_000 });
  const bars = new Bars();
  const stream = new RouteStream({
    table,
    control,
    tableFile: options.tableFile,
    silenceMs: options.silenceMs ?? 15_000,
    clock,
    log,
    onGone: (targets) => {
      for (const { address } of targets) if (address) pool.forget(address);
    },
    bars: () => bars.list(),
    onBars: (said, all) => closeBarred(context, bars.apply(said, clock.now(), all)),
  });
  const context: ProxyContext = {
    limits,
    clock,
    log,
    hub: options.hub,
    control,
    healthPath: `${basePath}hub/health`,
    hubWaitMs: options.hubWaitMs ?? 15_000,
    table,
    bars,
    pool,
    gate: new HubGate(options.hub, clock),
    activity,
    trusted: trustList(options.trustedProxies ?? []),
    homePath: `${basePath}hub/home`,
    connections: new Set(),
    splices: new Set(),
    counts: { requests: 0, refused: 0, problems: {} },
    closing: false,
    nextRequestId: requestIds(),
  };

  const open = (where: { host: string; port: number }, offer: Offer) =>
    listen(where, log, (socket: Socket) => void new ClientConnection(context, socket, offer));
  const listeners = [await open(options, { only: undefined })];
  try {
    if (options.api) listeners.push(await open(options.api, { only: `${basePath}hub/api` }));
    stream.start();
  } catch (err) {
    for (const listener of listeners) listener.close();
    throw err;
  }
  activity.start();
  const sweeping = new AbortController();
  const swept = sweep(context, sweeping.signal);
  const stats = (): ProxyStats => ({
    ...context.counts,
    problems: { ...context.counts.problems },
    connections: context.connections.size,
    upgraded: context.splices.size,
    routes: table.routes().length,
    routeVersion: table.version,
  });
  const everyMs = options.figuresEveryMs ?? 10_000;
  const told = tellFigures({ control, clock, log, everyMs, stats }, sweeping.signal);

  let closed: Promise<void> | undefined;
  const close = async (graceMs: number): Promise<void> => {
    context.closing = true;
    for (const listener of listeners) listener.close();
    for (const splice of [...context.splices]) splice.goAway();
    for (const connection of [...context.connections]) connection.closeWhenDone();
    const until = clock.now() + graceMs;
    while (context.connections.size + context.splices.size > 0 && clock.now() < until) await clock.sleep(10);
    for (const open of [...context.splices, ...context.connections]) open.destroy();
    sweeping.abort();
    await Promise.all([
      swept,
      told,
      context.gate.close(),
      stream[Symbol.asyncDispose](),
      activity[Symbol.asyncDispose](),
    ]);
    pool.close();
  };

  return {
    address: listeners[0]!.address,
    apiAddress: listeners[1]?.address,
    stats,
    close: ({ graceMs = GRACE_MS } = {}) => (closed ??= close(graceMs)),
    [Symbol.asyncDispose]: () => (closed ??= close(GRACE_MS)),
  };
}

/** One timer for every deadline: at worst it notices a quarter of a second late, and costs nothing per request. */
async function sweep(context: ProxyContext, signal: AbortSignal): Promise<void> {
  const { clock, connections, splices, pool } = context;
  while (!signal.aborted) {
    await clock.sleep(250, signal).catch(() => undefined);
    const now = clock.now();
    for (const connection of connections) connection.sweep(now);
    for (const splice of splices) splice.sweep(now);
    pool.sweep(now);
    context.bars.sweep(now);
  }
}

/** Whoever lost the right to a server has nothing open there from this moment. */
function closeBarred({ splices, connections, log }: ProxyContext, bars: readonly Bar[]): void {
  if (bars.length === 0) return;
  const closes = closesFor(bars);
  let closed = 0;
  for (const splice of [...splices]) {
    if (!closes(splice.serverId, () => splice.tokens)) continue;
    splice.goAway();
    closed += 1;
  }
  for (const connection of [...connections]) connection.closeFor(closes);
  if (closed > 0) log.info({ closed }, 'closed websockets of people who may not use the server any more');
}

/** Unique across proxies and restarts, short enough to be read out to somebody. */
function requestIds(): () => string {
  const start = randomBytes(6).toString('base64url');
  let count = 0;
  return () => `${start}-${(++count).toString(36)}`;
}
