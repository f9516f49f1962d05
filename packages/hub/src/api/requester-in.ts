import type { FastifyRequest } from 'fastify';
import type { Requester } from '../http/requester.ts';

/** The requester of a route that needs one; the guard ran before. */
export function requesterIn(request: FastifyRequest): Requester {
  if (!request.requester) throw new Error(`${request.method} ${request.routeOptions.url} ran without a requester`);
  return request.requester;
}
