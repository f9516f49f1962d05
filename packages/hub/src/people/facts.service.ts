import { scopeList } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { type MembershipSource, membershipsOf } from '../groups/groups.service.ts';
import { type Access, judge, reasonOf } from '../login/allow.ts';
import { rolesInForce } from '../roles/roles.service.ts';
import { countSessionsOf } from '../sessions/sessions.service.ts';
import { describeScope, listTokens, scopesOfPrincipal } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { normaliseUserName, type User } from '../users/users.service.ts';

/** What an administrator wants to know of one person beside the account itself. */
export interface PersonFacts {
  groups: { name: string; sources: MembershipSource[] }[];
  roles: { name: string; description: string; from: string[] }[];
  scopes: { scope: string; words: string }[];
  access: Access & { because: string };
  sessions: number;
  tokens: number;
}

export async function factsOf(ctx: AppContext, user: User): Promise<PersonFacts> {
  const principal = asUser(user);
  const access = judge(ctx, user.name, user);
  const [groups, held, sessions, tokens] = await Promise.all([
    membershipsOf(ctx, user),
    scopesOfPrincipal(ctx, principal),
    countSessionsOf(ctx, user.id),
    listTokens(ctx, principal),
  ]);
  return {
    groups,
    roles: rolesInForce(ctx.roles, principal).map((name) => ({
      name,
      description: ctx.roles.find(name)?.description ?? '',
      from: originsOf(ctx, user, name),
    })),
    scopes: scopeList(held).map((scope) => ({ scope, words: describeScope(scope, ctx.roles.customScopes) })),
    access: { ...access, because: because(access) },
    sessions,
    tokens: tokens.length,
  };
}

/** The sentence of the rule that decides. */
function because(access: Access): string {
  if (!access.allowed) return reasonOf(access);
  return access.rules.find(({ outcome }) => outcome === 'allows')?.detail ?? '';
}

/** Who or what gave somebody a role. */
function originsOf(ctx: AppContext, user: User, role: string): string[] {
  const named = ctx.config.roles
    .filter(({ name }) => name === role)
    .some(({ users }) => users.some((name) => normaliseUserName(name) === user.name));
  const own = ctx.roles.of(asUser(user)).includes(role);
  const origins = [
    ...(role === 'user' ? ['everybody'] : []),
    ...(role === 'admin' && user.admin ? ['administrator'] : []),
    ...(named ? ['configuration'] : []),
  ];
  // What is theirs and stands nowhere else was taken over with the account.
  if (own && origins.length === 0) origins.push('import');
  const groups = user.groups.filter((group) => ctx.roles.ofGroup(group).includes(role));
  return [...origins, ...groups.map((group) => `group ${group}`)];
}
