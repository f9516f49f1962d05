import { HubError, isTrusted, trustList } from '@atrium/sdk';
import formbody from '@fastify/formbody';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { AppContext } from '../context.ts';
import { elsewhere } from '../pages/public.routes.ts';
import { rememberReply } from '../sessions/sessions.service.ts';
import { sendError } from './errors.ts';
import { checkAccess, guard, isApiRequest } from './guard.ts';
import { finishReply, setCommonHeaders } from './headers.ts';
import { KnownPaths } from './methods.ts';
import { onBehalfOf } from './origin.ts';
import { keepToHubHost } from './other-hosts.ts';
import { requestIds } from './request-ids.ts';
import { recordRequest } from './request-log.ts';
import { loopTurns } from './turns.ts';

/** Two megabytes: a page of names to create, never a file. */
const BODY_LIMIT = 2 * 1024 * 1024;

/** Ours are the only ones: Fastify would load two of its own, which is a tenth of the way to the first answer. */
export const OWN_COMPILERS = {
  compilersFactory: {
    buildValidator: (() => validatorCompiler) as never,
    buildSerializer: (() => serializerCompiler) as never,
  },
};

/**
 * The hub's HTTP side: what holds for every route is set here, the routes come from `register`. Builds, does not
 * listen. A route that does not say who may use it makes `ready()` reject.
 */
export function buildApp(ctx: AppContext, register: (app: FastifyInstance) => void): FastifyInstance {
  const trusted = trustList(ctx.config.trustedProxies);
  const app: FastifyInstance = fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // Every line has the id by pino's mixin (origin.ts); a logger for each request would write it twice.
    childLoggerFactory: (logger) => logger,
    exposeHeadRoutes: false,
    // Open progress streams and the proxy's idle connections must not keep a hub from closing.
    forceCloseConnections: true,
    bodyLimit: BODY_LIMIT,
    // More than the proxy lets through (64 KiB and what it adds): it refuses what is too large, in words.
    http: { maxHeaderSize: 80 * 1024 },
    // Only our proxy reaches this listener: its word counts, and that of the front servers the config names.
    trustProxy: (address: string, hop: number) => hop === 0 || isTrusted(trusted, address),
    schemaController: OWN_COMPILERS,
    routerOptions: { maxParamLength: 1024, caseSensitive: true, ignoreTrailingSlash: false },
    frameworkErrors: (err, request, reply) => void refuseAddress(ctx, err, request, reply),
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : newId();
    },
  });
  const newId = requestIds();
  const paths = new KnownPaths();

  const nothingHere = (request: FastifyRequest, reply: FastifyReply) => {
    if (request.method === 'OPTIONS') return reply.code(200).type('text/plain').send('');
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = paths.methodsOf(path === `${ctx.urls.api}/` ? ctx.urls.api : path);
    if (methods.length > 0) {
      reply.header('allow', [...methods, 'OPTIONS'].join(', '));
      throw new HubError('method_not_allowed', 'Method Not Allowed');
    }
    const place = elsewhere(ctx, request);
    if (place !== undefined) return reply.redirect(place, 302);
    throw new HubError('not_found', isApiRequest(ctx, request) ? 'Not Found' : 'There is no page at this address.');
  };

  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setSchemaErrorFormatter(inOneSentence);
  app.decorateRequest('requester', null);
  app.addHook('onRoute', checkAccess);
  paths.watch(app);
  const inTurn = loopTurns();
  const health = new Set([`${ctx.urls.hub}health`, `${ctx.urls.hub}health/ready`, `${ctx.urls.api}/health`]);
  app.addHook('onRequest', (request, _reply, done) => {
    if (health.has(request.url)) done();
    else inTurn(done);
  });
  app.addHook('onRequest', (request, _reply, done) => onBehalfOf(request, done));
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(ctx, request, reply);
    rememberReply(request, reply);
    done();
  });
  // Of this method the framework wants a body that it can read before it says that nobody has such a route.
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 || request.method !== 'QUERY') return done();
    try {
      nothingHere(request, reply);
    } catch (error) {
      done(error as Error);
    }
  });
  if (ctx.urls.domain !== undefined) {
    app.addHook('onRequest', (request, reply) => keepToHubHost(ctx, request, reply));
  }
  // Reading a body continues from the socket's events, which belong to nobody.
  app.addHook('preValidation', (request, _reply, done) => (hasBody(request) ? onBehalfOf(request, done) : done()));
  app.addHook('preValidation', (request, reply) => guard(ctx, request, reply));
  app.addHook('onSend', (request, reply, payload, done) => done(null, finishReply(ctx, request, reply, payload)));
  app.addHook('onResponse', (request, reply, done) => {
    onBehalfOf(request, () => recordRequest(ctx, request, reply));
    done();
  });
  app.setErrorHandler((err, request, reply) => onBehalfOf(request, () => sendError(ctx, err, request, reply)));
  app.setNotFoundHandler(nothingHere);
  void app.register(formbody);
  // After the plug-ins, so that forms are there when its routes are added.
  void app.register(async (routes) => register(routes));
  return app;
}

const hasBody = ({ headers }: FastifyRequest) =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

/** An address that cannot be read at all; no hook has run for it. */
async function refuseAddress(ctx: AppContext, err: Error, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  setCommonHeaders(ctx, request, reply);
  await onBehalfOf(request, () => sendError(ctx, err, request, reply));
}

/** The first thing that is wrong, and where: `usernames/0: Invalid input: expected string, received number`. */
function inOneSentence(errors: { instancePath: string; message?: string }[]): HubError {
  const { instancePath = '', message = 'The request is not valid' } = errors[0] ?? {};
  const where = instancePath.replace(/^\//, '');
  return new HubError('bad_request', where === '' ? message : `${where}: ${message}`);
}
