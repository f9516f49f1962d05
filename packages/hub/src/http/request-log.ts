import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { handlerOf } from '../metrics/handlers.ts';
import { actorName } from '../users/principal.ts';

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Measures a request that was answered, and writes its line: at level info when it may have changed something. The route
 * stands for the address, which may hold the secret of a one-time link.
 */
export function recordRequest(ctx: AppContext, request: FastifyRequest, reply: FastifyReply): void {
  const { method } = request;
  const route = request.is404 ? undefined : request.routeOptions.url;
  const seconds = reply.elapsedTime / 1000;
  ctx.metrics.requests.observe(
    { method, handler: handlerOf(ctx.urls, route), code: String(reply.statusCode) },
    seconds,
  );
  const user = request.requester ? actorName(request.requester.principal) : undefined;
  const line = { method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime), user };
  ctx.log[READING.has(method) ? 'debug' : 'info'](line, 'request answered');
}
