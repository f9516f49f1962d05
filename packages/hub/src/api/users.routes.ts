import { HubError, type Json } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { mayDo, type Requester } from '../http/requester.ts';
import { asMade } from '../http/serialize.ts';
import { listServers, refuseWhileStopping } from '../servers/servers.service.ts';
import { keepAuthState, readAuthState } from '../users/auth-state.service.ts';
import { actorName } from '../users/principal.ts';
import { deleteUser, listUsers, type User } from '../users/users.service.ts';
import { Empty, strictBody, UserModel, UserParams } from './models.ts';
import { PageQuery, paged, pageOf, readPage, wantsPosition } from './paging.ts';
import { presentUser, showsServers, USER_READ_SCOPES, type UserView } from './present.ts';
import { requesterIn } from './requester-in.ts';
import { changeUser, checkMayGrantAdmin, createOneUser, createUsers, listFilter, userNamed } from './users.service.ts';

const ViewQuery = z.object({
  include_stopped_servers: z.string().optional().describe('Anything but `0` or `false`: stopped servers too.'),
});
const State = z.enum(['ready', 'active', 'inactive']);
const Sort = z.enum(['id', 'name', 'last_activity', '-id', '-name', '-last_activity']);
/** Read as text, because what it cannot be has an answer of its own. */
const anyOf = (values: z.ZodEnum) => z.string().meta({ enum: values.options }).optional();
const ListQuery = PageQuery.extend({
  ...ViewQuery.shape,
  state: anyOf(State).describe('`ready`, `active` or `inactive`.'),
  name_filter: z.string().optional().describe('Part of the name, in any case.'),
  sort: anyOf(Sort).describe('`id`, `name` or `last_activity`; with `-` the other way round.'),
});

const CreateMany = strictBody({
  usernames: z.array(z.string()).min(1, 'Must specify at least one user to create'),
  admin: z.boolean().default(false),
});
/** `groups` and `roles` are taken for older clients' sake and not used here; they have calls of their own. */
const CreateOne = strictBody({
  name: z.string().optional(),
  admin: z.boolean().default(false),
  groups: z.array(z.string()).optional(),
  roles: z.array(z.string()).optional(),
  auth_state: z.unknown().optional(),
});
const Change = strictBody({
  name: z.string().optional(),
  admin: z.boolean().optional(),
  auth_state: (z.unknown() as z.ZodType<Json>).optional(),
});

/** What the requester may see of these users. */
async function viewFor(
  ctx: AppContext,
  requester: Requester,
  users: readonly User[],
  includeStopped = false,
  authState?: Json,
) {
  const groups = new Map(users.map((user) => [user.name, user.groups]));
  const view: UserView = {
    scopes: requester.scopes,
    groupsOf: (name) => groups.get(name) ?? [],
    includeStopped,
    authState,
  };
  const owners = users.filter((user) => showsServers(view, user)).map((user) => user.id);
  const servers = owners.length > 0 ? await listServers(ctx.db, owners) : new Map();
  return users.map((user) => presentUser(ctx, user, servers.get(user.id) ?? [], view));
}

/** With what the sign-in service said, for who may read that. */
async function presentWithAuthState(ctx: AppContext, requester: Requester, user: User, includeStopped = false) {
  const may = await mayDo(ctx, requester, ['admin:auth_state'], { user: user.name });
  const state = may ? await readAuthState(ctx, user.id) : null;
  return (
    (await viewFor(ctx, requester, [user], includeStopped, state))[0] ?? { kind: 'user' as const, name: user.name }
  );
}

export const presentOne = async (ctx: AppContext, requester: Requester, user: User, includeStopped = false) =>
  (await viewFor(ctx, requester, [user], includeStopped))[0] ?? { kind: 'user' as const, name: user.name };

const isOn = (flag: string | undefined) => flag !== undefined && flag !== '0' && flag.toLowerCase() !== 'false';

export const userRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/users', {
    config: { scopes: ['list:users'], filtered: true },
    serializerCompiler: asMade,
    schema: { summary: 'List users', querystring: ListQuery, response: { 200: pageOf(UserModel) } },
    async handler(request) {
      const requester = requesterIn(request);
      const { query } = request;
      const page = readPage(request, query);
      const state = oneOf(State, 'state', query.state);
      const sort = oneOf(Sort, 'sort', query.sort);
      const only = listFilter(requester.scopes);
      const filter = {
        state,
        sort,
        nameFilter: query.name_filter,
        names: only?.names,
        groups: only?.groups,
        ...page,
        total: wantsPosition(request),
      };
      const { users, total } = await listUsers(ctx.db, filter);
      const models = await viewFor(ctx, requester, users, isOn(query.include_stopped_servers));
      return paged(request, page, total, models);
    },
  });

  app.post('/users', {
    config: { scopes: ['admin:users'] },
    schema: { summary: 'Create users', body: CreateMany, response: { 201: z.array(UserModel) }, refuses: [409] },
    async handler(request, reply) {
      const requester = requesterIn(request);
      if (request.body.admin) checkMayGrantAdmin(requester.principal);
      const users = await createUsers(ctx, request.body.usernames, request.body.admin);
      return reply.code(201).send(await viewFor(ctx, requester, users));
    },
  });

  app.get('/users/:user', {
    config: { scopes: [...USER_READ_SCOPES] },
    serializerCompiler: asMade,
    schema: { summary: 'Get a user', params: UserParams, querystring: ViewQuery, response: { 200: UserModel } },
    async handler(request) {
      const user = await userNamed(ctx, request.params.user);
      return presentWithAuthState(ctx, requesterIn(request), user, isOn(request.query.include_stopped_servers));
    },
  });

  app.post('/users/:user', {
    config: { scopes: ['admin:users'] },
    schema: {
      summary: 'Create a user',
      params: UserParams,
      body: CreateOne.nullish(),
      response: { 201: UserModel },
      refuses: [409],
    },
    async handler(request, reply) {
      const requester = requesterIn(request);
      const admin = request.body?.admin ?? false;
      if (admin) checkMayGrantAdmin(requester.principal);
      const user = await createOneUser(ctx, request.params.user, admin);
      return reply.code(201).send(await presentOne(ctx, requester, user));
    },
  });

  app.patch('/users/:user', {
    config: { scopes: ['admin:users'] },
    schema: { summary: 'Change a user', params: UserParams, body: Change, response: { 200: UserModel } },
    async handler(request) {
      const requester = requesterIn(request);
      const user = await userNamed(ctx, request.params.user);
      if (user.admin || request.body.admin) checkMayGrantAdmin(requester.principal);
      const { auth_state: state, ...change } = request.body;
      if (state !== undefined) await keepAuthState(ctx, user.id, state);
      const changed = await changeUser(ctx, user, change);
      return presentWithAuthState(ctx, requester, changed);
    },
  });

  app.post('/users/:user/admin-access', {
    config: { scopes: ['servers'] },
    schema: {
      summary: 'Ask for access to the servers of a user',
      description: 'Deprecated, and always refused: who may open whose servers is the scope `access:servers`.',
      params: UserParams,
    },
    async handler() {
      throw new HubError('not_allowed', 'admin access to user servers disabled');
    },
  });

  app.delete('/users/:user', {
    config: { scopes: ['delete:users'] },
    schema: { summary: 'Delete a user and their servers', params: UserParams, response: { 204: Empty } },
    async handler(request, reply) {
      const requester = requesterIn(request);
      const user = await userNamed(ctx, request.params.user);
      if (user.id === requester.user?.id) throw new HubError('bad_request', 'Cannot delete yourself!');
      if (user.admin) checkMayGrantAdmin(requester.principal);
      await refuseWhileStopping(ctx, user);
      await deleteUser(ctx, user, { by: actorName(requester.principal) });
      return reply.code(204).send();
    },
  });
};

function oneOf<Values extends z.ZodEnum>(
  values: Values,
  what: string,
  given: string | undefined,
): z.output<Values> | undefined {
  if (given === undefined) return undefined;
  const parsed = values.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new HubError('bad_request', `Unrecognized ${what} '${given}', must be one of ${values.options.join(', ')}`);
}
