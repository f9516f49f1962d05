import type { RouteTarget } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { listRouteRows, type RouteRow } from '../routes/routes.service.ts';
import { segment } from '../urls.ts';
import { Empty } from './models.ts';
import { PageQuery, pagedRecord, pageOfRecord, readPage } from './paging.ts';

const RouteModel = z
  .object({
    routespec: z.string().describe('Path prefix, escaped, with a slash at the end; `/` for the hub itself.'),
    target: z.string().describe('`http://host:port`, or `http+unix://` and an escaped path.'),
    data: z.record(z.string(), z.unknown()).describe('`hub`, `user` and `server_name`, or `service`.'),
  })
  .meta({ title: 'Route' });

/** What another proxy's address would be; ours has none. */
const ProxyAddress = z.record(z.string(), z.unknown(), 'Invalid JSON: an object is needed');

export const proxyRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/proxy', {
    config: { scopes: ['proxy'] },
    schema: {
      summary: 'The routes of the proxy',
      querystring: PageQuery,
      response: { 200: pageOfRecord(RouteModel) },
    },
    async handler(request) {
      const page = readPage(request, request.query);
      const hub = { routespec: '/', target: new URL(ctx.apiUrl).origin, data: { hub: true } };
      const routes = [hub, ...(await listRouteRows(ctx.db)).map(present)];
      return pagedRecord(
        request,
        page,
        routes.map((route) => [route.routespec, route]),
      );
    },
  });

  app.post('/proxy', {
    config: { scopes: ['proxy'] },
    schema: { summary: 'Have the proxy read its routes now', response: { 200: Empty } },
    async handler(_request, reply) {
      ctx.wakeups.notify('routes');
      return reply.code(200).send();
    },
  });

  app.patch('/proxy', {
    config: { scopes: ['proxy'] },
    schema: {
      summary: 'Have the proxy read its routes now',
      description: "Atrium's proxy comes to the hub, so an `api_url` and an `auth_token` change nothing.",
      body: ProxyAddress,
      response: { 200: Empty },
    },
    async handler(request, reply) {
      const given = Object.keys(request.body);
      if (given.length > 0) request.log.warn({ given }, 'the proxy has no address that could be changed');
      ctx.wakeups.notify('routes');
      return reply.code(200).send();
    },
  });
};

function present({ path, target, server, service }: RouteRow) {
  // A route of one host begins with its name, which stays as it is.
  const slash = path.indexOf('/');
  const escaped = path.slice(slash).split('/').map(segment).join('/');
  return {
    routespec: `${path.slice(0, slash)}${escaped}/`,
    target: written(target),
    data: {
      ...(server && { user: server.user, server_name: server.name }),
      ...(service !== undefined && { service }),
    },
  };
}

function written(target: RouteTarget): string {
  if (target.kind === 'unix') return `http+unix://${encodeURIComponent(target.path)}`;
  if (target.kind === 'hub') return '';
  return `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}
