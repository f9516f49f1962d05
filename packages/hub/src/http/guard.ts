import { HubError, type ScopeTarget } from '@atrium/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { bodyProblem } from './body.ts';
import { checkRepeat } from './repeat.ts';
import { isApi, pathOf, type Requester, requesterOf, requireScope } from './requester.ts';
import { checkXsrf } from './xsrf.ts';

/** Who may use a route; exactly one of `scopes`, `page` and `public`. */
export interface RouteAccess {
  /** Any one of these, for what the path's `:user`, `:server`, `:group` or `:service` names. Empty: whoever is known. */
  scopes?: readonly string[];
  /** A list that shows what the scopes cover; holding one of them with any filter is enough. */
  filtered?: true;
  /** The path is about this server although it does not name it: '' for `/users/:user/server`. */
  server?: string;
  /** For signed-in people in a browser; others are sent to sign in. */
  page?: true;
  /** For everybody. */
  public?: true;
  /** The path holds a secret: the log names the route, never the path. */
  secretPath?: true;
  /**
   * Carrying it out twice comes to the same, as with every GET, PUT and DELETE: when a hub is killed over it, the proxy
   * asks the next one (`isRepeated` in repeat.ts), and nobody notices.
   */
  repeatable?: true;
}

declare module 'fastify' {
  interface FastifyContextConfig extends RouteAccess {}
  interface FastifyRequest {
    /** Set before the handler of every route but the public ones runs. */
    requester: Requester | null;
  }
}

/** Thrown while routes are being added, so a route that nobody thought about stops the boot. */
export function checkAccess(route: { method: string | string[]; url: string; config?: RouteAccess | undefined }): void {
  const { scopes, page, public: open } = route.config ?? {};
  const ways = [scopes !== undefined, page === true, open === true].filter(Boolean).length;
  if (ways === 1) return;
  const name = `${String(route.method)} ${route.url}`;
  throw new HubError(
    'misconfigured',
    `The route ${name} must say who may use it: config.scopes, config.page or config.public.`,
  );
}

/** Runs when the body is read and before it is validated: who asks is settled before what they ask. */
export async function guard(ctx: AppContext, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  checkRepeat(request);
  if (!request.is404) checkNames(request);
  const access = request.routeOptions.config;
  if (access.page) await guardPage(ctx, request, reply);
  else if (access.scopes && !request.is404) await guardApi(ctx, request, access);
  if (reply.sent) return reply;
  const problem = bodyProblem(request);
  if (problem) throw problem;
  return undefined;
}

/** Nothing has such a name, and PostgreSQL does not even look. */
function checkNames(request: FastifyRequest): void {
  for (const value of Object.values((request.params ?? {}) as Record<string, string | undefined>)) {
    if (value?.includes('\0')) throw new HubError('bad_request', 'A name must not have the character U+0000.');
  }
}

async function guardApi(ctx: AppContext, request: FastifyRequest, access: RouteAccess): Promise<void> {
  const requester = await requesterOf(ctx, request);
  if (!requester || (requester.via.kind === 'session' && isForeignForm(request))) {
    throw new HubError('not_authenticated', 'Missing or invalid credentials.');
  }
  if (requester.via.kind === 'session') checkXsrf(ctx, request);
  request.requester = requester;
  if (!access.scopes?.length) return;
  await requireScope(ctx, requester, access.scopes, targetOf(request, access), { filtered: access.filtered ?? false });
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A form of another page can post without a preflight, but never as JSON (contract §2.6). */
export function isForeignForm(request: FastifyRequest): boolean {
  const type = request.headers['content-type'];
  return !READING.has(request.method) && type !== undefined && !/^application\/json *(;|$)/i.test(type);
}

function targetOf(request: FastifyRequest, access: RouteAccess): ScopeTarget {
  const { user, server = access.server, group, service } = request.params as Record<string, string | undefined>;
  return { user, server, group, service };
}

async function guardPage(ctx: AppContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const requester = await requesterOf(ctx, request);
  // Pages are for people: a service counts as nobody.
  if (requester?.user) {
    request.requester = requester;
    // What is under `{hub}user/` changes nothing and only says where the server went, to an open tab's polling too.
    const harmless = READING.has(request.method) && pathOf(request).startsWith(`${ctx.urls.hub}user/`);
    if (requester.via.kind === 'session' && !harmless) checkXsrf(ctx, request);
    return;
  }
  if (!READING.has(request.method)) throw new HubError('not_authenticated', 'Sign in first, then try again.');
  reply.header('cache-control', 'no-store');
  reply.redirect(`${ctx.urls.hub}login?next=${encodeURIComponent(request.url)}`, 302);
}

/** The error format and the policy headers differ between the two. */
export function isApiRequest(ctx: AppContext, request: FastifyRequest): boolean {
  return isApi(ctx, pathOf(request)) && !request.routeOptions.config.page;
}
