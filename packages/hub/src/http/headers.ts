import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import type { Urls } from '../urls.ts';
import { isApiRequest } from './guard.ts';
import { JUPYTERHUB_VERSION } from './version.ts';

/** Those that are always the same, on every reply of the API. */
const ofApi = new WeakMap<Urls, Readonly<Record<string, string>>>();

function apiHeaders(urls: Urls): Readonly<Record<string, string>> {
  let headers = ofApi.get(urls);
  if (!headers) {
    headers = {
      'x-jupyterhub-version': JUPYTERHUB_VERSION,
      'access-control-allow-headers': 'accept, content-type, authorization',
      'content-security-policy': `frame-ancestors 'none'; report-uri ${urls.hub}security/csp-report; default-src 'none'`,
    };
    ofApi.set(urls, headers);
  }
  return headers;
}

const OF_PAGES = { 'x-jupyterhub-version': JUPYTERHUB_VERSION };

/** On every reply, whoever answers (contract §3.1). */
export function setCommonHeaders(ctx: AppContext, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(isApiRequest(ctx, request) ? apiHeaders(ctx.urls) : OF_PAGES).header('x-request-id', request.id);
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
