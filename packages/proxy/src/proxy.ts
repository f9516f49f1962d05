import type { Socket } from 'node:net';
import { type Address, type Bar, type Clock, type Log, systemClock, trustList } from '@atrium/sdk';
import { Activity } from './activity.ts';
import { Bars, closesFor } from './bars.ts';
import { Buffers } from './buffers.ts';
import { ClientConnection } from './connection.ts';
import type { Limits, Offer, ProxyContext, ProxyStats } from './context.ts';
import { tellFigures } from './figures.ts';
import { HubGate } from './hub-gate.ts';
import { type Listener, listen, type Where } from './listen.ts';
import { RouteStream } from './route-stream.ts';
import { RouteTable } from './route-table.ts';
import { drain, emptyState, LIMITS, leave, openAndCounted, sweep } from './running.ts';
import type { LineSink } from './seen/access-log.ts';
import { mayEnter } from './seen/peers.ts';
import type { RedirectOptions, TlsOptions } from './tls/options.ts';
import { openSecure } from './tls/secure.ts';
import { UpstreamPool } from './upstream.ts';

export interface ProxyOptions {
  /** Public listener. Port 0 chooses one. */
  host: string;
  port: number;
  /** Sockets that the process that started this one has bound, in the place of those that it would open itself. */
  fds?: { main: readonly number[]; api: readonly number[]; redirect: readonly number[] };
  /**
   * Listens only once the hub has said its routes, or does not answer; at most a few seconds. For one that takes the
   * place of another, or works beside others: nobody is to find it knowing less than they do.
   */
  awaitRoutes?: boolean;
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
  /** The public listener speaks TLS. */
  tls?: TlsOptions;
  /** Sends who comes to this port without TLS to the public listener. Only with `tls`. */
  redirect?: RedirectOptions;
  /** Between two activity reports. Default 10 s. */
  activityEveryMs?: number;
  /** Between two reports of `stats()` for the hub's metrics. Default 10 s. */
  figuresEveryMs?: number;
  /** A route stream silent for this long is dead. Default 15 s. */
  silenceMs?: number;
  log: Log;
  /** Gets a line for each request. Default: nobody does. */
  accessLog?: LineSink;
  /** Of the program, for who asks which one runs. */
  version?: string;
  clock?: Clock;
}

export interface RunningProxy extends AsyncDisposable {
  readonly address: { host: string; port: number };
  readonly apiAddress: { host: string; port: number } | undefined;
  readonly redirectAddress: { host: string; port: number } | undefined;
  stats(): ProxyStats;
  /**
   * 48 random bytes by which TLS sessions are resumed (RFC 5077): processes with the same ones resume each other's. Those
   * of before count no more. Without it, or without TLS, each process has its own.
   */
  setTicketKeys(keys: Buffer): void;
  /**
   * For one whose place another process has taken: stops listening, and waits up to `deadlineMs` until everybody has
   * gone. A connection ends with its next answer, which says so; a websocket when one of its sides ends it. `close`
   * says goodbye to those who are left, and may come at any time.
   */
  leave(options: { deadlineMs: number }): Promise<void>;
  /**
   * Stops listening, lets requests finish for up to `graceMs` (default 5 s), says goodbye to websockets, and reports the
   * last activity. Also what disposing does.
   */
  close(options?: { graceMs?: number }): Promise<void>;
}

const GRACE_MS = 5_000;
/** How long one that shall not listen without routes waits for a hub that is busy. */
const ROUTES_MS = 5_000;

/** Starts a proxy. Rejects when a port cannot be had, with CertificateError when its certificate cannot be used. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { log, clock = systemClock, control, basePath = '/' } = options;
  const limits = { ...LIMITS, ...options.limits };
  const table = new RouteTable();
  const pool = new UpstreamPool(new Buffers(), { idleMs: limits.upstreamIdleMs, maxIdle: limits.upstreamMaxIdle });
  const activity = new Activity({ control, clock, log, everyMs: options.activityEveryMs ?? 10_000 });
  const bars = new Bars();
  const trusted = trustList(options.trustedProxies ?? []);
  const gate = new HubGate(options.hub, clock);
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
    onTls: async (fetched) => secure?.take(fetched),
  });
  const context: ProxyContext = {
    limits,
    clock,
    log,
    hub: {
      address: options.hub,
      control,
      healthPath: `${basePath}hub/health`,
      waitMs: options.hubWaitMs ?? 15_000,
      gate,
    },
    standAlone: undefined,
    table,
    bars,
    pool,
    activity,
    trusted,
    homePath: `${basePath}hub/home`,
    ...emptyState({ limits, trusted, clock, log }, options.accessLog),
  };

  const connect = (offer: Offer) => (socket: Socket) => {
    if (!offer.counted || mayEnter(context.peers, socket)) new ClientConnection(context, socket, offer);
  };
  const secure = options.tls && (await openSecure(options.tls, options.redirect, context));
  const listeners: Listener[] = [];
  let api: Listener | undefined;
  let redirect: Listener | undefined;
  const open = async (where: Where, accept: (socket: Socket) => void) => {
    const listener = await listen(where, log, accept);
    listeners.push(listener);
    return listener;
  };
  try {
    const { host, port, fds } = options;
    if (options.awaitRoutes) {
      stream.start();
      await stream.firstWord(ROUTES_MS);
    }
    const main = await open(
      { host, port, ...(fds && { fds: fds.main }) },
      secure ? secure.accept : connect({ only: undefined, counted: true }),
    );
    secure?.isAt(main.address.port);
    if (options.api) {
      api = await open({ ...options.api, ...(fds && { fds: fds.api }) }, connect({ only: `${basePath}hub/api` }));
    }
    if (options.redirect && secure) {
      redirect = await open({ ...options.redirect, ...(fds && { fds: fds.redirect }) }, secure.acceptPlain);
    }
    if (!options.awaitRoutes) stream.start();
  } catch (err) {
    for (const listener of listeners) void listener.close();
    await Promise.all([stream[Symbol.asyncDispose](), secure?.close()]);
    throw err;
  }
  activity.start();
  const sweeping = new AbortController();
  const swept = sweep(context, sweeping.signal);
  const stats = (): ProxyStats => ({
    ...openAndCounted(context),
    routes: table.routes().length,
    routeVersion: table.version,
    hubSilentMs: stream.connected ? 0 : clock.now() - stream.heardAt,
    tls: secure?.stats(),
  });
  const everyMs = options.figuresEveryMs ?? 10_000;
  const { version = null } = options;
  const about = { proxy: stream.name, pid: process.pid, version, startedAt: clock.now() };
  const told = tellFigures({ control, clock, log, everyMs, about, stats }, sweeping.signal);

  let closed: Promise<void> | undefined;
  const closing = new AbortController();
  const close = async (graceMs: number): Promise<void> => {
    closing.abort();
    secure?.goAway();
    await drain(context, listeners, graceMs);
    sweeping.abort();
    await Promise.all([swept, told, gate.close(), stream[Symbol.asyncDispose](), activity[Symbol.asyncDispose]()]);
    await secure?.close();
    pool.close();
  };

  return {
    address: listeners[0]!.address,
    apiAddress: api?.address,
    redirectAddress: redirect?.address,
    stats,
    setTicketKeys: (keys) => secure?.setTicketKeys(keys),
    leave({ deadlineMs }) {
      const left = leave(context, listeners, deadlineMs, closing.signal);
      secure?.goAway();
      return left;
    },
    close: ({ graceMs = GRACE_MS } = {}) => (closed ??= close(graceMs)),
    [Symbol.asyncDispose]: () => (closed ??= close(GRACE_MS)),
  };
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
