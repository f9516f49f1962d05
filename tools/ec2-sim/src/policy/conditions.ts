import type { ConditionValue, Statement } from './document.ts';
import { matches, matchesArn, withVariables } from './match.ts';

export type Lookup = (key: string) => string[] | undefined;

type Compare = (has: string, wants: string) => boolean;

const number = (compare: (a: number, b: number) => boolean): Compare => {
  return (has, wants) => !Number.isNaN(Number(has)) && compare(Number(has), Number(wants));
};
const date = (compare: (a: number, b: number) => boolean): Compare => {
  return (has, wants) => compare(Date.parse(has), Date.parse(wants));
};
const same: Compare = (has, wants) => has === wants;
const sameText: Compare = (has, wants) => has.toLowerCase() === wants.toLowerCase();

/** Operators by name; the negated ones are true when the plain one is not. */
const OPERATORS: Record<string, Compare> = {
  StringEquals: same,
  StringEqualsIgnoreCase: sameText,
  StringLike: (has, wants) => matches(wants, has),
  ArnEquals: (has, wants) => matchesArn(wants, has),
  ArnLike: (has, wants) => matchesArn(wants, has),
  Bool: sameText,
  NumericEquals: number((a, b) => a === b),
  NumericLessThan: number((a, b) => a < b),
  NumericLessThanEquals: number((a, b) => a <= b),
  NumericGreaterThan: number((a, b) => a > b),
  NumericGreaterThanEquals: number((a, b) => a >= b),
  DateEquals: date((a, b) => a === b),
  DateLessThan: date((a, b) => a < b),
  DateLessThanEquals: date((a, b) => a <= b),
  DateGreaterThan: date((a, b) => a > b),
  DateGreaterThanEquals: date((a, b) => a >= b),
};
const NEGATED: Record<string, Compare> = {
  StringNotEquals: same,
  StringNotEqualsIgnoreCase: sameText,
  StringNotLike: OPERATORS.StringLike as Compare,
  ArnNotEquals: OPERATORS.ArnEquals as Compare,
  ArnNotLike: OPERATORS.ArnLike as Compare,
  NumericNotEquals: OPERATORS.NumericEquals as Compare,
  DateNotEquals: OPERATORS.DateEquals as Compare,
};

/** Whether every condition of a statement holds. Throws for an operator that is not known. */
export function conditionsHold(conditions: Statement['Condition'], lookup: Lookup): boolean {
  return Object.entries(conditions ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => holds(operator, key, [values].flat(), lookup)),
  );
}

function holds(written: string, key: string, values: ConditionValue[], lookup: Lookup): boolean {
  const [, set, bare = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(written) ?? [];
  const has = lookup(key);
  if (bare === 'Null') return values.some((value) => String(value) === String(has === undefined));
  const plain = OPERATORS[bare];
  const compare = plain ?? NEGATED[bare];
  if (!compare) throw new Error(`The policy has an unknown condition operator ${written}`);
  if (has === undefined) {
    if (set === 'ForAllValues' || ifExists) return true;
    return set === 'ForAnyValue' ? false : plain === undefined;
  }
  if (!set && has.length > 1)
    throw new Error(`${key} has several values: the policy needs ForAllValues or ForAnyValue before ${written}`);
  const wanted = values
    .map((value) => withVariables(String(value), lookup))
    .filter((value): value is string => value !== undefined);
  const fits = (value: string): boolean => {
    const found = wanted.some((want) => compare(value, want));
    return plain ? found : !found;
  };
  return set === 'ForAnyValue' ? has.some(fits) : has.every(fits);
}
