import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { runningWork } from '../activity/busy.ts';
import type { AppContext } from '../context.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { checkBeforeStart } from '../login/refresh.service.ts';
import { type Choices, choicesFor } from '../servers/choice.service.ts';
import { findServer, isReady, requestStart, requestStop, type Server } from '../servers/servers.service.ts';
import { spawnUserOf } from '../servers/spawn-user.ts';
import type { User } from '../users/users.service.ts';
import { answer, fieldOf, viewerOf } from './answer.ts';
import { viewServer } from './server-view.ts';
import { notFound, ownerWithScope } from './servers-of.ts';
import { t } from './strings.ts';
import { choosePage } from './templates/choose.ts';
import { busyPage } from './templates/stay.ts';

type Names = { Params: { user: string; server?: string } };

interface Running {
  owner: User;
  server: Server;
  choices: Choices;
  /** The kind it runs as. */
  current: string;
}

/** Changes a running server to another kind: asks which, warns of what runs, stops it and starts it anew. */
export const changeRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const config = { page: true } as const;
  const urlOf = ({ owner, server }: Running) => ctx.urls.change(owner.name, server.name);

  /** Undefined when it does not run: then it is chosen for at its start. */
  async function runningIn({ params, body, query }: FastifyRequest<Names>, request: FastifyRequest) {
    const { user, server: name = '' } = params;
    const viewer = viewerOf(request);
    await ownerWithScope(ctx, viewer, ['delete:servers'], { user, server: name });
    const owner = await ownerWithScope(ctx, viewer, ['start:servers'], { user, server: name });
    const server = await findServer(ctx.db, owner.id, name);
    const wanted = fieldOf(body, 'opt-profile') ?? fieldOf(query, 'profile');
    const choices = await choicesFor(ctx, owner, server, wanted);
    const form = ctx.spawner.form?.(await spawnUserOf(ctx, owner));
    if (!server || !choices || !form) throw notFound();
    if (!isReady(server)) return undefined;
    const { profile } = server.userOptions;
    return { owner, server, choices, current: typeof profile === 'string' ? profile : form.chosen, wanted };
  }

  function ask(request: FastifyRequest, reply: FastifyReply, running: Running, error?: string) {
    const { server, choices, current } = running;
    const body = choosePage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      label: viewServer(ctx, server, viewerOf(request)).label,
      choices,
      action: urlOf(running),
      next: undefined,
      error,
      running: current,
    });
    return answer(ctx, request, reply, { title: t.choose.another, status: error === undefined ? 200 : 400 }, body);
  }

  async function change(request: FastifyRequest<Names>, reply: FastifyReply) {
    const running = await runningIn(request, request);
    const pendingUrl = ctx.urls.spawnPending(request.params.user, request.params.server ?? '');
    if (!running) return reply.redirect(pendingUrl, 303);
    const { owner, server, choices, current, wanted } = running;
    // Everything that can refuse the start is looked at before anything is stopped.
    const choice = choices.all.find(({ id }) => id === wanted);
    if (!choice) throw new HubError('unprocessable', 'There is no such kind of server.');
    if (choice.unavailable !== undefined) return ask(request, reply, running, choice.unavailable);
    if (choice.id === current) return ask(request, reply, running, t.choose.same);
    if (fieldOf(request.body, 'sure') !== '1') {
      const work = await runningWork(ctx, server);
      if (work.length > 0) {
        const { label } = viewServer(ctx, server, viewerOf(request));
        const xsrf = xsrfToken(ctx, request, reply);
        const fields = { 'opt-profile': choice.id };
        const button = t.busy.change(label);
        const body = busyPage({ ctx, xsrf, label, work, action: urlOf(running), fields, button });
        return answer(ctx, request, reply, { title: t.busy.title }, body);
      }
    }
    const by = viewerOf(request).user.name;
    const person = await checkBeforeStart(ctx, owner, { own: owner.id === viewerOf(request).user.id });
    await requestStop(ctx, server, { code: owner.id === viewerOf(request).user.id ? 'user' : 'admin', by });
    const userOptions = { ...server.userOptions, profile: choice.id };
    await requestStart(ctx, person, server.name, { by, behindStop: true, userOptions });
    return reply.redirect(pendingUrl, 303);
  }

  for (const tail of ['/:user', '/:user/:server']) {
    const url = `${ctx.urls.hub}change${tail}`;
    app.get<Names>(url, { config }, async (request, reply) => {
      const running = await runningIn(request, request);
      if (running) return ask(request, reply, running);
      return reply.redirect(ctx.urls.spawn(request.params.user, request.params.server ?? ''), 302);
    });
    app.post<Names>(url, { config: { ...config, repeatable: true } }, change);
  }
};
