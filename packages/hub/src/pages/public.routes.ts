import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { sendHealth } from '../http/health.ts';
import { asViewer, requesterOf } from '../http/requester.ts';
import { findService } from '../services/services.service.ts';
import { ASSET_NAMES, type Asset, asset } from './assets.ts';
import { brandSheet } from './brand.ts';
import { page, sendPage } from './layout.ts';
import { errorPage, errorTitle } from './templates/error.ts';

const YEAR = 31_536_000;

const missing = () => new HubError('not_found', 'There is no page at this address.');

/**
 * Where a GET of an unknown address goes: below `{base}` but not `{hub}`, to the hub's page of that name (contract
 * §5.1). Undefined for what is not there at all.
 */
export function elsewhere(
  { urls: { base, hub } }: Pick<AppContext, 'urls'>,
  { method, url }: FastifyRequest,
): string | undefined {
  if (method !== 'GET' || !url.startsWith(base) || url.startsWith(hub)) return undefined;
  return `${hub}${url.slice(base.length)}`;
}

/** What everybody may have: files, the bare addresses, health. */
export const publicRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { base, hub } = ctx.urls;
  const config = { public: true } as const;
  const files = new Map<string, Asset>(ASSET_NAMES.map((name) => [name, asset(name)]));
  const brand = brandSheet(ctx);
  if (brand) files.set('brand.css', brand);

  app.get<{ Params: { version: string; name: string } }>(
    `${hub}static/:version/:name`,
    { config },
    async ({ params: { version, name } }, reply) => {
      const file = files.get(name);
      if (!file) throw missing();
      // Another version is another release's page still open: it gets what there is, but may not keep it.
      const keep = version === file.version ? `public, max-age=${YEAR}, immutable` : 'no-cache';
      return reply
        .headers({ 'cache-control': keep, 'x-content-type-options': 'nosniff' })
        .type(file.type)
        .send(file.body);
    },
  );

  const logo = asset('logo.svg');
  const sendLogo = (_: unknown, reply: FastifyReply) =>
    reply.header('cache-control', 'public, max-age=86400').type(logo.type).send(logo.body);
  app.get(`${hub}logo`, { config }, sendLogo);
  app.route({
    method: ['GET', 'HEAD'],
    url: `${hub}health`,
    config,
    handler: (_, reply) => sendHealth(reply),
  });

  const { publicUrl } = ctx.config;
  const start = publicUrl === undefined ? hub : new URL(hub, publicUrl).href;
  app.get(base, { config }, (_, reply) => reply.redirect(start, 302));
  // People leave the slash out; JupyterHub has nothing there.
  if (base !== '/') app.get(base.slice(0, -1), { config }, (_, reply) => reply.redirect(base, 302));
  app.get<{ Params: { name: string } }>(`${base}services/:name`, { config }, (request, reply) => {
    const [path = '', query] = request.url.split('?', 2);
    return reply.redirect(`${path}/${query === undefined ? '' : `?${query}`}`, 301);
  });
  if (ctx.urls.domain !== undefined) {
    // Below the hub's own host, where no route leads to a service that has a host of its own.
    app.get<{ Params: { name: string } }>(`${base}services/:name/*`, { config }, async (request, reply) => {
      const service = await findService(ctx.db, request.params.name);
      if (!service || service.url === null) throw missing();
      return reply.header('cache-control', 'no-store').redirect(ctx.urls.serviceHost(service.name) + request.url, 302);
    });
  }
  app.get(hub.slice(0, -1), { config }, (_, reply) => reply.redirect(hub, 301));
  if (base === '/') {
    app.get('/favicon.ico', { config }, sendLogo);
    app.get('/robots.txt', { config }, (_, reply) => reply.type('text/plain').send('User-agent: *\nDisallow: /\n'));
  }

  // 200 whatever the code: proxies fetch these as texts for errors of their own (contract §5.1).
  app.get<{ Params: { code: string } }>(`${hub}error/:code`, { config }, async (request, reply) => {
    const status = Number(request.params.code);
    if (!/^[0-9]{1,9}$/.test(request.params.code)) throw missing();
    const requester = asViewer(await requesterOf(ctx, request));
    const body = errorPage({ ctx, status, requestId: request.id, signedIn: requester !== null });
    return sendPage(ctx, reply, 200, page(ctx, { title: errorTitle(status), requester }, body));
  });
};
