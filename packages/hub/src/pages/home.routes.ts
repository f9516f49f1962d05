import { HubError, type SpawnForm } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { runningWork } from '../activity/busy.ts';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { mayDo } from '../http/requester.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { destination } from '../login/next.ts';
import { checkBeforeStart } from '../login/refresh.service.ts';
import { limitState } from '../money/limits.service.ts';
import { choicesFor } from '../servers/choice.service.ts';
import {
  findServer,
  isActive,
  isReady,
  listServers,
  namedServerLimit,
  patchServer,
  removeServer,
  requestStart,
  requestStop,
  type Server,
  validDisplayName,
  validServerName,
} from '../servers/servers.service.ts';
import { serverSlug } from '../servers/slug.ts';
import { spawnUserOf } from '../servers/spawn-user.ts';
import { updateUser } from '../users/users.service.ts';
import { answer, fieldOf, nextOf, ownAddress, viewerOf } from './answer.ts';
import { type ServerView, viewServer } from './server-view.ts';
import { notFound, ownerWithScope } from './servers-of.ts';
import { sharedWith } from './share.routes.ts';
import { viewStay } from './stay-view.ts';
import { t } from './strings.ts';
import { type HomeModel, homePage } from './templates/home.ts';
import { busyPage } from './templates/stay.ts';

const IDLE_CHOICES = [900, 1800, 3600, 7200, 14_400, 28_800, 86_400];

/** A person may let their servers stop sooner than the hub does, not later; administrators may do as they like. */
export function idleChoices(hub: number, admin: boolean): number[] {
  if (admin) return [...IDLE_CHOICES, 0];
  return hub === 0 ? IDLE_CHOICES : IDLE_CHOICES.filter((seconds) => seconds < hub);
}

export const homeRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { hub } = ctx.urls;
  const config = { page: true } as const;

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    extra: Partial<Pick<HomeModel, 'error' | 'newName'>> & { status?: number } = {},
  ) {
    const viewer = viewerOf(request);
    const { user } = viewer;
    const servers = (await listServers(ctx.db, [user.id])).get(user.id) ?? [];
    const now = ctx.clock.now();
    const views = servers.map((server) => ({
      ...viewServer(ctx, server, viewer, user.stopAfter),
      stay: viewStay(ctx, server, user.stopAfter, now),
    }));
    const { status = 200, ...rest } = extra;
    const done = doneText(request, views);
    const body = homePage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      now,
      usage: await limitState(ctx, { name: user.name, groups: user.groups }),
      storage: ctx.spawner.storage !== undefined,
      warnBefore: Math.min(ctx.config.idle.warnBefore, ctx.config.idle.stopAfter / 2 || ctx.config.idle.warnBefore),
      sharedHome: ctx.spawner.caps.sharedHome ?? true,
      name: user.name,
      choose: asksSomething(ctx.spawner.form?.(await spawnUserOf(ctx, user))),
      main: views.find(({ name }) => name === ''),
      named: views.filter(({ name }) => name !== '').sort((a, b) => a.label.localeCompare(b.label)),
      // Without it there is all else on this page to be had.
      limit: await namedServerLimit(ctx, user).catch((err) => {
        ctx.log.error({ err, user: user.name }, 'how many servers they may have cannot be said');
        return 0;
      }),
      idle: {
        hub: ctx.config.idle.stopAfter,
        own: user.stopAfter,
        choices: idleChoices(ctx.config.idle.stopAfter, user.admin),
      },
      shared: await sharedWith(ctx, user),
      share: await mayDo(ctx, viewer, ['shares'], { user: user.name }),
      ...(done !== undefined && { done }),
      ...rest,
    });
    const refresh = views.some(({ pending }) => pending !== null) ? { refresh: 5 } : {};
    return answer(ctx, request, reply, { title: t.home.title, current: 'home', status, ...refresh }, body);
  }

  /** Back to the page the form was on, with a word on what was done. Only to pages of ours. */
  function back(request: FastifyRequest, reply: FastifyReply, done: 'started' | 'stopped' | 'saved') {
    const to = fieldOf(request.body, 'back');
    const admin = to === undefined ? undefined : URL.parse(to, 'http://hub');
    // Looked at after it is read: dots in a path can lead anywhere.
    const url = admin?.pathname === `${hub}admin/plain` ? admin : new URL(`${hub}home`, 'http://hub');
    url.searchParams.set('done', done);
    url.searchParams.set('of', fieldOf(request.body, 'user') ?? '');
    if (url !== admin) url.searchParams.set('server', fieldOf(request.body, 'server') ?? '');
    return reply.redirect(url.pathname + url.search, 303);
  }

  /** Its kernels are busy: says with what, and asks. The form that was sent is sent again with the answer. */
  function askToStop(request: FastifyRequest, reply: FastifyReply, server: Server, work: readonly string[]) {
    const { label } = viewServer(ctx, server, viewerOf(request));
    const names = ['server', 'user', 'note', 'back'] as const;
    const fields = names.flatMap((name) => {
      const value = fieldOf(request.body, name);
      return value === undefined ? [] : [[name, value]];
    });
    const body = busyPage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      label,
      work,
      action: `${hub}home/stop`,
      fields: Object.fromEntries(fields),
    });
    return answer(ctx, request, reply, { title: t.busy.title }, body);
  }

  app.get(hub, { config }, async (request, reply) => {
    const { user } = viewerOf(request);
    const server = await findServer(ctx.db, user.id, '');
    // A start that failed is explained, not tried again unasked.
    const idle = server?.failure ? ctx.urls.spawnPending(user.name, '') : `${hub}spawn`;
    const theirs = server && isActive(server) ? ctx.urls.serverUrl(user.name, '') : idle;
    const fallback = ctx.config.redirectToServer ? theirs : `${hub}home`;
    return reply.redirect(
      destination(request.query as Record<string, unknown>, fallback, ownAddress(ctx, request)),
      302,
    );
  });

  app.get(`${hub}home`, { config }, (request, reply) => show(request, reply));

  app.post(`${hub}home/start`, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const viewer = viewerOf(request);
    const name = fieldOf(request.body, 'server') ?? '';
    const owner = await ownerWithScope(ctx, viewer, ['start:servers'], {
      user: fieldOf(request.body, 'user'),
      server: name,
    });
    const known = await findServer(ctx.db, owner.id, name);
    const next = nextOf(ctx, request);
    const query = next === undefined ? '' : `?next=${encodeURIComponent(next)}`;
    const own = owner.id === viewer.user.id && fieldOf(request.body, 'back') === undefined;
    if (own && (!known || !isActive(known))) {
      const choices = await choicesFor(ctx, owner, known);
      if (choices?.mustAsk && !choices.remembered) return reply.redirect(ctx.urls.spawn(owner.name, name) + query, 303);
    }
    // Asking twice is what people do; the second time has nothing left to do.
    if (!known || !isReady(known)) {
      const person = await checkBeforeStart(ctx, owner, { own: owner.id === viewer.user.id });
      await requestStart(ctx, person, name, { by: viewer.user.name, behindStop: true });
    }
    if (fieldOf(request.body, 'back') !== undefined) return back(request, reply, 'started');
    return reply.redirect(ctx.urls.spawnPending(owner.name, name) + query, 303);
  });

  app.post(`${hub}home/stop`, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const viewer = viewerOf(request);
    const name = fieldOf(request.body, 'server') ?? '';
    const owner = await ownerWithScope(ctx, viewer, ['delete:servers'], {
      user: fieldOf(request.body, 'user'),
      server: name,
    });
    const server = await findServer(ctx.db, owner.id, name);
    if (!server) throw notFound();
    if (fieldOf(request.body, 'sure') !== '1') {
      const work = await runningWork(ctx, server);
      if (work.length > 0) return askToStop(request, reply, server, work);
    }
    await requestStop(ctx, server, {
      code: owner.id === viewer.user.id ? 'user' : 'admin',
      by: viewer.user.name,
      note: fieldOf(request.body, 'note')?.trim().slice(0, 300),
    });
    return back(request, reply, 'stopped');
  });

  app.post(`${hub}home/new`, { config }, async (request, reply) => {
    const { user } = viewerOf(request);
    const typed = (fieldOf(request.body, 'name') ?? '').normalize('NFC').trim();
    const plain = validServerName(typed);
    if (!plain && !validDisplayName(typed))
      return show(request, reply, { error: t.home.badName, newName: typed, status: 400 });
    const name = plain ? typed : serverSlug(typed);
    const displayName = plain ? undefined : typed;
    const known = await findServer(ctx.db, user.id, name);
    if (!known && (await choicesFor(ctx, user, known))?.mustAsk) {
      const tail = displayName === undefined ? '' : `?display_name=${encodeURIComponent(displayName)}`;
      return reply.redirect(ctx.urls.spawn(user.name, name) + tail, 303);
    }
    try {
      if (!known || !isReady(known)) {
        const person = await checkBeforeStart(ctx, user, { own: true });
        await requestStart(ctx, person, name, { by: user.name, behindStop: true, displayName });
      }
    } catch (error) {
      if (!(error instanceof HubError) || error.status >= 500) throw error;
      return show(request, reply, { error: error.message, newName: typed, status: error.status });
    }
    return reply.redirect(ctx.urls.spawnPending(user.name, name), 303);
  });

  app.post(`${hub}home/delete`, { config }, async (request, reply) => {
    const { user } = viewerOf(request);
    const name = fieldOf(request.body, 'server') ?? '';
    const server = name === '' ? undefined : await findServer(ctx.db, user.id, name);
    if (server) await removeServer(ctx, server);
    return reply.redirect(`${hub}home?done=deleted&of=${encodeURIComponent(server?.displayName || name)}`, 303);
  });

  app.post(`${hub}home/idle`, { config: { ...config, repeatable: true } }, async (request, reply) => {
    const viewer = viewerOf(request);
    const name = fieldOf(request.body, 'user');
    const other = name !== undefined && name !== viewer.user.name;
    const owner = other ? await ownerWithScope(ctx, viewer, ['admin:users'], { user: name, server: '' }) : viewer.user;
    const serverName = fieldOf(request.body, 'server');
    const server = serverName === undefined ? undefined : await findServer(ctx.db, owner.id, serverName);
    if (serverName !== undefined && !server) throw notFound();
    const given = fieldOf(request.body, 'stop_after') ?? '';
    const stopAfter = given === '' ? null : Number(given);
    const before = server ? server.stopAfter : owner.stopAfter;
    const allowed = [null, before, ...idleChoices(ctx.config.idle.stopAfter, viewer.user.admin)];
    if (!allowed.includes(stopAfter)) throw new HubError('bad_request', t.home.badIdle);
    if (server) await patchServer(ctx, owner, server, { stopAfter });
    else {
      await updateUser(ctx.db, owner.id, { stopAfter });
      await audit(ctx, { action: 'user.change', of: { kind: 'user', name: owner.name }, detail: { stopAfter } });
    }
    return back(request, reply, 'saved');
  });
};

/** Whether there is more than one way to start a server. */
function asksSomething(form: SpawnForm | undefined): boolean {
  return form !== undefined && (form.profiles.length > 1 || (form.fields ?? []).length > 0);
}

/** What a form of the page before did, as long as that is still what one sees. */
function doneText({ query }: FastifyRequest, views: readonly ServerView[]): string | undefined {
  const of = fieldOf(query, 'of') ?? '';
  switch (fieldOf(query, 'done')) {
    case 'kept':
      return t.ending.kept;
    case 'let-stop':
      return t.ending.cancelled;
    case 'saved':
      return t.home.saved;
    case 'left':
      return t.shared.left(of);
    case 'deleted':
      return t.home.deleted(of);
    case 'stopped': {
      const stopping = views.filter(({ pending }) => pending === 'stop');
      const view = stopping.find(({ name }) => name === fieldOf(query, 'server')) ?? stopping[0];
      return view && (view.name === '' ? t.home.stopped : t.home.stoppedNamed(view.label));
    }
    default:
      return undefined;
  }
}
