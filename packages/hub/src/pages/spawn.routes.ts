import { HubError, type Json, type Options } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { tellWhenToRetry } from '../http/errors.ts';
import { takeFileForms } from '../http/multipart.ts';
import { isRepeated } from '../http/repeat.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { checkBeforeStart } from '../login/refresh.service.ts';
import { choicesFor } from '../servers/choice.service.ts';
import {
  failureStatus,
  findServer,
  isActive,
  isReady,
  logName,
  pendingOf,
  readEvents,
  requestStart,
  type Server,
  serverLog,
} from '../servers/servers.service.ts';
import { queuePlace, stepKey, typicalStartMs, typicalStepMs } from '../servers/start-times.service.ts';
import type { User } from '../users/users.service.ts';
import { answer, fieldOf, nextOf, prefersJson, viewerOf } from './answer.ts';
import { absentServer, viewServer } from './server-view.ts';
import { notFound, ownerWithScope, rightsOver } from './servers-of.ts';
import { t } from './strings.ts';
import { choosePage } from './templates/choose.ts';
import {
  logPage,
  notRunningPage,
  placeText,
  spawnFailedPage,
  spawnPendingPage,
  stoppingPage,
  type Waiting,
} from './templates/spawn.ts';

/** The script shows the same words as the page. */
const withPlaceText = (waiting: Waiting) => ({ ...waiting, placeText: placeText(waiting) });

const RESERVED = new Set(['next', 'display_name', '_xsrf']);
const LOG_LINES = 500;

/**
 * Options for a start from a query or a form (contract §5.3). Names begin with `opt-`; older links without it still
 * work, but count for nothing beside one that has it.
 */
export function optionsFrom(fields: Record<string, unknown>): Options | undefined {
  const given = Object.entries(fields).filter(([key]) => !RESERVED.has(key));
  const prefixed = given.filter(([key]) => key.startsWith('opt-'));
  if (prefixed.some(([key]) => key === 'opt-')) throw new HubError('unprocessable', 'An option has no name: "opt-".');
  const used = prefixed.length > 0 ? prefixed.map(([key, value]) => [key.slice(4), value] as const) : given;
  return used.length === 0 ? undefined : (Object.fromEntries(used) as Record<string, Json>);
}

/** Its start failed, and only what is left of it is still being removed: it can be read about, and tried again. */
function isFailing(server: Server): boolean {
  return server.phase === 'stopping' && server.desired === 'stopped' && server.stopReason?.code === 'failed';
}

type Names = { Params: { user?: string; server?: string } };

export const spawnRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { hub } = ctx.urls;
  const config = { page: true } as const;
  takeFileForms(app);

  const withNext = (url: string, next: string | undefined) =>
    next === undefined ? url : `${url}?next=${encodeURIComponent(next)}`;

  async function begin(
    request: FastifyRequest<Names>,
    owner: User,
    name: string,
    server: Server | undefined,
    fields: Record<string, unknown>,
  ) {
    const displayName = fieldOf(fields, 'display_name');
    const userOptions = optionsFrom(fields);
    const person = await checkBeforeStart(ctx, owner, { own: owner.id === viewerOf(request).user.id });
    await requestStart(ctx, person, name, {
      by: viewerOf(request).user.name,
      behindStop: true,
      seen: server ?? null,
      displayName,
      userOptions,
    });
  }

  async function target(request: FastifyRequest<Names>, scopes: readonly string[]) {
    const { user, server: name = '' } = request.params;
    const owner = await ownerWithScope(ctx, viewerOf(request), scopes, { user, server: name });
    return { owner, name, server: await findServer(ctx.db, owner.id, name), next: nextOf(ctx, request) };
  }

  /** Why it was refused, where there is a form that can say so. Anything else is an error page like any other. */
  async function refusalOf(act: () => Promise<void>): Promise<HubError | undefined> {
    try {
      await act();
      return undefined;
    } catch (error) {
      if (!ctx.spawner.form || !(error instanceof HubError) || error.status >= 500) throw error;
      return error;
    }
  }

  async function ask(
    request: FastifyRequest<Names>,
    reply: FastifyReply,
    about: { owner: User; name: string; next: string | undefined; refused?: HubError },
  ) {
    const { owner, name, next, refused } = about;
    const viewer = viewerOf(request);
    const server = await findServer(ctx.db, owner.id, name);
    const wanted =
      optionsFrom((request.body ?? {}) as Record<string, unknown>)?.profile ?? fieldOf(request.query, 'profile');
    const choices = await choicesFor(ctx, owner, server, typeof wanted === 'string' ? wanted : undefined);
    if (!choices) throw notFound();
    if (refused) {
      request.log.info({ code: refused.code, reason: refused.message }, 'start refused');
      tellWhenToRetry(refused, reply);
    }
    const body = choosePage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      label: (server ? viewServer(ctx, server, viewer) : absentServer(ctx, owner, name, viewer)).label,
      choices,
      action: ctx.urls.spawn(owner.name, name),
      next,
      displayName: fieldOf(request.query, 'display_name') ?? fieldOf(request.body, 'display_name'),
      error: refused?.message,
    });
    return answer(ctx, request, reply, { title: t.choose.title, status: refused?.status ?? 200 }, body);
  }

  async function spawn(request: FastifyRequest<Names>, reply: FastifyReply) {
    const { owner, name, server, next } = await target(request, ['start:servers']);
    if (server && isReady(server)) return reply.redirect(next ?? ctx.urls.serverUrl(owner.name, name), 302);
    if (!server || !isActive(server) || pendingOf(server) === 'stop') {
      // Only points at a kind (contract §5.3 knows options by their prefix); without a form it is an option like any other.
      const { profile: wanted, ...others } = request.query as Record<string, unknown>;
      const fields = ctx.spawner.form ? others : (request.query as Record<string, unknown>);
      const choices = await choicesFor(ctx, owner, server, typeof wanted === 'string' ? wanted : undefined);
      if (choices?.mustAsk && optionsFrom(fields) === undefined) return ask(request, reply, { owner, name, next });
      const refused = await refusalOf(() => begin(request, owner, name, server, fields));
      if (refused) return ask(request, reply, { owner, name, next, refused });
    }
    return reply.redirect(withNext(ctx.urls.spawnPending(owner.name, name), next), 302);
  }

  async function spawnByForm(request: FastifyRequest<Names>, reply: FastifyReply) {
    const { owner, name, server, next } = await target(request, ['start:servers']);
    if (server && isActive(server) && isRepeated(request)) {
      return reply.redirect(withNext(ctx.urls.spawnPending(owner.name, name), next), 302);
    }
    // A start behind a stop waits for it, as it does when the page is asked for.
    if (server && isActive(server) && !isFailing(server) && pendingOf(server) !== 'stop') {
      throw new HubError(
        'already_running',
        `${logName(owner.name, name)} is already ${isReady(server) ? 'running' : 'pending'}`,
      );
    }
    const refused = await refusalOf(() =>
      begin(request, owner, name, server, (request.body ?? {}) as Record<string, unknown>),
    );
    if (refused) return ask(request, reply, { owner, name, next, refused });
    return reply.redirect(withNext(ctx.urls.spawnPending(owner.name, name), next), 302);
  }

  async function waitingFor(server: Server): Promise<Waiting> {
    const events = await readEvents(ctx.db, server.id, server.generation, 0);
    const usual = await typicalStepMs(ctx);
    const queue = await queuePlace(ctx, server);
    const steps = events.filter(({ kind }) => kind === 'progress' || kind === 'notice');
    return {
      state: pendingOf(server) === 'stop' ? 'stopping' : server.phase === 'queued' ? 'queued' : 'starting',
      place: queue?.place ?? null,
      turnInMs: queue?.turnInMs ?? null,
      elapsedMs: Math.max(0, ctx.clock.now() - (steps[0]?.at ?? server.phaseAt)),
      typicalMs: await typicalStartMs(ctx),
      percent: Math.max(0, ...steps.map(({ percent }) => percent)),
      steps: steps.map(({ message, at }, index) => ({
        message,
        ms: Math.max(0, (steps[index + 1]?.at ?? ctx.clock.now()) - at),
        typicalMs: usual.get(stepKey(message)) ?? null,
      })),
    };
  }

  async function pending(request: FastifyRequest<Names>, reply: FastifyReply) {
    const { owner, name, server, next } = await target(request, ['read:servers', 'start:servers', 'access:servers']);
    const viewer = viewerOf(request);
    if (prefersJson(request)) {
      const state = server && pendingOf(server);
      return reply
        .header('cache-control', 'no-store')
        .send(server && state ? withPlaceText(await waitingFor(server)) : { state: 'over' });
    }
    // The default server is always there to be started; another one only once somebody made it.
    if (!server && name !== '') throw notFound();
    if (server && isReady(server)) return reply.redirect(next ?? ctx.urls.serverUrl(owner.name, name), 302);
    const rights = await rightsOver(ctx, viewer, owner, name, next);
    const model = {
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      view: server ? viewServer(ctx, server, viewer, owner.stopAfter) : absentServer(ctx, owner, name, viewer),
    };
    const state = server && pendingOf(server);
    if (server && state === 'stop' && !isFailing(server))
      return answer(ctx, request, reply, { title: t.stopping.title, refresh: 2 }, stoppingPage(model));
    if (server && state === 'spawn') {
      const tail = withNext('', next);
      const body = spawnPendingPage({
        ...model,
        waiting: await waitingFor(server),
        usualSteps: await typicalStepMs(ctx),
        progressUrl: `${ctx.urls.progress(owner.name, name)}?_xsrf=${encodeURIComponent(model.xsrf)}`,
        stop: rights.stop,
        logUrl: rights.readLog
          ? ctx.urls.spawnPending(owner.name, name).replace('/spawn-pending/', '/server-log/') + tail
          : undefined,
      });
      return answer(ctx, request, reply, { title: t.starting.title, refresh: 3, scripts: ['progress.js'] }, body);
    }
    const failure = server?.failure;
    if (failure) {
      const body = spawnFailedPage({
        ...model,
        failure,
        start: rights.start,
        showLog: rights.readLog,
        requestId: request.id,
      });
      return answer(ctx, request, reply, { title: t.failed.title, status: failureStatus(failure) }, body);
    }
    const body = notRunningPage({ ...model, own: owner.id === viewer.user.id, start: rights.start });
    return answer(ctx, request, reply, { title: t.notRunning.title }, body);
  }

  async function log(request: FastifyRequest<Names>, reply: FastifyReply) {
    const { owner, name, server, next } = await target(request, ['read:servers']);
    const viewer = viewerOf(request);
    if (!server || !(await rightsOver(ctx, viewer, owner, name)).readLog) {
      throw notFound();
    }
    const body = logPage({
      ctx,
      view: viewServer(ctx, server, viewer),
      lines: await serverLog(ctx, server, LOG_LINES),
      backUrl: isReady(server) ? `${hub}home` : withNext(ctx.urls.spawnPending(owner.name, name), next),
    });
    return answer(ctx, request, reply, { title: t.log.title, wide: true }, body);
  }

  for (const tail of ['', '/:user', '/:user/:server']) {
    app.get<Names>(`${hub}spawn${tail}`, { config }, spawn);
    app.post<Names>(`${hub}spawn${tail}`, { config: { ...config, repeatable: true } }, spawnByForm);
    if (tail === '') continue;
    app.get<Names>(`${hub}spawn-pending${tail}`, { config }, pending);
    app.get<Names>(`${hub}server-log${tail}`, { config }, log);
  }
};
