import { createHash } from 'node:crypto';
import { HubError, sameSecret } from '@atrium/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { knownSession } from '../sessions/sessions.service.ts';
import { COOKIES, readCookies, setCookie } from './cookies.ts';

const ANONYMOUS_SECONDS = 3600;
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

const one = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header);

/** The token of whoever this is: signed, so it is known without being stored, and different after a sign-in. */
function tokenOf(ctx: AppContext, request: FastifyRequest): string {
  const session = knownSession(request);
  if (session) return ctx.keys.sign('xsrf', `${session.sessionId}:${session.hash}`);
  const browser = `${request.ip}\0${one(request.headers['user-agent']) ?? ''}`;
  return ctx.keys.sign('xsrf-anonymous', createHash('sha256').update(browser).digest('hex'));
}

/**
 * The token for a page's forms; gives the browser its cookie when it navigates (contract §2.6).
 * `findSession` (the guard does) has to come first.
 */
export function xsrfToken(ctx: AppContext, request: FastifyRequest, reply: FastifyReply): string {
  const token = tokenOf(ctx, request);
  const mode = one(request.headers['sec-fetch-mode']);
  const signedIn = knownSession(request) !== null;
  // A script that reads a page is not a person who fills in its form: it may be of somebody's server, which has our origin.
  if (mode !== undefined && mode !== 'navigate') return signedIn ? '' : token;
  // While anonymous it is renewed each time, so that a form is good for its full hour.
  if (signedIn && readCookies(request, COOKIES.xsrf).includes(token)) return token;
  const maxAge = signedIn ? {} : { maxAge: ANONYMOUS_SECONDS };
  setCookie(ctx, request, reply, COOKIES.xsrf, token, { path: ctx.urls.hub, scripts: true, ...maxAge });
  return token;
}

/** Whether the browser itself says that no other site can have caused this request (contract §2.6, the table). */
export function isXsrfSafe(method: string, headers: FastifyRequest['headers']): boolean {
  const mode = one(headers['sec-fetch-mode']);
  if (mode === 'websocket') return true;
  if (READING.has(method) && (mode === undefined || mode === 'navigate')) return true;
  // Meant for what a page shows or runs; `fetch` can ask in this mode, too, and read the answer.
  const isFetch = one(headers['sec-fetch-dest']) === 'empty';
  return method === 'GET' && mode === 'no-cors' && one(headers['sec-fetch-site']) === 'same-origin' && !isFetch;
}

function argumentOf(request: FastifyRequest): string | undefined {
  for (const source of [request.query, request.body]) {
    const value = (source as { _xsrf?: unknown } | null | undefined)?._xsrf;
    if (typeof value === 'string' && value !== '') return value;
  }
  return one(request.headers['x-xsrftoken']) ?? one(request.headers['x-csrftoken']);
}

/**
 * For requests known by cookie, and for the forms of people who are not signed in yet.
 * @throws HubError `xsrf`
 */
export function checkXsrf(ctx: AppContext, request: FastifyRequest): void {
  if (isXsrfSafe(request.method, request.headers)) return;
  const given = argumentOf(request);
  if (given === undefined) throw new HubError('xsrf', `'_xsrf' argument missing from ${request.method}`);
  const token = tokenOf(ctx, request);
  // The cookie of a person's own server has the same name: any one that fits will do.
  const cookie = readCookies(request, COOKIES.xsrf).some((value) => sameSecret(value, token));
  if (!cookie || !sameSecret(given, token)) {
    throw new HubError('xsrf', `XSRF cookie does not match ${request.method} argument`);
  }
}
