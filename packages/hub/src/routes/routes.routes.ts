import { Readable } from 'node:stream';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { routeMessages } from './routes.service.ts';

const Applied = z.object({ proxy: z.string().min(1).max(64), version: z.int().nonnegative() });

/** The route stream, and what the proxies say that they have of it (sdk routes.ts); on the control socket only. */
export const routeStreamRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get<{ Querystring: { since?: string; proxy?: string } }>('/routes', async (request, reply) => {
    const gone = new AbortController();
    const since = Number(request.query.since ?? 0);
    const disconnected = ctx.vitals.proxyConnected();
    // One of an earlier release does not say what it has, so nobody waits for it.
    const { proxy } = request.query;
    const ended =
      proxy === undefined ? () => {} : ctx.appliedRoutes.follows(proxy, Number.isInteger(since) ? since : 0);
    request.raw.socket.once('close', () => {
      disconnected();
      ended();
      gone.abort();
    });
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

  app.post('/routes/applied', async (request, reply) => {
    const said = Applied.safeParse(request.body);
    if (!said.success) return reply.code(400).send({ status: 400, message: z.prettifyError(said.error) });
    ctx.appliedRoutes.applied(said.data.proxy, said.data.version);
    return reply.code(204).send();
  });
};
