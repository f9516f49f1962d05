import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { isApiRequest } from './guard.ts';
import { JUPYTERHUB_VERSION } from './version.ts';

/** On every reply, whoever answers (contract §3.1). */
export function commonHeaders(ctx: AppContext, request: FastifyRequest): Record<string, string> {
  const common = { 'x-jupyterhub-version': JUPYTERHUB_VERSION, 'x-request-id': request.id };
  if (!isApiRequest(ctx, request)) return common;
  return {
    ...common,
    'access-control-allow-headers': 'accept, content-type, authorization',
    'content-security-policy': `frame-ancestors 'none'; report-uri ${ctx.urls.hub}security/csp-report; default-src 'none'`,
  };
}

/** Last touches when the body is known: JSON without a charset (aiohttp compares), an ETag for what was read. */
export function finishReply(ctx: AppContext, request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (!isApiRequest(ctx, request) || typeof payload !== 'string') return payload;
  if (String(reply.getHeader('content-type') ?? '').startsWith('application/json')) reply.type('application/json');
  if (request.method !== 'GET' || reply.statusCode !== 200) return payload;
  const tag = `"${hash('sha1', payload)}"`;
  reply.header('etag', tag);
  if (request.headers['if-none-match'] !== tag) return payload;
  reply.code(304).removeHeader('content-type').removeHeader('content-length');
  return '';
}
