import { Readable } from 'node:stream';
import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { routeMessages } from './routes.service.ts';

/** The route stream, on the control socket only. */
export const routeStreamRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get<{ Querystring: { since?: string } }>('/routes', async (request, reply) => {
    const gone = new AbortController();
    const disconnected = ctx.vitals.proxyConnected();
    request.raw.socket.once('close', () => {
      disconnected();
      gone.abort();
    });
    const since = Number(request.query.since ?? 0);
    return reply.type('application/x-ndjson').send(
      Readable.from(
        (async function* () {
          for await (const message of routeMessages(ctx, Number.isInteger(since) ? since : 0, gone.signal)) {
            yield `${JSON.stringify(message)}\n`;
          }
        })(),
      ),
    );
  });
};
