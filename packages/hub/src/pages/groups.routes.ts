import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { addToGroup, createGroup, deleteGroup, listGroups, removeFromGroup } from '../groups/groups.service.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { answer, fieldOf, viewerOf } from './answer.ts';
import { ownerWithScope } from './servers-of.ts';
import { t } from './strings.ts';
import { type GroupsModel, groupsPage } from './templates/groups.ts';

type Extra = Pick<GroupsModel, 'error' | 'done' | 'typed'> & { status?: number };

/** Groups and who is in them, by forms alone: for browsers without script. */
export const groupsRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}admin/groups`;
  const page = `${ctx.urls.hub}admin/plain/groups`;
  const config = { page: true } as const;
  const allowed = (request: FastifyRequest) =>
    ownerWithScope(ctx, viewerOf(request), ['admin-ui'], { user: undefined, server: '' });

  async function show(request: FastifyRequest, reply: FastifyReply, { status = 200, ...rest }: Extra = {}) {
    const xsrf = xsrfToken(ctx, request, reply);
    const body = groupsPage({ ctx, xsrf, groups: await listGroups(ctx), ...rest });
    return answer(ctx, request, reply, { title: t.groups.title, current: 'admin', status }, body);
  }

  /** Does it and shows the page that says so; what cannot be is said on the same page. */
  function form(
    action: string,
    act: (group: string, users: string[], request: FastifyRequest) => Promise<string>,
    keeps = false,
  ): void {
    app.post(`${url}/${action}`, { config }, async (request, reply) => {
      await allowed(request);
      const group = (fieldOf(request.body, 'group') ?? '').trim();
      const typed = fieldOf(request.body, 'users') ?? '';
      const users = typed.split(/[\s,;]+/).filter(Boolean);
      try {
        return show(request, reply, { done: await act(group, users, request) });
      } catch (error) {
        if (!(error instanceof HubError) || error.status >= 500) throw error;
        const again = keeps ? { typed: { name: group, users: typed } } : {};
        return show(request, reply, { error: error.message, status: error.status, ...again });
      }
    });
    // A form's page that is loaded again from the address bar.
    app.get(`${url}/${action}`, { config }, (_, reply) => reply.redirect(page, 302));
  }

  function logged(request: FastifyRequest, facts: object, message: string): void {
    ctx.log.info({ ...facts, by: viewerOf(request).user.name }, message);
  }

  app.get(page, { config }, async (request, reply) => {
    await allowed(request);
    return show(request, reply);
  });

  form(
    'new',
    async (group, users, request) => {
      await createGroup(ctx, group, users);
      logged(request, { group, users }, 'group created');
      return t.groups.created(group);
    },
    true,
  );
  form('add', async (group, users, request) => {
    if (users.length === 0) throw new HubError('bad_request', t.groups.noNames);
    await addToGroup(ctx, group, users);
    logged(request, { group, users }, 'added to a group');
    return t.groups.added(group);
  });
  form('remove', async (group, _, request) => {
    const user = fieldOf(request.body, 'user') ?? '';
    await removeFromGroup(ctx, group, [user]);
    logged(request, { group, users: [user] }, 'removed from a group');
    return t.groups.removed(user, group);
  });
  form('delete', async (group, _, request) => {
    await deleteGroup(ctx, group);
    logged(request, { group }, 'group deleted');
    return t.groups.deleted(group);
  });
};
