import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { asViewer, type Viewer } from '../http/requester.ts';
import { type Origin, safeNext } from '../login/next.ts';
import { putAwayIn } from './announcements.ts';
import type { Html } from './html.ts';
import { type PageOptions, page, sendPage } from './layout.ts';

/** Whoever a page route serves: the guard has sent everybody else to sign in. */
export function viewerOf(request: FastifyRequest): Viewer {
  const viewer = asViewer(request.requester);
  if (!viewer) throw new Error('a page route without a guard');
  return viewer;
}

/** Sends a page for the person who asked. */
export function answer(
  ctx: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  options: Omit<PageOptions, 'requester'> & { status?: number },
  body: Html,
): FastifyReply {
  return sendPage(
    ctx,
    reply,
    options.status ?? 200,
    page(ctx, { ...options, requester: asViewer(request.requester), putAway: putAwayIn(request) }, body),
  );
}

/** The first value of a field in a query or a form; undefined when it is absent. */
export function fieldOf(source: unknown, name: string): string | undefined {
  const value = (source as Record<string, unknown> | undefined | null)?.[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : undefined;
}

/** What the client would rather have, of the two things we can send (contract §5.4). `any/any` is a browser or curl: a page. */
export function prefersJson(request: FastifyRequest): boolean {
  const wanted = (request.headers.accept ?? '')
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim());
      const quality = parameters.find((text) => text.startsWith('q='));
      return { type: type.toLowerCase(), quality: quality ? Number(quality.slice(2)) || 0 : 1 };
    })
    .sort((a, b) => b.quality - a.quality)
    .find(({ type }) => type === 'application/json' || type === 'text/html');
  return wanted?.type === 'application/json';
}

/** How the browser reaches this hub, without a slash at the end. */
export function originOf(ctx: AppContext, request: FastifyRequest): string {
  return ctx.config.publicUrl ? new URL(ctx.config.publicUrl).origin : `${request.protocol}://${request.host}`;
}

/** What tells our own absolute addresses from others'. */
export function ownAddress({ config, urls }: AppContext, request: FastifyRequest): Origin {
  const { publicUrl, subdomainHost } = config;
  return { host: request.host, publicUrl, subdomainHost, hub: urls.hub };
}

/** Where the person was heading: from the query, or from the form that carried it along (contract §5.2). */
export function nextOf(ctx: AppContext, request: FastifyRequest): string | undefined {
  const raw = fieldOf(request.query, 'next') ?? fieldOf(request.body, 'next');
  return safeNext(raw, ownAddress(ctx, request)) ?? undefined;
}
