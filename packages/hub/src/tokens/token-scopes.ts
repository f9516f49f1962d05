import {
  ADMIN_SCOPES,
  expandScopes,
  type GroupsOf,
  groupsNeeded,
  HubError,
  IDENTIFY_SCOPES,
  IDENTIFY_SERVICE_SCOPES,
  parseScope,
  SCOPES,
  type ScopeOwner,
  type ScopeSet,
  scopesBeyond,
  tokenScopes,
} from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { isAdmin, type Principal, principalName } from '../users/principal.ts';
import { findUsersByName } from '../users/users.service.ts';
import type { TokenClient } from './tokens.repo.ts';

/** The default roles (contract §4.4), which older clients name instead of scopes. */
export const ROLES: Readonly<Record<string, readonly string[]>> = {
  user: ['self'],
  admin: ADMIN_SCOPES,
  server: ['users:activity!user', 'access:servers!server'],
  token: ['inherit'],
};

/** The roles somebody has of their own. */
export function rolesOf(principal: Principal): string[] {
  return [...(isAdmin(principal) ? ['admin'] : []), ...(principal.kind === 'user' ? ['user'] : [])];
}

const CACHE_SIZE = 2_000;

/** Expansions seen lately, by what went in. Nothing here can go stale: the key holds all that decides. */
class ScopeCache {
  readonly #sets = new Map<string, ScopeSet>();

  get(key: string, make: () => ScopeSet): ScopeSet {
    let set = this.#sets.get(key);
    if (!set) {
      set = make();
      if (this.#sets.size >= CACHE_SIZE) this.#sets.clear();
      this.#sets.set(key, set);
    }
    return set;
  }
}

const caches = new WeakMap<AppContext, ScopeCache>();

function cacheOf(ctx: AppContext): ScopeCache {
  let cache = caches.get(ctx);
  if (!cache) {
    cache = new ScopeCache();
    caches.set(ctx, cache);
  }
  return cache;
}

/** Everything a person or a service may do now. */
export async function scopesOfPrincipal(ctx: AppContext, principal: Principal): Promise<ScopeSet> {
  return cacheOf(ctx).get(keyOf(principal), () =>
    expandScopes(
      rolesOf(principal).flatMap((role) => ROLES[role] ?? []),
      ownerOf(principal),
    ),
  );
}

const keyOf = (principal: Principal) =>
  JSON.stringify([principal.kind, principalName(principal), rolesOf(principal)]);

const ownerOf = (principal: Principal): ScopeOwner =>
  principal.kind === 'user' ? { user: principal.user.name } : { service: principal.service.name };

/**
 * What a token may do now (contract §4.3): stored scopes, identify and the access scope of its client, within what the
 * owner may do.
 */
export async function scopesOfToken(
  ctx: AppContext,
  owner: Principal,
  stored: readonly string[],
  client: TokenClient = {},
): Promise<ScopeSet> {
  const held = await scopesOfPrincipal(ctx, owner);
  const asked = [
    ...stored,
    ...(owner.kind === 'user' ? IDENTIFY_SCOPES : IDENTIFY_SERVICE_SCOPES),
    ...(client.server === undefined ? [] : [`access:servers!server=${client.server}`]),
    ...(client.service === undefined ? [] : [`access:services!service=${client.service}`]),
  ];
  const whose = { ...ownerOf(owner), ...(client.server !== undefined && { server: client.server }) };
  const resolve = (groupsOf?: GroupsOf) => tokenScopes(asked, whose, held, groupsOf);
  // Membership can change under a cached set, so sets that depend on it are made anew.
  if (stored.some((scope) => scope.includes('!group=')) || hasGroupFilter(held)) {
    const people = groupsNeeded(expandScopes(asked, whose), held);
    if (people.length > 0) return resolve(await groupsOfPeople(ctx, people));
  }
  return cacheOf(ctx).get(`${keyOf(owner)}\n${client.server ?? ''}\n${client.service ?? ''}\n${stored.join('\n')}`, resolve);
}

const withGroups = new WeakMap<ScopeSet, boolean>();

/** Sets are cached and asked with every request. */
function hasGroupFilter(set: ScopeSet): boolean {
  let has = withGroups.get(set);
  if (has === undefined) {
    has = [...set.values()].some((reach) => reach !== 'all' && reach.group !== undefined);
    withGroups.set(set, has);
  }
  return has;
}

async function groupsOfPeople(ctx: AppContext, names: readonly string[]): Promise<GroupsOf> {
  const people = new Map((await findUsersByName(ctx.db, names)).map((user) => [user.name, user.groups]));
  return (name) => people.get(name) ?? [];
}

/**
 * Checks scopes that are about to be stored in a token.
 * @throws HubError `bad_request` for an unknown scope, or one that the owner does not hold.
 */
export async function checkAssignable(ctx: AppContext, owner: Principal, scopes: readonly string[]): Promise<void> {
  for (const scope of scopes) parseScope(scope);
  const held = await scopesOfPrincipal(ctx, owner);
  const asked = expandScopes(scopes, ownerOf(owner));
  const beyond = scopesBeyond(held, asked, await groupsOfPeople(ctx, groupsNeeded(asked, held)));
  if (beyond.length > 0) {
    throw new HubError('bad_request', `Not assigning requested scopes ${beyond.join(', ')} not held by ${principalName(owner)}`);
  }
}

/** @throws HubError `bad_request` for an unknown role. */
export function scopesOfRoles(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const scopes = Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
    if (!scopes) throw new HubError('bad_request', `Role ${name} does not exist`);
    return scopes;
  });
}

/** A scope in plain words, for the tokens and the consent page: "start and stop servers (only ada's)". */
export function describeScope(text: string): string {
  if (text === 'inherit') return 'everything you may do';
  if (text === 'self') return 'everything you may do with your own account and servers';
  const { name, kind, value } = parseScope(text);
  const words = SCOPES[name]?.words ?? name;
  if (kind === undefined) return words;
  if (value === undefined) return `${words} (only your own)`;
  if (kind === 'server') {
    const [user = '', server = ''] = value.split('/');
    return `${words} (only ${server === '' ? `the server of ${user}` : `the server ${server} of ${user}`})`;
  }
  return `${words} (only ${kind === 'user' ? value : `${kind} ${value}`})`;
}
