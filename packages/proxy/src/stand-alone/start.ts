import type { Socket } from 'node:net';
import { type Clock, type Log, systemClock, trustList } from '@atrium/sdk';
import { Bars } from '../bars.ts';
import { Buffers } from '../buffers.ts';
import { ClientConnection } from '../connection.ts';
import type { Limits, Offer, ProxyContext, ProxyStats } from '../context.ts';
import { RouteTable } from '../route-table.ts';
import { drain, emptyState, LIMITS, openAndCounted, sweep } from '../running.ts';
import type { LineSink } from '../seen/access-log.ts';
import { mayEnter } from '../seen/peers.ts';
import type { RedirectOptions } from '../tls/options.ts';
import { openSecure } from '../tls/secure.ts';
import { UpstreamPool } from '../upstream.ts';
import { type FetchingOptions, openFetching } from './acme/fetching.ts';
import { routesApi } from './api.ts';
import { StandAloneFigures } from './figures.ts';
import { type MannerOptions, manner } from './manner.ts';
import { metricsHandler } from './metrics.ts';
import { type Opened, openHttp, openPublic, type Where } from './open.ts';
import { problemPages } from './problem-pages.ts';
import { toHttps } from './redirect.ts';
import { Routes } from './routes.ts';
import { openStateFile } from './state-file.ts';
import type { TargetTls } from './target.ts';
import { followFiles, type ListeningTls } from './tls-files.ts';

/** A proxy without a hub of ours: programs set its routes. What is not named here is as in `ProxyOptions`. */
export interface StandAloneOptions extends Omit<MannerOptions, 'onlyTrusted'> {
  listen: Where;
  /** Undefined: without TLS. */
  tls?: ListeningTls | undefined;
  /** Instead of `tls`: with a certificate that is fetched. Only for a TCP listener. */
  acme?: FetchingOptions | undefined;
  /** Where routes are set. */
  api: Where;
  apiTls?: ListeningTls | undefined;
  /** What they who set routes must know. Undefined: nothing. */
  apiToken?: string | undefined;
  metrics?: Where | undefined;
  /** A port without TLS that sends browsers to `toPort`, by default the public one. */
  redirect?: { host: string; port: number; toPort?: number | undefined } | undefined;
  targetTls: TargetTls;
  /** Of the route `/`, unless the state file has one that was set through the API. */
  defaultTarget?: string | undefined;
  errorTarget?: string | undefined;
  errorPath?: string | undefined;
  /** The first segment of a route names its host. */
  hostRouting: boolean;
  /** Front servers that are believed about who asked; undefined believes everybody and adds to it. */
  trustedProxies?: readonly string[] | undefined;
  /** Keeps routes over a restart; undefined forgets them. */
  stateFile?: string | undefined;
  limits?: Partial<Limits>;
  /** Gets a line for each request. */
  accessLog?: LineSink | undefined;
  log: Log;
  clock?: Clock;
}

export interface RunningStandAlone extends AsyncDisposable {
  readonly listening: Opened;
  readonly api: Opened;
  readonly metrics: Opened | undefined;
  readonly redirect: Opened | undefined;
  stats(): ProxyStats;
  /** Fetches another certificate now, whatever failed before. Undefined without `acme`. */
  readonly renewCertificate: (() => Promise<void>) | undefined;
  /** As `RunningProxy.close`. */
  close(options?: { graceMs?: number }): Promise<void>;
}

const GRACE_MS = 5_000;

/**
 * Starts a stand-alone proxy. Rejects when a port cannot be had, with a `TargetError` for a target that is none, and with a
 * `KeptError` or `CertificateError` when no certificate can be kept or served.
 */
export async function startStandAlone(options: StandAloneOptions): Promise<RunningStandAlone> {
  const { log, clock = systemClock, trustedProxies, targetTls: tls } = options;
  // Nobody said which front servers there are, and everybody may come from one.
  const limits = { ...LIMITS, connectionsPerAddress: 0, ...options.limits };
  const trusted = trustList(trustedProxies ?? []);
  const table = new RouteTable();
  const pool = new UpstreamPool(new Buffers(), { idleMs: limits.upstreamIdleMs, maxIdle: limits.upstreamMaxIdle });
  const figures = options.metrics && new StandAloneFigures();
  let keep = () => {};
  const routes = new Routes({
    ...{ table, tls, clock, hostRouting: options.hostRouting },
    onGone: (address) => pool.forget(address),
    onChange: () => keep(),
  });
  const { stateFile: path, hostRouting, defaultTarget } = options;
  const file = path === undefined ? undefined : openStateFile({ path, hostRouting, routes, clock, log });
  keep = () => file?.save();
  if (defaultTarget !== undefined) {
    if (routes.get('/')) log.warn({}, 'the route / that was set through the API counts, not the default target');
    else routes.add('/', { target: defaultTarget }, { lasting: false });
  }

  const lookup = table.lookup.bind(table);
  const note = routes.note.bind(routes);
  const pages = problemPages({ errorTarget: options.errorTarget, errorPath: options.errorPath, tls, log });
  const context: ProxyContext = {
    limits,
    clock,
    log,
    hub: undefined,
    standAlone: {
      ...manner({ ...options, onlyTrusted: trustedProxies !== undefined }),
      problemAnswer: (problem, ...rest) => {
        figures?.answered('requests_proxy', problem.status === 404 ? 404 : 503);
        return pages(problem, ...rest);
      },
      onRequest: (upgrade) => figures?.count(upgrade ? 'requests_ws' : 'requests_web'),
      onAnswer: (status) => figures?.answered('requests_proxy', status),
    },
    table: { lookup: figures ? figures.timed('find_target_for_req', lookup) : lookup },
    bars: new Bars(),
    pool,
    activity: { note: figures ? figures.timed('last_activity_updating', note) : note },
    trusted,
    homePath: '',
    ...emptyState({ limits, trusted, clock, log }, options.accessLog),
  };
  const fetching = options.acme && (await openFetching(options.acme, options.redirect?.port, { clock, log }));
  const secure = fetching && (await openSecure(fetching.tls, redirecting(options.redirect), context));
  const stats = (): ProxyStats => ({
    ...openAndCounted(context),
    routes: routes.size,
    routeVersion: undefined,
    hubSilentMs: 0,
    tls: secure?.stats(),
  });

  const servers: Opened[] = [];
  const opened = async <Server extends Opened>(opening: Promise<Server>): Promise<Server> => {
    const server = await opening;
    servers.push(server);
    return server;
  };
  // Who comes by a Unix socket has no address.
  const counted = !('path' in options.listen);
  const offer: Offer = { only: undefined, secure: options.tls !== undefined, counted };
  const onConnection = (socket: Socket) => {
    // Its handshake was under way when the end began.
    if (context.closing) socket.destroy();
    else if (!counted || mayEnter(context.peers, socket)) new ClientConnection(context, socket, offer);
  };
  const closeAll = () => Promise.all(servers.map((server) => server.closed()));
  const sweeping = new AbortController();
  try {
    const { listen, api, metrics, redirect } = options;
    const handler = routesApi({ routes, token: options.apiToken, figures, log });
    const listening = await opened(openPublic(listen, options.tls?.options, log, secure?.accept ?? onConnection));
    secure?.isAt(listening.port);
    const apiServer = await opened(openHttp(api, options.apiTls?.options, log, handler));
    const figuresServer =
      metrics &&
      figures &&
      (await opened(openHttp(metrics, undefined, log, metricsHandler(figures, stats, clock, fetching))));
    const toPort = redirect?.toPort ?? listening.port;
    const redirects =
      redirect &&
      (await opened(
        secure
          ? openPublic(redirect, undefined, log, secure.acceptPlain)
          : openHttp(redirect, undefined, log, toHttps(toPort)),
      ));
    const swept = sweep(context, sweeping.signal);
    const follow = ({ setSecureContext }: Opened, tls: ListeningTls | undefined) =>
      tls && setSecureContext && followFiles(tls, { setSecureContext }, { clock, log }, sweeping.signal);
    const followed = [follow(listening, options.tls), follow(apiServer, options.apiTls)];
    const until = new AbortController();
    const fetched = secure && fetching?.run(secure.take, until.signal);

    let closed: Promise<void> | undefined;
    const close = async (graceMs: number): Promise<void> => {
      // Before the doors are shut at which an authority asks: an order goes on after the next start.
      until.abort();
      await drain(context, servers, graceMs);
      await closeAll();
      sweeping.abort();
      keep();
      await Promise.all([swept, ...followed, fetched, secure?.close(), file?.[Symbol.asyncDispose]()]);
      pool.close();
    };
    return {
      listening,
      api: apiServer,
      metrics: figuresServer,
      redirect: redirects,
      stats,
      renewCertificate: fetching?.renew,
      close: ({ graceMs = GRACE_MS } = {}) => (closed ??= close(graceMs)),
      [Symbol.asyncDispose]: () => (closed ??= close(GRACE_MS)),
    };
  } catch (err) {
    await Promise.all([closeAll(), secure?.close()]);
    throw err;
  }
}

/** As configurable-http-proxy redirects. */
const redirecting = (redirect: StandAloneOptions['redirect']): Partial<RedirectOptions> => ({
  status: 301,
  ...(redirect?.toPort !== undefined && { toPort: redirect.toPort }),
});
