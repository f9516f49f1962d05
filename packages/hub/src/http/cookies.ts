import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';

/** The hub's cookies (contract §2.5). `services` is only ever cleared. */
export const COOKIES = {
  sessionId: 'jupyterhub-session-id',
  login: 'jupyterhub-hub-login',
  xsrf: '_xsrf',
  services: 'jupyterhub-services',
} as const;

/**
 * The login cookie. Where people have hosts of their own it has the prefix that keeps those from setting it: otherwise
 * somebody's page could sign its visitors in as somebody else (contract §2.5).
 */
export function loginCookie({ urls }: Pick<AppContext, 'urls'>): { name: string; path: string } {
  if (urls.hostCookies) return { name: `__Host-${COOKIES.login}`, path: '/' };
  return { name: COOKIES.login, path: urls.hub };
}

export interface CookieOptions {
  path: string;
  /** Also for every host below the hub's, where people have one each. */
  everyHost?: boolean;
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
  { path, everyHost = false, maxAge, scripts = false }: CookieOptions,
): void {
  const parts = [`${name}=${value}`, `Path=${path}`];
  if (everyHost && ctx.urls.domain !== undefined) parts.push(`Domain=${ctx.urls.domain}`);
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
  options: Pick<CookieOptions, 'path' | 'everyHost'>,
): void {
  setCookie(ctx, request, reply, name, '', { ...options, maxAge: 0 });
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
