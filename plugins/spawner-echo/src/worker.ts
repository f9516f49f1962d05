import { HubError, type Json, sameSecret, type WorkerIo, type WorkerRequest, type WorkerServer } from '@atrium/sdk';
import { z } from 'zod';
import type { EchoWorld } from './world.ts';

/** What a pretended machine says; `key` is what it is believed for. */
const Call = z.strictObject({
  key: z.string(),
  server: z.string(),
  percent: z.number().optional(),
  message: z.string().optional(),
  at: z.number().optional(),
});

/**
 * The other end of a pretended machine's calls: `hello` is answered with a new token, `step` adds a line for the person
 * who waits, `notice` and `worked` tell something later, `ready` lets the start go on.
 */
export async function answerMachine(
  { verb, body }: WorkerRequest,
  io: WorkerIo,
  { key, world, hubId }: { key: string; world: EchoWorld; hubId: string },
): Promise<Json> {
  const call = Call.safeParse(body);
  if (!call.success) throw new HubError('bad_request', 'Not understood.', { facts: { issue: call.error.message } });
  if (!sameSecret(call.data.key, key)) {
    throw new HubError('not_allowed', 'Not recognised.', {
      facts: { why: 'the key is wrong', server: call.data.server },
    });
  }
  const server = await io.find(call.data.server);
  if (!server) return { wait: 1, message: 'Nothing is known of this server yet.' };
  const { percent = 0, message = '', at = 0 } = call.data;
  switch (verb) {
    case 'hello':
      return hello(server);
    case 'step':
      await server.progress({ percent, message });
      return {};
    case 'notice':
      await server.notice({ code: 'echo', at, message });
      return {};
    case 'worked':
      await server.worked(at);
      return {};
    case 'ready':
      world.machineReady(hubId, { server: server.id, generation: server.generation });
      return {};
    default:
      throw new HubError('not_found', 'Not Found');
  }
}

async function hello(server: WorkerServer): Promise<Json> {
  const token = await server.issueToken();
  const { id, generation, user, name, prefix, uid, phase } = server;
  return { id, generation, user, name, prefix, uid, phase, env: { ...server.env }, token: token.reveal() };
}
