import { type ScopeSet, scopeList } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { remembered } from '../db/remembered.ts';
import type { Requester } from '../http/requester.ts';
import { asMade } from '../http/serialize.ts';
import { ATRIUM_VERSION, JUPYTERHUB_VERSION } from '../http/version.ts';
import { presentIdentity, withIdentify } from './identity.ts';
import { SelfModel } from './models.ts';
import { requesterIn } from './requester-in.ts';

const Plugin = z.object({ class: z.string(), version: z.string() });
const Info = z.object({
  version: z.string(),
  python: z.string().describe('What runs the hub; there is no Python in it.'),
  sys_executable: z.string(),
  spawner: Plugin,
  authenticator: Plugin,
});

/** Whoever asks, as they may see themselves. */
async function selfOf(ctx: AppContext, requester: Requester): Promise<z.input<typeof SelfModel>> {
  const { principal, via } = requester;
  return {
    // Contract §2.1: a service always learns who it is talking to, whatever little they may do.
    ...(await presentIdentity(ctx, requester, principal)),
    scopes: scopeList(withIdentify(requester.scopes, principal)),
    token_id: via.kind === 'token' ? `a${via.token.id}` : null,
    session_id: via.kind === 'token' ? via.token.sessionId : via.sessionId,
  };
}

/** Every application asks this of every visitor, often more than once for a page. */
const selves = remembered<string>(1_000);

const numbers = new WeakMap<ScopeSet, number>();
let lastNumber = 0;

/** Tells sets of scopes apart: they are made once for whoever holds the same, and never change. */
function numberOf(scopes: ScopeSet): number {
  let number = numbers.get(scopes);
  if (number === undefined) {
    lastNumber += 1;
    number = lastNumber;
    numbers.set(scopes, number);
  }
  return number;
}

export const rootRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  // With the prefix this is `{api}` and `{api}/`, the one place where a slash at the end makes no difference.
  app.get('/', {
    config: { public: true },
    schema: {
      summary: 'The version of JupyterHub this hub is compatible with',
      response: { 200: z.object({ version: z.string() }) },
    },
    handler: async (_request, reply) =>
      reply.header('access-control-allow-origin', '*').send({ version: JUPYTERHUB_VERSION }),
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/health',
    config: { public: true },
    schema: {
      summary: 'Answers as long as the hub does',
      answers: { 200: { type: 'text/html', description: 'Empty' } },
    },
    handler: async (_request, reply) => reply.type('text/html').send(''),
  });

  app.get('/info', {
    config: { scopes: ['read:hub'] },
    schema: { summary: 'About this installation', response: { 200: Info } },
    handler: async () => ({
      version: JUPYTERHUB_VERSION,
      python: `Node.js ${process.version}`,
      sys_executable: process.execPath,
      spawner: { class: ctx.spawner.id, version: ATRIUM_VERSION },
      authenticator: { class: ctx.authenticator.id, version: ATRIUM_VERSION },
    }),
  });

  app.get('/user', {
    config: { scopes: [] },
    serializerCompiler: asMade,
    schema: { summary: 'Whoever asks, and what they may do', response: { 200: SelfModel } },
    async handler(request, reply) {
      const requester = requesterIn(request);
      // What runs a service is not in the database, and services ask about others rather than themselves.
      if (requester.principal.kind === 'service') return selfOf(ctx, requester);
      const { via } = requester;
      const key = `${via.kind} ${via.kind === 'token' ? via.token.id : via.hash} ${numberOf(requester.scopes)} ${JSON.stringify(requester.user)}`;
      const text = await selves(ctx.db, key, async () => JSON.stringify(await selfOf(ctx, requester)));
      // Its type is that of what the text says.
      return reply.type('application/json').send(text as never);
    },
  });
};
