import {
  containsScopes,
  expandScopes,
  IDENTIFY_SCOPES,
  IDENTIFY_SERVICE_SCOPES,
  type ScopeSet,
  unionScopes,
} from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import type { Requester } from '../http/requester.ts';
import { type Principal, principalName } from '../users/principal.ts';
import { presentService } from './present.ts';
import { presentOne } from './users.routes.ts';

/** By set and whose: every service asks this of every visitor, and every script of itself. A set never changes. */
const introduced = new WeakMap<ScopeSet, Map<string, ScopeSet>>();
/** Of one asker: more are people a service has seen long ago. */
const MOST_KNOWN = 500;

/** These scopes, and what is always shown of whoever is introduced: their name, and a person's groups (contract §3.4). */
export function withIdentify(scopes: ScopeSet, principal: Principal): ScopeSet {
  let known = introduced.get(scopes);
  if (!known) {
    known = new Map();
    introduced.set(scopes, known);
  }
  const key = `${principal.kind} ${principalName(principal)}`;
  let all = known.get(key);
  if (!all) {
    const identify =
      principal.kind === 'user'
        ? expandScopes(IDENTIFY_SCOPES, { user: principal.user.name })
        : expandScopes(IDENTIFY_SERVICE_SCOPES, { service: principal.service.name });
    all = containsScopes(scopes, identify) ? scopes : unionScopes(scopes, identify);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, all);
  }
  return all;
}

/** Somebody's model as the requester sees it, who in any case learns who it is. */
export async function presentIdentity(ctx: AppContext, requester: Requester, principal: Principal) {
  const scopes = withIdentify(requester.scopes, principal);
  if (principal.kind === 'service') return presentService(ctx, principal.service, scopes);
  const { admin, groups } = principal.user;
  return { admin, groups, ...(await presentOne(ctx, { ...requester, scopes }, principal.user)) };
}
