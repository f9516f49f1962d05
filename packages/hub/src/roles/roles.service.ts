import { ADMIN_SCOPES, type CustomScopes, HubError, makeCustomScopes } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import type { Principal } from '../users/principal.ts';
import { normaliseUserName } from '../users/users.service.ts';
import { listStoredMembers, listStoredRoles } from './roles.repo.ts';

export interface Role {
  name: string;
  description: string;
  /** As written: unexpanded. */
  scopes: readonly string[];
}

/** The roles that every installation has (contract §4.4). All but `admin` may be given other scopes. */
export const DEFAULT_ROLES: readonly Role[] = [
  { name: 'admin', description: 'Everything an administrator may do', scopes: ADMIN_SCOPES },
  { name: 'user', description: 'What everybody may do with their own account', scopes: ['self'] },
  {
    name: 'server',
    description: "What a running server's own token may do",
    scopes: ['users:activity!user', 'access:servers!server'],
  },
  { name: 'token', description: 'What a token may do that is made without saying what', scopes: ['inherit'] },
];

/**
 * Every role and who has it: of the configuration, and of the database what came from elsewhere. Read once, when the
 * hub is opened, because every request asks; who is in which group is not in here and is always looked at anew.
 */
export interface RoleBook {
  readonly customScopes: CustomScopes;
  find(name: string): Role | undefined;
  /** By name. */
  list(): Role[];
  /** The roles somebody has of their own, without those of their groups. */
  of(principal: Principal): readonly string[];
  ofGroup(name: string): readonly string[];
}

type Members = Map<string, string[]>;

/** Reads the configuration and the database. A stored scope that does not exist any more gives nothing. */
export async function openRoles({ config, db }: Pick<AppContext, 'config' | 'db'>): Promise<RoleBook> {
  const roles = new Map(DEFAULT_ROLES.map((role) => [role.name, role]));
  for (const role of await listStoredRoles(db)) if (role.name !== 'admin') roles.set(role.name, role);
  for (const { name, description, scopes } of config.roles) {
    const before = roles.get(name);
    roles.set(name, {
      name,
      description: description || (before?.description ?? ''),
      scopes: scopes ?? before?.scopes ?? [],
    });
  }
  const { extraUserScopes } = config;
  const everybody = roles.get('user');
  if (everybody) roles.set('user', { ...everybody, scopes: unique([...everybody.scopes, ...extraUserScopes]) });
  const ids: Members = new Map();
  const users: Members = new Map();
  const groups: Members = new Map();
  const services: Members = new Map();
  const give = (members: Members, member: string, role: string) => {
    const held = members.get(member) ?? [];
    if (!held.includes(role)) members.set(member, [...held, role].sort());
  };
  for (const { name, ...members } of config.roles) {
    for (const user of members.users) give(users, normaliseUserName(user), name);
    for (const group of members.groups) give(groups, group, name);
    for (const service of members.services) give(services, service, name);
  }
  for (const { role, kind, member } of await listStoredMembers(db)) {
    give(kind === 'user' ? ids : kind === 'group' ? groups : services, member, role);
  }

  const NONE: readonly string[] = [];
  function of(principal: Principal): readonly string[] {
    if (principal.kind === 'service') {
      const { name, admin } = principal.service;
      return unique([...(admin ? ['admin'] : NONE), ...(services.get(name) ?? NONE)]);
    }
    const { id, name, admin } = principal.user;
    return unique([
      ...(admin ? ['admin'] : NONE),
      'user',
      ...(users.get(name) ?? NONE),
      ...(ids.get(String(id)) ?? NONE),
    ]);
  }
  return {
    customScopes: makeCustomScopes(config.customScopes),
    find: (name) => roles.get(name),
    list: () => [...roles.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    of,
    ofGroup: (name) => groups.get(name) ?? NONE,
  };
}

const unique = (names: readonly string[]) => [...new Set(names)];

/** Their own roles and those of the groups they are in. */
export function rolesInForce(book: RoleBook, principal: Principal): readonly string[] {
  const own = book.of(principal);
  if (principal.kind === 'service') return own;
  const more = principal.user.groups.flatMap((group) => book.ofGroup(group));
  return more.length === 0 ? own : unique([...own, ...more]);
}

/** @throws HubError `bad_request` for an unknown role. */
export function scopesOfRoles(book: RoleBook, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const role = book.find(name);
    if (!role) throw new HubError('bad_request', `Role ${name} does not exist`);
    return role.scopes;
  });
}
