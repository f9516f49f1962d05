import type { ServiceRow } from '../services/services.service.ts';
import type { User } from './users.service.ts';

/** Who can hold tokens, roles and scopes: a person, or a service. */
export type Principal = { kind: 'user'; user: User } | { kind: 'service'; service: ServiceRow };

export const asUser = (user: User): Principal => ({ kind: 'user', user });
export const asService = (service: ServiceRow): Principal => ({ kind: 'service', service });

/** Their own name; a person and a service may have the same one. */
export function principalName(principal: Principal): string {
  return principal.kind === 'user' ? principal.user.name : principal.service.name;
}

/** For logs, notes and "who did this": `ada`, or `service grader`, which no person's server is taken to be owned by. */
export function actorName(principal: Principal): string {
  return principal.kind === 'user' ? principal.user.name : `service ${principal.service.name}`;
}

export function isAdmin(principal: Principal): boolean {
  return principal.kind === 'user' ? principal.user.admin : principal.service.admin;
}

export function samePrincipal(a: Principal, b: Principal): boolean {
  if (a.kind === 'user') return b.kind === 'user' && a.user.id === b.user.id;
  return b.kind === 'service' && a.service.id === b.service.id;
}
