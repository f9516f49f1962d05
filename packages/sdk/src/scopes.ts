import { HubError } from './errors.ts';
import { SCOPES, SELF_SCOPES } from './scope-table.ts';

export const FILTER_KINDS = ['user', 'group', 'server', 'service'] as const;
export type FilterKind = (typeof FILTER_KINDS)[number];

/** The people and things a filtered scope covers. Servers are `user/name`, the default one `user/`. */
export type Filters = { readonly [Kind in FilterKind]?: ReadonlySet<string> };

/** How far one scope reaches: over everything, or over what its filters name. */
export type Reach = 'all' | Filters;

/** Resolved permissions: every scope held, subscopes included, no shorthand. Never changed once made. */
export type ScopeSet = ReadonlyMap<string, Reach>;

/** Who shorthand filters (`!user`, `!server`, `!service`) stand for. One that does not apply is dropped. */
export interface ScopeOwner {
  user?: string | undefined;
  /** The server behind an OAuth client: `ada/` or `ada/thesis`. */
  server?: string | undefined;
  service?: string | undefined;
}

/** An installation's own scopes (`custom:…`): in words, and everything each includes, itself too. */
export type CustomScopes = ReadonlyMap<string, { words: string; subscopes: readonly string[] }>;

const NO_CUSTOM: CustomScopes = new Map();

/** Group membership, looked up before it is asked for: the model itself does no I/O. */
export type GroupsOf = (user: string) => readonly string[];

interface ParsedScope {
  name: string;
  kind: FilterKind | undefined;
  /** Undefined for shorthand. */
  value: string | undefined;
}

/** @throws HubError `bad_request` for an unknown scope, an unknown kind of filter or a filter without a value. */
export function parseScope(text: string, custom: CustomScopes = NO_CUSTOM): ParsedScope {
  const [name = '', filter, ...rest] = text.split('!');
  if (!isMetascope(name) && !Object.hasOwn(SCOPES, name) && !custom.has(name)) {
    const hint = name === 'all' ? ' (use `inherit` for everything you may do)' : '';
    throw new HubError('bad_request', `Scope ${name} does not exist${hint}`);
  }
  if (filter === undefined) return { name, kind: undefined, value: undefined };
  const [kind = '', ...valueParts] = filter.split('=');
  const value = valueParts.length === 0 ? undefined : valueParts.join('=');
  const shorthand = value === undefined && kind !== 'group';
  if (rest.length > 0 || isMetascope(name) || !isFilterKind(kind) || (!shorthand && !value)) {
    throw new HubError('bad_request', `Scope ${text} has a filter that is not understood`);
  }
  return { name, kind, value };
}

const isMetascope = (name: string) => name === 'self' || name === 'inherit';
const isFilterKind = (kind: string): kind is FilterKind => (FILTER_KINDS as readonly string[]).includes(kind);

const closures = new Map<string, readonly string[]>();

/** A scope and everything it includes. */
export function subscopes(name: string, custom: CustomScopes = NO_CUSTOM): readonly string[] {
  let known = custom.get(name)?.subscopes ?? closures.get(name);
  if (!known) {
    const seen = new Set([name]);
    for (const each of seen) for (const sub of SCOPES[each]?.includes ?? []) seen.add(sub);
    known = [...seen];
    closures.set(name, known);
  }
  return known;
}

/**
 * Written scopes to what they permit: metascope `self`, shorthand and subscopes resolved. `inherit` adds nothing here;
 * `tokenScopes` knows what it stands for.
 */
export function expandScopes(texts: Iterable<string>, owner: ScopeOwner, custom: CustomScopes = NO_CUSTOM): ScopeSet {
  const builder = new Builder(custom);
  for (const text of texts) {
    const { name, kind, value } = parseScope(text, custom);
    if (name === 'self') {
      if (owner.user === undefined) continue;
      for (const own of SELF_SCOPES) builder.addAll(own, 'user', owner.user);
    } else if (name !== 'inherit') {
      const resolved = value ?? (kind && kind !== 'group' ? owner[kind] : undefined);
      if (kind === undefined) builder.addAll(name);
      else if (resolved !== undefined) builder.addAll(name, kind, resolved);
    }
  }
  return builder.done();
}

class Builder {
  readonly #custom: CustomScopes;
  readonly #reaches = new Map<string, 'all' | { [Kind in FilterKind]?: Set<string> }>();

  constructor(custom: CustomScopes = NO_CUSTOM) {
    this.#custom = custom;
  }

  /** A scope with its subscopes. */
  addAll(name: string, kind?: FilterKind, value?: string): void {
    for (const sub of subscopes(name, this.#custom)) {
      // A server filter cannot describe a person (contract §4.2).
      if (kind === 'server' && sub.startsWith('read:users')) continue;
      this.add(sub, kind, value);
    }
  }

  add(name: string, kind?: FilterKind, value?: string): void {
    const reach = this.#reaches.get(name);
    if (reach === 'all') return;
    if (kind === undefined || value === undefined) {
      this.#reaches.set(name, 'all');
      return;
    }
    const filters = reach ?? {};
    if (!reach) this.#reaches.set(name, filters);
    let values = filters[kind];
    if (!values) {
      values = new Set();
      filters[kind] = values;
    }
    values.add(value);
  }

  addReach(name: string, reach: Reach): void {
    if (reach === 'all') this.add(name);
    else for (const kind of FILTER_KINDS) for (const value of reach[kind] ?? []) this.add(name, kind, value);
  }

  done(): ScopeSet {
    return this.#reaches;
  }
}

export function unionScopes(...sets: readonly ScopeSet[]): ScopeSet {
  const builder = new Builder();
  for (const set of sets) for (const [name, reach] of set) builder.addReach(name, reach);
  return builder.done();
}

/** What both permit. Groups of the people in `groupsNeeded(a, b)` must be known to `groupsOf`. */
export function intersectScopes(a: ScopeSet, b: ScopeSet, groupsOf: GroupsOf = noGroups): ScopeSet {
  const builder = new Builder();
  for (const [name, left] of a) {
    const right = b.get(name);
    if (right === undefined) continue;
    if (left === 'all') builder.addReach(name, right);
    else if (right === 'all') builder.addReach(name, left);
    else {
      for (const [one, other] of [
        [left, right],
        [right, left],
      ] as const) {
        for (const kind of FILTER_KINDS) {
          for (const value of one[kind] ?? [])
            if (inFilters(other, kind, value, groupsOf)) builder.add(name, kind, value);
        }
      }
    }
  }
  return builder.done();
}

const noGroups: GroupsOf = () => [];

/** Containment of filters: group ⊃ its people ⊃ their servers (contract §4.2). */
function inFilters(filters: Filters, kind: FilterKind, value: string, groupsOf: GroupsOf): boolean {
  if (filters[kind]?.has(value)) return true;
  if (kind === 'server') return inFilters(filters, 'user', serverOwner(value), groupsOf);
  return kind === 'user' && filters.group !== undefined && groupsOf(value).some((group) => filters.group?.has(group));
}

/** User names have no slash, so the first one ends the name. */
const serverOwner = (server: string) => server.slice(0, Math.max(0, server.indexOf('/')));

/** People whose groups decide the intersection of two sets; usually nobody, and then nothing need be looked up. */
export function groupsNeeded(a: ScopeSet, b: ScopeSet): string[] {
  const users = new Set<string>();
  for (const [name, left] of a) {
    const right = b.get(name);
    if (right === undefined || right === 'all' || left === 'all') continue;
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const) {
      if (!other.group) continue;
      for (const user of one.user ?? []) users.add(user);
      for (const server of one.server ?? []) users.add(serverOwner(server));
    }
  }
  return [...users];
}

/** Whether `outer` permits everything that `inner` does. */
export function containsScopes(outer: ScopeSet, inner: ScopeSet, groupsOf: GroupsOf = noGroups): boolean {
  return scopesBeyond(outer, inner, groupsOf).length === 0;
}

/** The scopes of `inner` that `outer` does not permit in full, as text. */
export function scopesBeyond(outer: ScopeSet, inner: ScopeSet, groupsOf: GroupsOf = noGroups): string[] {
  const beyond: string[] = [];
  for (const [name, reach] of inner) {
    const held = outer.get(name);
    if (held === 'all') continue;
    if (reach === 'all') beyond.push(name);
    else {
      for (const kind of FILTER_KINDS) {
        for (const value of reach[kind] ?? []) {
          if (!held || !inFilters(held, kind, value, groupsOf)) beyond.push(`${name}!${kind}=${value}`);
        }
      }
    }
  }
  return beyond.sort();
}

/**
 * What a token may do now: what it was given, its owner's name and groups, and its client's access scopes, all within
 * what the owner may do now. `inherit` is everything the owner may do.
 */
export function tokenScopes(
  stored: readonly string[],
  owner: ScopeOwner,
  ownerScopes: ScopeSet,
  groupsOf: GroupsOf = noGroups,
  custom: CustomScopes = NO_CUSTOM,
): ScopeSet {
  const within = intersectScopes(expandScopes(stored, owner, custom), ownerScopes, groupsOf);
  if (!stored.includes('inherit')) return within;
  // What is written out stays written out: an application cannot look up who is in a group (contract §2.1).
  return containsScopes(ownerScopes, within) ? ownerScopes : unionScopes(ownerScopes, within);
}

/** What a request is about. `server` is a name, '' for the default one, and needs `user`. */
export interface ScopeTarget {
  user?: string | undefined;
  server?: string | undefined;
  group?: string | undefined;
  service?: string | undefined;
}

/**
 * Whether a set permits one scope for a target: `absent` when it is not held at all, `outside` when it is held for
 * others only. A request about nothing in particular needs the scope unfiltered.
 */
export function permits(
  set: ScopeSet,
  name: string,
  target: ScopeTarget,
  groupsOf: GroupsOf = noGroups,
): 'yes' | 'outside' | 'absent' {
  const reach = set.get(name);
  if (reach === undefined) return 'absent';
  if (reach === 'all') return 'yes';
  const { user, server, group, service } = target;
  const inside =
    (service !== undefined && reach.service?.has(service)) ||
    (group !== undefined && reach.group?.has(group)) ||
    (user !== undefined && server !== undefined && inFilters(reach, 'server', `${user}/${server}`, groupsOf)) ||
    (user !== undefined && server === undefined && inFilters(reach, 'user', user, groupsOf));
  return inside ? 'yes' : 'outside';
}

const lists = new WeakMap<ScopeSet, readonly string[]>();

/** Sorted text form: what `/user` and token models show. Made once for each set, which never changes. */
export function scopeList(set: ScopeSet): string[] {
  let list = lists.get(set);
  if (!list) {
    const texts: string[] = [];
    for (const [name, reach] of set) {
      if (reach === 'all') texts.push(name);
      else
        for (const kind of FILTER_KINDS) for (const value of reach[kind] ?? []) texts.push(`${name}!${kind}=${value}`);
    }
    list = texts.sort();
    lists.set(set, list);
  }
  return [...list];
}
