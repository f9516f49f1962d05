import {
  type CustomScopes,
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
import { rolesInForce, scopesOfRoles } from '../roles/roles.service.ts';
import { receivedScopes } from '../shares/received.ts';
import { type Principal, principalName } from '../users/principal.ts';
import { findUsersByName } from '../users/users.service.ts';
import type { TokenClient } from './tokens.repo.ts';

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

/** Everything a person or a service may do now: by their own roles, those of their groups, and what others share. */
export async function scopesOfPrincipal(ctx: AppContext, principal: Principal): Promise<ScopeSet> {
  return (await rightsOf(ctx, principal)).held;
}

/** With what decided it, as a key for what is made of it. */
async function rightsOf(ctx: AppContext, principal: Principal): Promise<{ held: ScopeSet; key: string }> {
  const roles = rolesInForce(ctx.roles, principal);
  const received = principal.kind === 'user' ? await receivedScopes(ctx, principal.user) : [];
  const key = JSON.stringify([principal.kind, principalName(principal), roles, received]);
  const held = cacheOf(ctx).get(key, () => {
    const { customScopes } = ctx.roles;
    const own = scopesOfRoles(
      ctx.roles,
      roles.filter((role) => ctx.roles.find(role)),
    );
    return expandScopes(knownScopes([...own, ...received], customScopes), ownerOf(principal), customScopes);
  });
  return { held, key };
}

/** Without those that do not exist: a custom scope may have gone from the configuration. */
function knownScopes(texts: readonly string[], custom: CustomScopes): string[] {
  return texts.filter((text) => {
    try {
      parseScope(text, custom);
      return true;
    } catch (error) {
      if (error instanceof HubError) return false;
      throw error;
    }
  });
}

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
  const { held, key: rights } = await rightsOf(ctx, owner);
  const { customScopes } = ctx.roles;
  // `!server` and `!service` mean what stands behind the client (contract §4.2).
  const { server, service } = client;
  const whose = {
    ...ownerOf(owner),
    ...(server !== undefined && { server }),
    ...(service !== undefined && { service }),
  };
  const asked = () => [
    ...knownScopes(stored, customScopes),
    ...(owner.kind === 'user' ? IDENTIFY_SCOPES : IDENTIFY_SERVICE_SCOPES),
    ...(server === undefined ? [] : [`access:servers!server=${server}`]),
    ...(service === undefined ? [] : [`access:services!service=${service}`]),
  ];
  const resolve = (groupsOf?: GroupsOf) => tokenScopes(asked(), whose, held, groupsOf, customScopes);
  // Membership can change under a cached set, so sets that depend on it are made anew.
  if (stored.some((scope) => scope.includes('!group=')) || hasGroupFilter(held)) {
    const people = groupsNeeded(expandScopes(asked(), whose, customScopes), held);
    if (people.length > 0) return resolve(await groupsOfPeople(ctx, people));
  }
  const key = [rights, server ?? '', service ?? '', ...stored];
  return cacheOf(ctx).get(key.join('\n'), resolve);
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
  const { customScopes } = ctx.roles;
  for (const scope of scopes) parseScope(scope, customScopes);
  const held = await scopesOfPrincipal(ctx, owner);
  const asked = expandScopes(scopes, ownerOf(owner), customScopes);
  const beyond = scopesBeyond(held, asked, await groupsOfPeople(ctx, groupsNeeded(asked, held)));
  if (beyond.length > 0) {
    throw new HubError(
      'bad_request',
      `Not assigning requested scopes ${beyond.join(', ')} not held by ${principalName(owner)}`,
    );
  }
}

/** A scope in plain words, for the tokens and the consent page: "start and stop servers (only ada's)". */
export function describeScope(text: string, custom: CustomScopes): string {
  if (text === 'inherit') return 'everything you may do';
  if (text === 'self') return 'everything you may do with your own account and servers';
  if (knownScopes([text], custom).length === 0) return `${text} (does not exist here any more)`;
  const { name, kind, value } = parseScope(text, custom);
  const words = custom.get(name)?.words ?? SCOPES[name]?.words ?? name;
  if (kind === undefined) return words;
  if (value === undefined) return `${words} (only your own)`;
  if (kind === 'server') {
    const [user = '', server = ''] = value.split('/');
    return `${words} (only ${server === '' ? `the server of ${user}` : `the server ${server} of ${user}`})`;
  }
  return `${words} (only ${kind === 'user' ? value : `${kind} ${value}`})`;
}
