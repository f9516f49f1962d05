/** One statement of an IAM policy. A single value may stand for a list everywhere. */
export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Action?: string | string[];
  NotAction?: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  /** Operator to key to values. */
  Condition?: Record<string, Record<string, ConditionValue | ConditionValue[]>>;
}

export type ConditionValue = string | number | boolean;

export interface Policy {
  Version?: string;
  Id?: string;
  Statement: Statement | Statement[];
}

/** A policy as it may be given: an object or its JSON. */
export type PolicyInput = string | { Version?: string; Statement: unknown };

const MEMBERS = new Set(['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']);

/** Statements of a policy given as an object or as JSON. Throws for what IAM would not take. */
export function statementsOf(policy: PolicyInput): Statement[] {
  const { Statement } = (typeof policy === 'string' ? JSON.parse(policy) : policy) as Policy;
  const statements = [Statement ?? []].flat();
  if (statements.length === 0) throw new Error('The policy has no statement');
  for (const statement of statements) {
    const place = `Statement ${statement.Sid ?? JSON.stringify(statement)}`;
    const unknown = Object.keys(statement).find((key) => !MEMBERS.has(key));
    if (unknown) throw new Error(`${place} has an unknown member ${unknown}`);
    if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') throw new Error(`${place} has no Effect`);
    if ((statement.Action === undefined) === (statement.NotAction === undefined))
      throw new Error(`${place} needs Action or NotAction`);
    if ((statement.Resource === undefined) === (statement.NotResource === undefined))
      throw new Error(`${place} needs Resource or NotResource`);
  }
  return statements;
}
