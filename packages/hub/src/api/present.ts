import { type GroupsOf, type Json, permits, type Reach, type ScopeSet, scopeList } from '@atrium/sdk';
import type { z } from 'zod';
import type { AppContext } from '../context.ts';
import type { Group } from '../groups/groups.service.ts';
import { isActive, isReady, pendingOf, type Server } from '../servers/servers.service.ts';
import type { ServiceRow } from '../services/services.service.ts';
import { type ApiToken, HUB_CLIENT, scopesOfToken } from '../tokens/tokens.service.ts';
import { segment } from '../urls.ts';
import { asService, asUser, type Principal, principalName } from '../users/principal.ts';
import type { User } from '../users/users.service.ts';
import type { GroupModel, ServerModel, ServiceModel, TokenModel, UserModel } from './models.ts';
import { isoTime, isoTimeOrNull } from './times.ts';

type ServerJson = z.input<typeof ServerModel>;
type UserJson = z.input<typeof UserModel>;
type GroupJson = z.input<typeof GroupModel>;
type ServiceJson = z.input<typeof ServiceModel>;

/** A server as the API shows it. A default server that was never started has no row and is stopped. */
export function presentServer(
  ctx: AppContext,
  owner: User,
  name: string,
  server: Server | undefined,
  withState: boolean,
): ServerJson {
  const active = server !== undefined && isActive(server);
  const url = ctx.urls.serverUrl(owner.name, name);
  const progressUrl = ctx.urls.progress(owner.name, name);
  const started = active ? (server.startedAt ?? server.queuedAt ?? server.phaseAt) : null;
  return {
    name,
    display_name: server?.displayName ?? name,
    full_name: `${owner.name}/${name}`,
    last_activity: isoTimeOrNull(server?.lastActivity ?? null),
    started: isoTimeOrNull(started),
    pending: server ? pendingOf(server) : null,
    ready: server !== undefined && isReady(server),
    stopped: !active,
    url,
    user_options: server?.userOptions ?? {},
    progress_url: progressUrl,
    full_url: publicUrl(ctx, url),
    full_progress_url: publicUrl(ctx, progressUrl),
    ...(withState && { state: server ? { phase: server.phase, generation: server.generation } : {} }),
  };
}

/** With the public address before it, where there is one. */
export function publicUrl(ctx: AppContext, path: string): string | null {
  return ctx.config.publicUrl === undefined ? null : new URL(path, ctx.config.publicUrl).href;
}

type UserKey = Exclude<keyof UserJson, 'kind' | 'name' | 'servers'>;

/** Scope to the keys it unlocks (contract §3.3); every one of them shows kind and name. */
const UNLOCKS: readonly (readonly [scope: string, keys: readonly UserKey[]])[] = [
  ['read:users', ['user_info', 'admin', 'roles', 'groups', 'server', 'pending', 'created', 'last_activity']],
  ['read:users:name', ['user_info', 'admin']],
  ['read:users:groups', ['groups']],
  ['read:users:activity', ['last_activity']],
  ['read:roles:users', ['roles', 'admin']],
  ['admin:auth_state', ['auth_state']],
];

/** The scopes that open one user's model. */
export const USER_READ_SCOPES = [
  'read:users',
  'read:users:name',
  'read:users:groups',
  'read:users:activity',
  'read:servers',
  'read:roles:users',
] as const;

/** The scopes that open one group's model. */
export const GROUP_READ_SCOPES = ['read:groups', 'read:groups:name', 'read:roles:groups'] as const;

export interface UserView {
  scopes: ScopeSet;
  /** Groups of the people shown, for scopes with a group filter. */
  groupsOf: GroupsOf;
  includeStopped: boolean;
  /** What the sign-in service said; shown of one person alone, never in lists. */
  authState?: Json | undefined;
}

/** Whether the view shows servers of this user at all: only then they need to be read. */
export function showsServers(view: UserView, user: User): boolean {
  const reach = view.scopes.get('read:servers');
  return (reach !== undefined && reachesServersOf(reach, view, user)) || keysOf(view, user).has('server');
}

const keysForAll = new WeakMap<ScopeSet, ReadonlySet<UserKey> | null>();

/** The keys that the view shows of this user. */
function keysOf(view: UserView, user: User): ReadonlySet<UserKey> {
  let keys = keysForAll.get(view.scopes);
  if (keys === undefined) {
    const unfiltered = UNLOCKS.every(([scope]) => (view.scopes.get(scope) ?? 'all') === 'all');
    keys = unfiltered ? unlocked(view, user) : null;
    keysForAll.set(view.scopes, keys);
  }
  // A filter that covers one and not another: looked at for each.
  return keys ?? unlocked(view, user);
}

function unlocked(view: UserView, user: User): Set<UserKey> {
  const keys = new Set<UserKey>();
  const target = { user: user.name };
  for (const [scope, unlocks] of UNLOCKS) {
    if (permits(view.scopes, scope, target, view.groupsOf) !== 'yes') continue;
    for (const key of unlocks) keys.add(key);
  }
  return keys;
}

function reachesServersOf(reach: Reach, view: UserView, user: User): boolean {
  if (reach === 'all' || permits(view.scopes, 'read:servers', { user: user.name }, view.groupsOf) === 'yes')
    return true;
  return [...(reach.server ?? [])].some((server) => server.startsWith(`${user.name}/`));
}

export function presentUser(ctx: AppContext, user: User, servers: readonly Server[], view: UserView): UserJson {
  const keys = keysOf(view, user);
  const main = servers.find((server) => server.name === '');
  const model: UserJson = { kind: 'user', name: user.name };
  // One after the other: a list has many of them, and asks for what is not shown too, if all are made first.
  if (keys.has('admin')) model.admin = user.admin;
  if (keys.has('roles')) model.roles = [...ctx.roles.of(asUser(user))];
  if (keys.has('groups')) model.groups = user.groups;
  if (keys.has('server')) model.server = main && isReady(main) ? ctx.urls.serverUrl(user.name, '') : null;
  if (keys.has('pending')) model.pending = main ? pendingOf(main) : null;
  if (keys.has('created')) model.created = isoTime(user.created);
  if (keys.has('last_activity')) model.last_activity = isoTimeOrNull(user.lastActivity);
  if (keys.has('auth_state')) model.auth_state = view.authState ?? null;
  if (keys.has('user_info')) model.user_info = user.userInfo;
  const reach = view.scopes.get('read:servers');
  if (reach && reachesServersOf(reach, view, user)) model.servers = presentServers(ctx, user, servers, view);
  return model;
}

function presentServers(ctx: AppContext, user: User, servers: readonly Server[], view: UserView) {
  const may = (scope: string, name: string) =>
    permits(view.scopes, scope, { user: user.name, server: name }, view.groupsOf) === 'yes';
  const shown = servers.filter(
    (server) => (view.includeStopped || isActive(server)) && may('read:servers', server.name),
  );
  return Object.fromEntries(
    shown.map((server) => [
      server.name,
      presentServer(ctx, user, server.name, server, may('admin:server_state', server.name)),
    ]),
  );
}

export async function presentToken(
  ctx: AppContext,
  owner: Principal,
  token: ApiToken,
): Promise<z.input<typeof TokenModel>> {
  return {
    [owner.kind]: principalName(owner),
    id: `a${token.id}`,
    kind: 'api_token',
    roles: [],
    scopes: scopeList(await scopesOfToken(ctx, owner, token.scopes)),
    created: isoTime(token.created),
    last_activity: isoTimeOrNull(token.lastActivity),
    expires_at: isoTimeOrNull(token.expiresAt),
    note: token.note,
    session_id: token.sessionId,
    oauth_client: token.clientId === HUB_CLIENT ? 'JupyterHub' : token.clientName,
  };
}

const GROUP_UNLOCKS: Readonly<Record<(typeof GROUP_READ_SCOPES)[number], readonly (keyof GroupJson)[]>> = {
  'read:groups': ['users', 'properties'],
  'read:groups:name': [],
  'read:roles:groups': ['roles'],
};

export function presentGroup(ctx: AppContext, group: Group, scopes: ScopeSet): GroupJson {
  const keys = GROUP_READ_SCOPES.filter((scope) => permits(scopes, scope, { group: group.name }) === 'yes').flatMap(
    (scope) => GROUP_UNLOCKS[scope],
  );
  const all: Omit<Required<GroupJson>, 'kind' | 'name'> = {
    users: group.members.map(({ name }) => name),
    properties: group.properties,
    roles: [...ctx.roles.ofGroup(group.name)],
  };
  return {
    kind: 'group',
    name: group.name,
    ...Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key as keyof GroupJson))),
  };
}

/** Scope to the keys of a service it unlocks (contract §3.3); every one of them shows kind and name. */
const SERVICE_UNLOCKS: Readonly<Record<string, readonly (keyof ServiceJson)[]>> = {
  'read:services': ['admin', 'url', 'prefix', 'command', 'pid', 'info', 'display'],
  'read:services:name': ['admin'],
  'read:roles:services': ['roles', 'admin'],
};

/** @param pid Of its process, when this hub runs it. */
export function presentService(
  ctx: AppContext,
  service: ServiceRow,
  scopes: ScopeSet,
  pid: number | null = null,
): ServiceJson {
  const keys = new Set<keyof ServiceJson>();
  for (const [scope, unlocked] of Object.entries(SERVICE_UNLOCKS)) {
    if (permits(scopes, scope, { service: service.name }) !== 'yes') continue;
    for (const key of unlocked) keys.add(key);
  }
  const all: Omit<Required<ServiceJson>, 'kind' | 'name'> = {
    admin: service.admin,
    roles: [...ctx.roles.of(asService(service))],
    url: service.url,
    prefix: service.url === null ? null : `${ctx.urls.base}services/${segment(service.name)}/`,
    command: [...(service.command ?? [])],
    pid,
    info: service.info,
    display: service.display,
  };
  return {
    kind: 'service',
    name: service.name,
    ...Object.fromEntries(Object.entries(all).filter(([key]) => keys.has(key as keyof ServiceJson))),
  };
}
