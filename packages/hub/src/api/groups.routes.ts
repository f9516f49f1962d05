import { HubError, type Json, permits, type ScopeSet } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import {
  addToGroup,
  createGroups,
  deleteGroup,
  findGroup,
  type Group,
  listGroups,
  removeFromGroup,
  setGroupProperties,
} from '../groups/groups.service.ts';
import type { Requester } from '../http/requester.ts';
import { actorName } from '../users/principal.ts';
import { Empty, GroupModel, strictBody } from './models.ts';
import { PageQuery, paged, pageOf, readPage } from './paging.ts';
import { GROUP_READ_SCOPES, presentGroup } from './present.ts';
import { requesterIn } from './requester-in.ts';

const GroupParams = z.object({ group: z.string() });
const CreateMany = strictBody({
  groups: z.array(z.string()).min(1, 'Must specify at least one group to create'),
  users: z.array(z.string()).default([]),
});
/** `name` is the address's; `roles` is taken for older clients' sake: roles are given in the configuration. */
const CreateOne = strictBody({
  name: z.string().optional(),
  users: z.array(z.string()).default([]),
  roles: z.array(z.string()).optional(),
});
const Members = strictBody({ users: z.array(z.string(), 'Must specify `users`, a list of names') });
// The body was JSON, so its values are.
const Properties = z.record(z.string(), z.unknown() as z.ZodType<Json>, 'Properties are an object');

/** Groups and who is in them (contract §3.9). */
export const groupRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const named = async (name: string): Promise<Group> => {
    const group = await findGroup(ctx, name);
    if (!group) throw new HubError('not_found', `No such group: ${name}`);
    return group;
  };
  const show = async (requester: Requester, name: string) => presentGroup(ctx, await named(name), requester.scopes);
  const logged = (requester: Requester, facts: object, message: string) =>
    ctx.log.info({ ...facts, by: actorName(requester.principal) }, message);

  app.get('/groups', {
    config: { scopes: ['list:groups'], filtered: true },
    schema: { summary: 'List groups', querystring: PageQuery, response: { 200: pageOf(GroupModel) } },
    async handler(request) {
      const { scopes } = requesterIn(request);
      const page = readPage(request, request.query);
      checkFilter(scopes);
      const groups = (await listGroups(ctx)).filter(
        ({ name }) => permits(scopes, 'list:groups', { group: name }) === 'yes',
      );
      const shown = groups.slice(page.offset, page.offset + page.limit);
      const models = shown.map((group) => presentGroup(ctx, group, scopes));
      return paged(request, page, groups.length, models);
    },
  });

  app.post('/groups', {
    config: { scopes: ['admin:groups'] },
    schema: { summary: 'Create groups', body: CreateMany, response: { 201: z.array(GroupModel) }, refuses: [409] },
    async handler(request, reply) {
      const requester = requesterIn(request);
      const { groups, users } = request.body;
      await createGroups(ctx, groups, users);
      logged(requester, { groups, users }, 'groups created');
      return reply.code(201).send(await Promise.all([...new Set(groups)].map((name) => show(requester, name))));
    },
  });

  app.get('/groups/:group', {
    config: { scopes: [...GROUP_READ_SCOPES] },
    schema: { summary: 'Get a group', params: GroupParams, response: { 200: GroupModel } },
    handler: (request) => show(requesterIn(request), request.params.group),
  });

  app.post('/groups/:group', {
    config: { scopes: ['admin:groups'] },
    schema: {
      summary: 'Create a group',
      params: GroupParams,
      body: CreateOne.nullish(),
      response: { 201: GroupModel },
      refuses: [409],
    },
    async handler(request, reply) {
      const requester = requesterIn(request);
      const { group } = request.params;
      const users = request.body?.users ?? [];
      await createGroups(ctx, [group], users);
      logged(requester, { group, users }, 'group created');
      return reply.code(201).send(await show(requester, group));
    },
  });

  app.delete('/groups/:group', {
    config: { scopes: ['delete:groups'] },
    schema: { summary: 'Delete a group', params: GroupParams, response: { 204: Empty } },
    async handler(request, reply) {
      const { group } = request.params;
      await deleteGroup(ctx, group);
      logged(requesterIn(request), { group }, 'group deleted');
      return reply.code(204).send();
    },
  });

  app.post('/groups/:group/users', {
    config: { scopes: ['groups'], repeatable: true },
    schema: { summary: 'Add users to a group', params: GroupParams, body: Members, response: { 200: GroupModel } },
    async handler(request) {
      const requester = requesterIn(request);
      const { group } = request.params;
      const { users } = request.body;
      await addToGroup(ctx, group, users);
      logged(requester, { group, users }, 'added to a group');
      return show(requester, group);
    },
  });

  app.delete('/groups/:group/users', {
    config: { scopes: ['groups'] },
    schema: {
      summary: 'Remove users from a group',
      description: 'Memberships of the configuration and of the sign-in are changed there; here they are refused.',
      params: GroupParams,
      body: Members,
      response: { 200: GroupModel },
    },
    async handler(request) {
      const requester = requesterIn(request);
      const { group } = request.params;
      const { users } = request.body;
      await removeFromGroup(ctx, group, users);
      logged(requester, { group, users }, 'removed from a group');
      return show(requester, group);
    },
  });

  app.put('/groups/:group/properties', {
    config: { scopes: ['groups'] },
    schema: {
      summary: "Replace a group's properties",
      params: GroupParams,
      body: Properties,
      response: { 200: GroupModel },
    },
    async handler(request) {
      const requester = requesterIn(request);
      const { group } = request.params;
      await setGroupProperties(ctx, group, request.body);
      logged(requester, { group }, 'properties of a group changed');
      return show(requester, group);
    },
  });
};

/** Only groups can be listed in part by group; any other filter covers no list of groups at all. */
function checkFilter(scopes: ScopeSet): void {
  const reach = scopes.get('list:groups');
  if (reach === undefined || reach === 'all' || reach.group) return;
  throw new HubError('scope_missing', 'Action is not authorized with current scopes; requires any of [list:groups]');
}
