import fastify from 'fastify';
import type { AppContext } from '../../context.ts';
import { makeUrls } from '../../urls.ts';
import { sendPage } from '../layout.ts';
import { publicRoutes } from '../public.routes.ts';
import { gallery } from './gallery.ts';

/** Serves the gallery on a free loopback port as the hub would: policy, static files and all. */
export async function serveGallery(): Promise<AsyncDisposable & { origin: string; names: string[] }> {
  const pages = gallery();
  const app = fastify();
  const ctx = { config: { branding: {} }, urls: makeUrls('/') } as AppContext;
  await app.register(publicRoutes, { ctx });
  app.get<{ Params: { name: string } }>('/gallery/:name', ({ params }, reply) =>
    sendPage(ctx, reply, 200, pages.get(params.name) ?? ''),
  );
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return { origin, names: [...pages.keys()], [Symbol.asyncDispose]: () => app.close() };
}
