import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { askServer } from '../activity/busy.ts';
import type { AppContext } from '../context.ts';
import { mayDo } from '../http/requester.ts';
import { JUPYTERHUB_VERSION } from '../http/version.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { isReady, pendingOf, type Server } from '../servers/servers.service.ts';
import { findSession } from '../sessions/sessions.service.ts';
import { segment } from '../urls.ts';
import { answer, originOf, prefersJson, viewerOf } from './answer.ts';
import { absentServer, viewServer } from './server-view.ts';
import { notFound, rightsOver, serverOfPath } from './servers-of.ts';
import { t } from './strings.ts';
import { notRunningPage } from './templates/spawn.ts';

/** How often a browser is sent back to a server whose route the proxy does not know yet. */
const REDIRECT_LIMIT = 4;
const REDIRECT_PAUSE = 250;
/** The same for servers that are not of our JupyterHub: fewer times, and longer. */
const REDIRECT_LIMIT_OTHERS = 2;
const REDIRECT_PAUSE_OTHERS = 1_000;
const VERSION_TIMEOUT = 1_000;

/** What the proxy sends here because no server answers at its address (contract §5.4). */
export const userRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { base, hub } = ctx.urls;
  const { stopped } = ctx.config;

  async function missing(request: FastifyRequest, reply: FastifyReply) {
    const viewer = viewerOf(request);
    const [path = '', query = ''] = splitOnce(request.url, '?');
    // Below `{base}` and below `{hub}` the same, so that a client that posts where the server was learns the truth too.
    const rest = path.slice(path.startsWith(hub) ? hub.length + 5 : base.length + 5);
    const found = await serverOfPath(ctx, rest);
    const allowed =
      found && (await mayDo(ctx, viewer, ['access:servers'], { user: found.user.name, server: found.serverName }));
    if (!found || !allowed) throw notFound();

    const { user, serverName, server } = found;
    const parameters = new URLSearchParams(query);
    const redirects = Number(parameters.get('redirects')) || 0;
    parameters.delete('redirects');
    const original = `${base}user/${rest}${parameters.size > 0 ? `?${parameters}` : ''}`;
    const reading = request.method === 'GET';

    if (server && isReady(server) && reading) {
      await waitForRoute(ctx, server, redirects);
      parameters.set('redirects', String(redirects + 1));
      return reply.redirect(`${ctx.urls.userHost(user.name)}${base}user/${rest}?${parameters}`, 302);
    }
    if (!reading || prefersJson(request) || rest.split('/').slice(1).includes('api')) {
      const start = originOf(ctx, request) + ctx.urls.spawn(user.name, serverName);
      return reply
        .code(stopped.status)
        .header('cache-control', 'no-store')
        .type('application/json')
        .send(
          JSON.stringify({
            message: `JupyterHub server no longer running at /user/${rest}. Restart the server at ${start}`,
          }),
        );
    }
    if (server && (pendingOf(server) === 'spawn' || server.failure)) {
      return reply.redirect(
        `${ctx.urls.spawnPending(user.name, serverName)}?next=${encodeURIComponent(original)}`,
        303,
      );
    }
    // For a token's request the guard has not looked for a session, and the form needs to know of one.
    await findSession(ctx, request);
    const { start } = await rightsOver(ctx, viewer, user, serverName, original);
    const after = start && stopped.startAfter > 0 ? Math.ceil(stopped.startAfter) : undefined;
    if (after !== undefined) {
      const next = encodeURIComponent(original);
      reply.header('refresh', `${after}; url=${ctx.urls.spawn(user.name, serverName)}?next=${next}`);
    }
    const body = notRunningPage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      view: server ? viewServer(ctx, server, viewer, user.stopAfter) : absentServer(ctx, user, serverName, viewer),
      own: user.id === viewer.user.id,
      start,
      after,
    });
    return answer(ctx, request, reply, { title: t.notRunning.title, status: stopped.status }, body);
  }

  const page = { config: { page: true } } as const;
  for (const url of [`${hub}user/*`, `${base}user/*`]) {
    for (const method of ['POST', 'PATCH', 'DELETE'] as const) app.route({ method, url, ...page, handler: missing });
  }
  app.get(`${hub}user/*`, page, missing);
  app.get(`${base}user/*`, { config: { public: true } }, (request, reply) => {
    const rest = request.url.slice(`${base}user/`.length);
    // `/user/ada` is `/user/ada/`.
    const [path = '', query] = splitOnce(rest, '?');
    const tail = query === undefined ? '' : `?${query}`;
    if (path !== '' && !path.includes('/')) return reply.redirect(`${base}user/${path}/${tail}`, 301);
    return reply.redirect(`${hub}user/${rest}`, 302);
  });

  app.get(`${hub}user-redirect/*`, page, (request, reply) => {
    const { user } = viewerOf(request);
    const rest = request.url.slice(`${hub}user-redirect/`.length);
    const next = `${ctx.urls.server(user.name, '')}${rest}`;
    return reply.redirect(`${hub}spawn/${segment(user.name)}?next=${encodeURIComponent(next)}`, 302);
  });
};

/**
 * Waits a moment for the proxy to learn the way, and gives up on going round in circles. Sooner where the server is of
 * another JupyterHub than the one we speak for, or says of none: then it may be the server that sends people back.
 */
async function waitForRoute(ctx: AppContext, server: Server, redirects: number): Promise<void> {
  if (redirects === 0) return;
  const version = await versionOf(ctx, server);
  const fits = majorOf(version) === majorOf(JUPYTERHUB_VERSION);
  if (redirects >= (fits ? REDIRECT_LIMIT : REDIRECT_LIMIT_OTHERS)) {
    throw new HubError('redirect_loop', 'Redirect loop detected.', { facts: { server: server.id, version } });
  }
  // The proxy learns of a new route within moments; a browser would be quicker.
  await ctx.clock.sleep(fits ? REDIRECT_PAUSE * redirects : REDIRECT_PAUSE_OTHERS);
}

async function versionOf(ctx: AppContext, server: Server): Promise<string | undefined> {
  const reply = await askServer(ctx, server, 'api', VERSION_TIMEOUT).catch(() => undefined);
  const version = reply?.headers['x-jupyterhub-version'];
  return typeof version === 'string' ? version.slice(0, 40) : undefined;
}

const majorOf = (version: string | undefined) => /^[0-9]+/.exec(version ?? '')?.[0];

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
