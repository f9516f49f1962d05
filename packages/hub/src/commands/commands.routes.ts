import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';
import { runVerb } from './commands.service.ts';

/** All that another hub knows comes as one request, from the operator's own command. */
const BODY_LIMIT = 512 * 1024 * 1024;

/** `POST /command/<verb>` on the control socket: `{ value }`, or `{ message, code }` with the error's status. */
export const commandRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post<{ Params: { verb: string }; Body: { input: unknown } }>(
    '/command/:verb',
    { bodyLimit: BODY_LIMIT },
    async (request, reply) => {
      try {
        return { value: (await runVerb(ctx, request.params.verb, request.body?.input ?? {})) ?? null };
      } catch (error) {
        if (!(error instanceof HubError)) ctx.log.error({ err: error }, 'a command failed');
        const { message, code } = error as Error & { code?: string };
        // The operator may know everything, also what a stranger would only get a request id for.
        return reply.code(error instanceof HubError ? error.status : 500).send({ message, code });
      }
    },
  );
};
