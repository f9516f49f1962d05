import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { stopEverything } from '../servers/stop-everything.service.ts';
import { actorName } from '../users/principal.ts';
import { requesterIn } from './requester-in.ts';

const flag = (name: string) => z.boolean(`${name} must be true or false`).optional();

const ShutdownBody = z
  .object({
    proxy: flag('proxy').describe("Taken for older clients' sake: hub and proxy end together."),
    servers: flag('servers').describe("Also stop everybody's servers, which otherwise go on."),
  })
  .nullish();

export const hubControlRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post('/shutdown', {
    config: { scopes: ['shutdown'] },
    schema: {
      summary: 'Shut the hub down',
      body: ShutdownBody,
      response: { 202: z.object({ message: z.string() }) },
    },
    async handler(request, reply) {
      const { shutdown } = ctx;
      if (!shutdown) throw new HubError('misconfigured', 'This hub is not run by anything that could end it.');
      const by = actorName(requesterIn(request).principal);
      const servers = request.body?.servers ?? false;
      await audit(ctx, { action: 'hub.shutdown', of: { kind: 'hub', name: ctx.hubId }, detail: { servers } });
      ctx.log.warn({ by, servers }, 'asked to shut down');
      const end = async () => {
        if (servers) await stopEverything(ctx, { by });
        shutdown();
      };
      // The answer first: what ends cannot give one.
      reply.raw.once('close', () => {
        void end().catch((err: unknown) => {
          ctx.log.error({ err }, 'servers could not be stopped before the end');
          shutdown();
        });
      });
      return reply.code(202).send({ message: 'Shutting down Hub' });
    },
  });
};
