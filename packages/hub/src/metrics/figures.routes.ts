import { UPSTREAM_TIMES_MS } from '@atrium/sdk';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../context.ts';

const count = z.int().nonnegative();

const byStatus = z.record(z.string().regex(/^\d{1,3}$/), count);
const RouteClass = z.enum(['hub', 'server', 'service', 'target', 'proxy']);

/** What a proxy of an earlier release does not tell is optional: it goes on while hubs are replaced. */
const Figures = z.object({
  proxy: z.string().min(1).max(64).exactOptional(),
  pid: z.int().positive().exactOptional(),
  version: z.string().max(64).nullable().exactOptional(),
  startedAt: z.number().nonnegative().exactOptional(),
  requests: count,
  refused: count,
  reasons: z.record(z.string().max(100), count).exactOptional(),
  answers: z.partialRecord(RouteClass, byStatus).exactOptional(),
  upstream: z
    .partialRecord(
      RouteClass,
      z.object({ counts: z.array(count).length(UPSTREAM_TIMES_MS.length + 1), sumMs: z.number() }),
    )
    .exactOptional(),
  bytes: z.object({ in: count, out: count }).exactOptional(),
  upstreams: z.object({ made: count, reused: count, idle: count }).exactOptional(),
  tooMany: count.exactOptional(),
  accessLinesLost: count.exactOptional(),
  hubSilentMs: z.number().nonnegative().exactOptional(),
  problems: z.record(z.string().regex(/^\d{3}$/), count),
  connections: count,
  upgraded: count,
  routes: count,
  routeVersion: z.int().nullable(),
  tls: z
    .object({
      handshakes: count,
      failed: count,
      certificates: z.array(
        z.object({
          subject: z.string(),
          names: z.array(z.string()),
          notAfter: z.number(),
          fingerprint: z.string(),
          selfSigned: z.boolean(),
        }),
      ),
    })
    .exactOptional(),
});

/** What the proxy counts, on the control socket only. */
export const figuresRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post('/figures', async (request, reply) => {
    const figures = Figures.safeParse(request.body);
    if (!figures.success) return reply.code(400).send({ status: 400, message: z.prettifyError(figures.error) });
    ctx.vitals.recordFigures(figures.data);
    return reply.code(204).send();
  });
};
