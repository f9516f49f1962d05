import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';

/** The hub's cookies (contract §2.5). `services` is only ever cleared. */
export const COOKIES = {
  sessionId: 'jupyterhub-session-id',
  login: 'jupyterhub-hub-login',
  xsrf: '_xsrf',
  services: 'jupyterhub-services',
} as const;

export interface CookieOptions {
  path: string;
  /** Seconds. Without it the cookie ends with the browser's session. */
  maxAge?: number;
  /** Readable by scripts. */
  scripts?: boolean;
}

/**
 * Every value of one name, in the browser's order. There may be several, of different paths, and one that a person's
 * server planted, so whoever reads must check each.
 */
export function readCookies(request: FastifyRequest, name: string): string[] {
  const values: string[] = [];
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) values.push(pair.slice(at + 1).trim());
  }
  return values;
}

/** Values are ours, url-safe, and need no escaping. */
export function setCookie(
  ctx: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
  value: string,
  { path, maxAge, scripts = false }: CookieOptions,
): void {
  const parts = [`${name}=${value}`, `Path=${path}`];
  if (maxAge !== undefined) parts.push(`Max-Age=${Math.floor(maxAge)}`);
  if (!scripts) parts.push('HttpOnly');
  if (isHttps(ctx, request)) parts.push('Secure');
  parts.push('SameSite=Lax');
  replaceHeader(reply, name, path, parts.join('; '));
}

export function clearCookie(
  ctx: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
  path: string,
): void {
  setCookie(ctx, request, reply, name, '', { path, maxAge: 0 });
}

/** A reply that sets a cookie twice (a sign-in after a sign-out) sends the last one only. */
function replaceHeader(reply: FastifyReply, name: string, path: string, line: string): void {
  const before = [reply.getHeader('set-cookie') ?? []].flat().map(String);
  const others = before.filter((one) => !(one.startsWith(`${name}=`) && one.includes(`; Path=${path};`)));
  reply.removeHeader('set-cookie');
  reply.header('set-cookie', [...others, line]);
}

/** As the browser sees it: the first front server's word, or the address that the config says browsers use. */
export function isHttps(ctx: AppContext, request: FastifyRequest): boolean {
  if (ctx.config.publicUrl?.startsWith('https:')) return true;
  const [first = ''] = String(request.headers['x-forwarded-proto'] ?? '').split(',');
  return first.trim().toLowerCase() === 'https';
}
