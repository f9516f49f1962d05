import { type GroupsOf, permits, type ScopeSet } from '@atrium/sdk';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type LiveServer, liveOf } from '../servers/live/live.service.ts';
import { isActive, listServers, type Server } from '../servers/servers.service.ts';
import { asUser } from '../users/principal.ts';
import type { User, UserFilter } from '../users/users.service.ts';
import type { PersonModel } from './atrium-models.ts';
import { presentLive } from './present-live.ts';
import { isoTime, isoTimeOrNull } from './times.ts';
import { listFilter } from './users.service.ts';

/** Which people: for the list, its file, and acts on all that fit. */
export const PeopleFilter = z.object({
  q: z.string().max(255).optional().describe('Part of the name, in any case.'),
  state: z.enum(['active', 'inactive', 'ready']).optional().describe('By their servers.'),
  account: z.enum(['waiting', 'blocked', 'admin']).optional(),
  group: z.string().max(255).optional().describe('Only its members.'),
});

export const Sort = z
  .enum(['name', '-name', 'last_activity', '-last_activity', 'id', '-id'])
  .default('name')
  .describe('`id` is the order in which accounts were made.');

/**
 * As the list of users takes it, with what the scopes of whoever asks leave out. Beside listing people they must be able
 * to read them: more than names is shown. @throws HubError `scope_missing`
 */
export function userFilterOf(query: z.output<typeof PeopleFilter>, scopes: ScopeSet): UserFilter {
  const [listed, read] = [listFilter(scopes), listFilter(scopes, 'read:users')];
  const only = listed ?? read;
  const { q, state, account, group } = query;
  return {
    nameFilter: q || undefined,
    state,
    inGroup: group || undefined,
    ...(account === 'waiting' && { pending: true }),
    ...(account === 'blocked' && { blocked: true }),
    ...(account === 'admin' && { admin: true }),
    names: only?.names,
    groups: only?.groups,
  };
}

type PersonJson = z.output<typeof PersonModel>;

/** People with their servers, as far as `read:servers` shows those. With `all`, also stopped ones. */
export async function presentPeople(
  ctx: AppContext,
  users: readonly User[],
  scopes: ScopeSet,
  { all = false } = {},
): Promise<PersonJson[]> {
  const groups = new Map(users.map((user) => [user.name, user.groups]));
  const groupsOf: GroupsOf = (name) => groups.get(name) ?? [];
  const may = (user: User, server: Server) =>
    permits(scopes, 'read:servers', { user: user.name, server: server.name }, groupsOf) === 'yes';
  const byUser = scopes.has('read:servers')
    ? await listServers(
        ctx.db,
        users.map(({ id }) => id),
      )
    : new Map<number, Server[]>();
  const shown = users.filter((user) => permits(scopes, 'read:users', { user: user.name }, groupsOf) === 'yes');
  return Promise.all(
    shown.map(async (user) => {
      const servers = (byUser.get(user.id) ?? []).filter(
        (server) => (all || server.name === '' || isActive(server)) && may(user, server),
      );
      return presentPerson(ctx, user, await Promise.all(servers.map((server) => liveOf(ctx, server))));
    }),
  );
}

function presentPerson(ctx: AppContext, user: User, servers: readonly LiveServer[]): PersonJson {
  return {
    name: user.name,
    admin: user.admin,
    blocked: user.blocked,
    waiting: user.pending,
    groups: user.groups,
    roles: [...ctx.roles.of(asUser(user))],
    created: isoTime(user.created),
    last_activity: isoTimeOrNull(user.lastActivity),
    stop_after: user.stopAfter,
    servers: servers.map((each) => presentLive(ctx, each)),
  };
}
