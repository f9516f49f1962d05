import { HubError, type Json } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { readJsonBodies } from '../../http/body.ts';
import { addressKey } from '../../login/throttle.service.ts';
import { countPeers } from './peers.ts';
import { workerIo } from './worker-io.ts';

const BODY_LIMIT = 64 * 1024;
/** A machine asks again; an answer that takes longer than this is nobody's. */
const ANSWER_WITHIN_MS = 30_000;

/**
 * The door for machines that servers run on, which have no token yet: public, because the spawner plug-in decides whom
 * it believes. An answer with a number `wait` in it means "not yet" and is sent as 202.
 */
export const workerRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  readJsonBodies(app);
  const peers = countPeers(ctx.clock);

  app.post<{ Params: { verb: string } }>(`${ctx.urls.api}/atrium/workers/:verb`, {
    bodyLimit: BODY_LIMIT,
    config: { public: true, repeatable: true },
    schema: {
      summary: 'What a machine that servers run on asks; the spawner plug-in decides whom it believes',
      params: z.object({ verb: z.string() }),
      reads: { body: z.record(z.string(), z.unknown()) },
      answers: {
        200: { type: 'application/json', description: 'What the plug-in answers' },
        202: { type: 'application/json', description: 'Not yet: ask again' },
      },
      refuses: [403, 409, 429],
    },
    // Before the body is read: junk costs no more than its head.
    async onRequest(request, reply) {
      const wait = peers.take(addressKey(request.ip));
      if (wait === 0) return;
      request.log.info({ peer: request.ip, url: request.url.split('?', 1)[0] }, 'a machine asks too often');
      reply.header('retry-after', String(wait));
      throw new HubError('too_many_requests', 'Too many requests. Try again later.');
    },
    async onResponse(request, reply) {
      const { statusCode } = reply;
      if (statusCode >= 400 && statusCode < 500 && statusCode !== 429) peers.refused(addressKey(request.ip));
    },
    handler: answer,
  });

  async function answer(request: FastifyRequest<{ Params: { verb: string } }>, reply: FastifyReply) {
    const { spawner } = ctx;
    const { verb } = request.params;
    if (!spawner.worker || !/^[a-z][a-z-]{0,31}$/.test(verb)) throw new HubError('not_found', 'Not Found');
    const body = request.body as Json | undefined;
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new HubError('bad_request', 'The body must be a JSON object');
    }
    const peer = request.ip.replace(/^::ffff:(?=\d+\.)/i, '');
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const result = await spawner.worker({ verb, body, peer }, workerIo(ctx, signal));
    return reply
      .code(isWait(result) ? 202 : 200)
      .header('cache-control', 'no-store')
      .send(result);
  }
};

function isWait(result: Json): boolean {
  return typeof result === 'object' && result !== null && !Array.isArray(result) && typeof result.wait === 'number';
}
