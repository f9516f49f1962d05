import type { AuthRequest } from '../services/index.ts';
import { conditionsHold, type Lookup } from './conditions.ts';
import { type PolicyInput, type Statement, statementsOf } from './document.ts';
import { matches, withVariables } from './match.ts';

export { type Policy, type PolicyInput, type Statement, statementsOf } from './document.ts';
export { ec2Authorizations } from './ec2-authorizations.ts';

/** `implicit`: no statement speaks of it, which refuses it too. */
export type Verdict = 'allowed' | 'denied' | 'implicit';

/** What a policy, or several together, say to one request. Throws when a policy is not well-formed. */
export function evaluate(policies: PolicyInput | PolicyInput[], request: AuthRequest): Verdict {
  const lookup = lookupOf(request);
  const fitting = [policies]
    .flat()
    .flatMap((policy) => statementsOf(policy))
    .filter((statement) => applies(statement, request, lookup));
  if (fitting.some(({ Effect }) => Effect === 'Deny')) return 'denied';
  return fitting.length > 0 ? 'allowed' : 'implicit';
}

/** The requests of a call that the policies do not allow; empty when the call may go through. */
export function refused(policies: PolicyInput | PolicyInput[], requests: AuthRequest[]): AuthRequest[] {
  return requests.filter((request) => evaluate(policies, request) !== 'allowed');
}

/** Condition keys are not case-sensitive. */
function lookupOf(request: AuthRequest): Lookup {
  const context = new Map(Object.entries(request.context).map(([key, value]) => [key.toLowerCase(), [value].flat()]));
  return (key) => context.get(key.toLowerCase());
}

function applies(statement: Statement, request: AuthRequest, lookup: Lookup): boolean {
  const names = (patterns: string | string[]): boolean =>
    [patterns].flat().some((pattern) => matches(pattern, request.action, { ignoreCase: true }));
  const covers = (patterns: string | string[]): boolean =>
    [patterns]
      .flat()
      .map((pattern) => withVariables(pattern, lookup))
      .some((pattern) => pattern !== undefined && matches(pattern, request.resource));
  const actionFits = statement.Action === undefined ? !names(statement.NotAction ?? []) : names(statement.Action);
  if (!actionFits) return false;
  const resourceFits =
    statement.Resource === undefined ? !covers(statement.NotResource ?? []) : covers(statement.Resource);
  return resourceFits && conditionsHold(statement.Condition, lookup);
}
