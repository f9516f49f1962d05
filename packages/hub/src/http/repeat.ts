import { HubError } from '@atrium/sdk';
import type { FastifyRequest } from 'fastify';

const FIELD = 'x-atrium-repeat';
/** May be carried out twice without doing anything twice (RFC 9110 §9.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * Whether the proxy asks again because a hub was killed before it answered: what is asked for may be done already.
 * Only the proxy can say so; it drops what a client writes there.
 */
export function isRepeated(request: FastifyRequest): boolean {
  return request.headers[FIELD] !== undefined;
}

/** @throws HubError `hub_broke_off` for a repeated request to a route that does not say that it may be. */
export function checkRepeat(request: FastifyRequest): void {
  if (!isRepeated(request) || request.routeOptions.config.repeatable || IDEMPOTENT.has(request.method)) return;
  throw new HubError(
    'hub_broke_off',
    'The hub stopped while it was answering. What you asked for may or may not have been done. Look whether it was done before you try again.',
  );
}
