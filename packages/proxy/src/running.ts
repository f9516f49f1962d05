import { randomBytes } from 'node:crypto';
import type { ClientConnection } from './connection.ts';
import type { Limits, ProxyContext, ProxyStats } from './context.ts';
import type { Listener } from './listen.ts';
import { AccessLog, type LineSink } from './seen/access-log.ts';
import { Counts } from './seen/counts.ts';
import { Peers } from './seen/peers.ts';
import { Seldom } from './seen/seldom.ts';
import type { Splice } from './upgrade.ts';

export const LIMITS: Limits = {
  headBytes: 64 * 1024,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  stallTimeoutMs: 120_000,
  connectTimeoutMs: 5_000,
  answerTimeoutMs: 0,
  upstreamIdleMs: 60_000,
  upstreamMaxIdle: 64,
  connectionsPerAddress: 10_000,
};

/** One timer for every deadline: at worst it notices a quarter of a second late, and costs nothing per request. */
export async function sweep(context: ProxyContext, signal: AbortSignal): Promise<void> {
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

/**
 * Takes nothing new, and lets everybody who is connected come to an end of their own: after the next answer, or by hanging
 * up. Until that, or the deadline; `drain` then ends who is left.
 */
export async function leave(
  context: ProxyContext,
  listeners: readonly Listener[],
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  context.leaving = true;
  const over = new AbortController();
  const late = context.clock.sleep(deadlineMs, AbortSignal.any([signal, over.signal])).catch(() => undefined);
  await Promise.race([Promise.all(listeners.map((listener) => listener.close())), late]);
  over.abort();
}

/** Takes nothing new, lets requests finish for up to `graceMs`, says goodbye to websockets, and cuts off what is left. */
export async function drain(
  context: ProxyContext,
  listeners: readonly { close(): unknown }[],
  graceMs: number,
): Promise<void> {
  const { clock, connections, splices } = context;
  context.leaving = true;
  context.closing = true;
  for (const listener of listeners) void listener.close();
  for (const splice of [...splices]) splice.goAway();
  for (const connection of [...connections]) connection.closeWhenDone();
  const until = clock.now() + graceMs;
  while (connections.size + splices.size > 0 && clock.now() < until) await clock.sleep(10);
  for (const open of [...splices, ...connections]) open.destroy();
}

/** What of the figures does not depend on where routes come from. */
export function openAndCounted(
  context: ProxyContext,
): Omit<ProxyStats, 'routes' | 'routeVersion' | 'hubSilentMs' | 'tls'> {
  const { counts, connections, splices, pool, peers, access } = context;
  const bytes = { in: counts.bytesIn, out: counts.bytesOut };
  for (const open of [connections, splices]) {
    for (const { socket } of open) {
      bytes.in += socket.bytesRead;
      bytes.out += socket.bytesWritten;
    }
  }
  return {
    ...counts.soFar(),
    connections: connections.size,
    upgraded: splices.size,
    bytes,
    upstreams: pool.stats(),
    tooMany: peers.refused,
    accessLinesLost: access?.dropped,
  };
}

/** Unique across proxies and restarts, short enough to be read out to somebody. */
function requestIds(): () => string {
  const start = randomBytes(6).toString('base64url');
  let count = 0;
  return () => `${start}-${(++count).toString(36)}`;
}

/** What a proxy has when nobody has come yet. */
export function emptyState(
  { limits, trusted, clock, log }: Pick<ProxyContext, 'limits' | 'trusted' | 'clock' | 'log'>,
  accessLog: LineSink | undefined,
) {
  return {
    connections: new Set<ClientConnection>(),
    splices: new Set<Splice>(),
    counts: new Counts(),
    peers: new Peers({ most: limits.connectionsPerAddress, trusted, clock, log }),
    news: new Seldom(),
    access: accessLog && new AccessLog(accessLog, clock, trusted),
    challenge: undefined,
    leaving: false,
    closing: false,
    nextRequestId: requestIds(),
  };
}
