import { scopeList } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
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
    async handler(request) {
      const requester = requesterIn(request);
      const { principal, via } = requester;
      return {
        // Contract §2.1: a service always learns who it is talking to, whatever little they may do.
        ...(await presentIdentity(ctx, requester, principal)),
        scopes: scopeList(withIdentify(requester.scopes, principal)),
        token_id: via.kind === 'token' ? `a${via.token.id}` : null,
        session_id: via.kind === 'token' ? via.token.sessionId : via.sessionId,
      };
    },
  });
};
