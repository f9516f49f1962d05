import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { createResetLink } from '../login/links.service.ts';
import { changeAccount } from '../people/account.service.ts';
import { countServers, listServers } from '../servers/servers.service.ts';
import { listAlerts } from '../upkeep/upkeep.service.ts';
import {
  acceptsUserName,
  createUser,
  deleteUser,
  listUsers,
  normaliseUserName,
  type User,
  updateUser,
} from '../users/users.service.ts';
import { answer, fieldOf, originOf, viewerOf } from './answer.ts';
import { idleChoices } from './home.routes.ts';
import { viewServer } from './server-view.ts';
import { ownerWithScope } from './servers-of.ts';
import { viewStay } from './stay-view.ts';
import { t } from './strings.ts';
import { type AdminModel, adminPage, deletePersonPage, type StateFilter } from './templates/admin.ts';

const PAGE_SIZE = 50;
const WAITING_SHOWN = 100;

type Extra = Partial<Pick<AdminModel, 'error' | 'done' | 'link'>> & { status?: number };

/** Administration by forms alone, for browsers without script; the page of packages/admin stands at `{hub}admin`. */
export const adminRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}admin`;
  const config = { page: true } as const;

  async function show(request: FastifyRequest, reply: FastifyReply, extra: Extra = {}) {
    const viewer = viewerOf(request);
    // After a form was sent, the view it was sent from.
    const query = new URLSearchParams((fieldOf(request.body, 'back') ?? request.url).split('?', 2)[1] ?? '');
    const state = stateOf(query.get('state'));
    const q = (query.get('q') ?? '').trim();
    const offset = Math.max(0, Math.trunc(Number(query.get('offset'))) || 0);
    const [{ users, total }, waiting, active] = await Promise.all([
      listUsers(ctx.db, {
        nameFilter: q || undefined,
        state: state === 'all' ? undefined : state,
        pending: false,
        sort: 'name',
        offset,
        limit: PAGE_SIZE,
      }),
      listUsers(ctx.db, { pending: true, limit: WAITING_SHOWN }),
      countServers(ctx.db, 'active'),
    ]);
    const servers = await listServers(
      ctx.db,
      users.map(({ id }) => id),
    );
    const { status = 200, ...rest } = extra;
    const body = adminPage({
      ctx,
      xsrf: xsrfToken(ctx, request, reply),
      now: ctx.clock.now(),
      people: users.map((user) => ({
        name: user.name,
        admin: user.admin,
        blocked: user.blocked,
        lastActivity: user.lastActivity,
        stopAfter: user.stopAfter,
        servers: (servers.get(user.id) ?? []).map((server) => ({
          ...viewServer(ctx, server, viewer, user.stopAfter),
          stay: viewStay(ctx, server, user.stopAfter, ctx.clock.now()),
        })),
        other: user.id !== viewer.user.id,
      })),
      total,
      offset,
      limit: PAGE_SIZE,
      filter: { q, state },
      waiting: waiting.users.map(({ name, created }) => ({ name, created })),
      running: active,
      idle: { hub: ctx.config.idle.stopAfter, choices: idleChoices(ctx.config.idle.stopAfter, true) },
      warnings: ctx.spawner.caps.warnings,
      alerts: await listAlerts(ctx.db),
      accounts: ctx.authenticator.accounts !== undefined,
      ...rest,
    });
    return answer(ctx, request, reply, { title: t.admin.title, current: 'admin', wide: true, status }, body);
  }

  async function allowed(request: FastifyRequest) {
    return ownerWithScope(ctx, viewerOf(request), ['admin-ui'], { user: undefined, server: '' });
  }

  /** The person a form names. Checks that the administrator may change them. */
  async function personOf(request: FastifyRequest, scope = 'admin:users'): Promise<User> {
    const name = fieldOf(request.body, 'user') ?? '';
    return ownerWithScope(ctx, viewerOf(request), [scope], { user: name, server: '' });
  }

  async function linkFor(request: FastifyRequest, user: User): Promise<AdminModel['link']> {
    const { path, expiresAt } = await createResetLink(ctx, user, viewerOf(request).user.name);
    return { name: user.name, url: originOf(ctx, request) + path, expiresAt };
  }

  app.get(`${url}/plain`, { config }, async (request, reply) => {
    await allowed(request);
    const of = fieldOf(request.query, 'of') ?? '';
    const done = { started: t.admin.started(of), stopped: t.admin.stopped(of), saved: t.home.saved }[
      fieldOf(request.query, 'done') ?? ''
    ];
    return show(request, reply, done !== undefined && of !== '' ? { done } : {});
  });

  app.post(`${url}/add`, { config }, async (request, reply) => {
    const viewer = viewerOf(request);
    await ownerWithScope(ctx, viewer, ['admin:users'], { user: undefined, server: '' });
    const name = normaliseUserName(fieldOf(request.body, 'name') ?? '');
    if (!acceptsUserName(ctx, name)) return show(request, reply, { error: t.admin.badName(name), status: 400 });
    const admin = fieldOf(request.body, 'admin') === '1';
    const now = ctx.clock.now();
    const user = await createUser(ctx.db, { name, admin, allowedBy: 'administrator', now });
    if (!user) return show(request, reply, { error: t.admin.nameTaken(name), status: 409 });
    await audit(ctx, { action: 'user.create', of: { kind: 'user', name }, detail: { admin } });
    ctx.log.info({ user: name, admin, by: viewer.user.name }, 'user added');
    // Where the hub keeps the passwords, nobody has set theirs yet.
    const link = ctx.authenticator.accounts ? await linkFor(request, user) : undefined;
    return show(request, reply, { done: t.admin.added(name), link });
  });

  app.post(`${url}/approve`, { config }, async (request, reply) => {
    const user = await personOf(request);
    await updateUser(ctx.db, user.id, { pending: false, allowedBy: 'approval' });
    await audit(ctx, { action: 'user.approve', of: { kind: 'user', name: user.name } });
    ctx.log.info({ user: user.name, by: viewerOf(request).user.name }, 'sign-up approved');
    return show(request, reply, { done: t.admin.approved(user.name) });
  });

  app.post(`${url}/decline`, { config }, async (request, reply) => {
    const user = await personOf(request);
    // Approved by somebody else in the meantime: then there is an account with files, and this form was about a request.
    if (!user.pending) throw new HubError('bad_request', t.admin.notWaiting(user.name));
    await deleteUser(ctx, user, { by: viewerOf(request).user.name });
    return show(request, reply, { done: t.admin.declined(user.name) });
  });

  app.post(`${url}/block`, { config }, async (request, reply) => {
    const user = await personOf(request);
    const { user: viewer } = viewerOf(request);
    const blocked = fieldOf(request.body, 'blocked') === '1';
    if (user.id === viewer.id) throw new HubError('bad_request', t.admin.notYourself);
    await changeAccount(ctx, user, { blocked }, viewerOf(request).principal);
    ctx.log.info({ user: user.name, blocked, by: viewer.name }, blocked ? 'user blocked' : 'user unblocked');
    return show(request, reply, { done: blocked ? t.admin.blocked(user.name) : t.admin.unblocked(user.name) });
  });

  app.post(`${url}/reset-link`, { config }, async (request, reply) => {
    const user = await personOf(request);
    return show(request, reply, { link: await linkFor(request, user) });
  });

  app.get(`${url}/delete`, { config }, async (request, reply) => {
    const name = fieldOf(request.query, 'user') ?? '';
    const user = await ownerWithScope(ctx, viewerOf(request), ['delete:users'], { user: name, server: '' });
    const xsrf = xsrfToken(ctx, request, reply);
    const body = deletePersonPage({ ctx, xsrf, name: user.name, home: ctx.config.onUserDelete });
    return answer(ctx, request, reply, { title: t.admin.removeTitle(user.name), current: 'admin' }, body);
  });

  app.post(`${url}/delete`, { config }, async (request, reply) => {
    const { user: viewer } = viewerOf(request);
    const user = await personOf(request, 'delete:users');
    if (user.id === viewer.id) throw new HubError('bad_request', t.admin.notYourself);
    await deleteUser(ctx, user, { by: viewer.name });
    return show(request, reply, { done: t.admin.removed(user.name) });
  });

  // A form's page that is loaded again from the address bar.
  for (const action of ['add', 'approve', 'decline', 'block', 'reset-link']) {
    app.get(`${url}/${action}`, { config }, (_, reply) => reply.redirect(`${url}/plain`, 302));
  }
};

function stateOf(text: string | null): StateFilter {
  return text === 'active' || text === 'inactive' ? text : 'all';
}
