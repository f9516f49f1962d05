import { randomBytes } from 'node:crypto';
import type { QueryInput } from '../services/query-service.ts';
import { ApiError } from '../services/service.ts';

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** An id in IAM's form: the prefix says what it names (`AROA` a role, `AIPA` an instance profile). */
export const uniqueId = (prefix: string): string =>
  prefix + Array.from(randomBytes(17), (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('');

/** A name of a role, profile or policy, refused as IAM refuses it. */
export function nameOf(input: QueryInput, parameter: string, longest: number): string {
  const name = String(input[parameter] ?? '');
  if (!/^[\w+=,.@-]+$/.test(name))
    throw new ApiError(
      'ValidationError',
      `The specified value for ${parameter} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
    );
  if (name.length > longest)
    throw new ApiError(
      'ValidationError',
      `1 validation error detected: Value at '${parameter}' failed to satisfy constraint: Member must have length less than or equal to ${longest}`,
    );
  return name;
}

/** The path of a new role or profile. */
export function pathOf(input: QueryInput): string {
  const path = String(input.Path ?? '/');
  if (!/^\/([\x21-\x7e]+\/)?$/.test(path))
    throw new ApiError('ValidationError', 'The specified value for path is invalid. It must begin and end with /');
  return path;
}

/** `Tags.member.N` of a create or tag call. */
export function tagsOf(input: QueryInput): Map<string, string> {
  const list = Array.isArray(input.Tags) ? (input.Tags as { Key?: string; Value?: string }[]) : [];
  const tags = new Map<string, string>();
  for (const { Key = '', Value = '' } of list) {
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(Key) || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(Value))
      throw new ApiError('ValidationError', `The tag ${Key} has characters or a length that IAM does not allow`);
    if (tags.has(Key))
      throw new ApiError('InvalidInput', 'Duplicate tag keys found. Please note that Tag keys are case insensitive.');
    tags.set(Key, Value);
  }
  return tags;
}

/** A policy document given as JSON text; IAM checks its form, not its sense. */
export function policyText(input: QueryInput, parameter: string): string {
  const text = String(input[parameter] ?? '');
  let document: { Statement?: unknown };
  try {
    document = JSON.parse(text) as typeof document;
  } catch {
    throw new ApiError('MalformedPolicyDocument', 'This policy contains invalid Json');
  }
  const statements = [document.Statement ?? []].flat() as Record<string, unknown>[];
  if (statements.length === 0) throw new ApiError('MalformedPolicyDocument', 'Syntax errors in policy: no Statement.');
  for (const statement of statements) {
    if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny')
      throw new ApiError('MalformedPolicyDocument', 'Syntax errors in policy: Effect must be Allow or Deny.');
    if (!statement.Action && !statement.NotAction)
      throw new ApiError('MalformedPolicyDocument', 'Policy statement must contain actions.');
    const named = parameter === 'PolicyDocument' ? (statement.Resource ?? statement.NotResource) : statement.Principal;
    if (!named)
      throw new ApiError(
        'MalformedPolicyDocument',
        parameter === 'PolicyDocument'
          ? 'Policy statement must contain resources.'
          : 'AssumeRole policy must contain a Principal.',
      );
    if (parameter === 'PolicyDocument' && statement.Principal)
      throw new ApiError('MalformedPolicyDocument', 'Policy document should not specify a principal.');
  }
  return text;
}
