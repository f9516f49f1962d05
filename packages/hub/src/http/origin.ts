import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyRequest } from 'fastify';

/** On whose behalf code runs: for the audit trail and for every line of the log. */
export interface Origin {
  /** One id through proxy, hub and controller; undefined for what nobody asked for. */
  requestId: string | undefined;
  /** `request`: somebody over HTTP. `operator`: the command on this machine. `hub`: the hub by itself. */
  kind: 'request' | 'operator' | 'hub';
  request?: FastifyRequest | undefined;
}

/**
 * The one thing that is not in the context: lines of plug-ins and of libraries need the id too, and a parameter through
 * every function between a route and a row would be forgotten somewhere.
 */
const storage = new AsyncLocalStorage<Origin>();

const HUB: Origin = { requestId: undefined, kind: 'hub' };

/** Undefined-free: whatever nobody asked for is the hub's own. */
export function currentOrigin(): Origin {
  return storage.getStore() ?? HUB;
}

/** Runs on behalf of whoever made this request; what it waits for does, too. */
export function onBehalfOf<T>(request: FastifyRequest, run: () => T): T {
  const origin: Origin = { requestId: request.id, kind: 'request', request };
  return storage.run(origin, run);
}

/** Runs what the operator asked for on the command line. */
export function asOperator<T>(run: () => T): T {
  return storage.run({ requestId: storage.getStore()?.requestId, kind: 'operator' }, run);
}

/** Runs on the hub's own behalf, for a request that may be long over: its lines still have its id. */
export function asHub<T>(requestId: string | undefined, run: () => T): T {
  return storage.run({ requestId, kind: 'hub' }, run);
}

/** For pino's `mixin`: the id of the request that a line belongs to. */
export function requestIdOfLine(): { requestId?: string } {
  const requestId = storage.getStore()?.requestId;
  return requestId === undefined ? {} : { requestId };
}
