import type { QueryAction } from '../services/query-service.ts';
import { ApiError } from '../services/service.ts';
import { nameOf, policyText } from './names.ts';
import { PAGING, pageAs } from './pages.ts';
import { type IamState, roleNamed } from './state.ts';

/** The inline policies of one role may hold this many characters together, white space not counted. */
const INLINE_LIMIT = 10_240;

/** Inline and attached policies of roles. */
export function rolePolicyActions(state: IamState): Record<string, QueryAction> {
  const policyOf = (role: string, name: string): string => {
    const text = roleNamed(state, role).policies.get(name);
    if (text === undefined)
      throw new ApiError('NoSuchEntity', `The role policy with name ${name} cannot be found.`, 404);
    return text;
  };
  return {
    PutRolePolicy: {
      parameters: ['RoleName!', 'PolicyName!', 'PolicyDocument!'],
      run(input) {
        const role = roleNamed(state, nameOf(input, 'RoleName', 64));
        const name = nameOf(input, 'PolicyName', 128);
        const text = policyText(input, 'PolicyDocument');
        const others = [...role.policies].filter(([other]) => other !== name).map(([, document]) => document);
        const size = [...others, text].reduce((sum, document) => sum + document.replace(/\s/g, '').length, 0);
        if (size > INLINE_LIMIT)
          throw new ApiError(
            'LimitExceeded',
            `Maximum policy size of ${INLINE_LIMIT} bytes exceeded for role ${role.name}`,
            409,
          );
        role.policies.set(name, text);
        return undefined;
      },
    },
    GetRolePolicy: {
      parameters: ['RoleName!', 'PolicyName!'],
      run(input) {
        const RoleName = nameOf(input, 'RoleName', 64);
        const PolicyName = nameOf(input, 'PolicyName', 128);
        return { RoleName, PolicyName, PolicyDocument: encodeURIComponent(policyOf(RoleName, PolicyName)) };
      },
    },
    ListRolePolicies: {
      parameters: ['RoleName!', ...PAGING],
      run: (input) =>
        pageAs(
          'PolicyNames',
          [...roleNamed(state, nameOf(input, 'RoleName', 64)).policies.keys()].sort(),
          input,
          (name) => name,
        ),
    },
    DeleteRolePolicy: {
      parameters: ['RoleName!', 'PolicyName!'],
      run(input) {
        const role = nameOf(input, 'RoleName', 64);
        const name = nameOf(input, 'PolicyName', 128);
        policyOf(role, name);
        roleNamed(state, role).policies.delete(name);
        return undefined;
      },
    },
    AttachRolePolicy: {
      parameters: ['RoleName!', 'PolicyArn!'],
      run(input) {
        const arn = String(input.PolicyArn);
        if (!/^arn:aws:iam::(aws|\d{12}):policy\//.test(arn))
          throw new ApiError('InvalidInput', `ARN ${arn} is not valid.`);
        roleNamed(state, nameOf(input, 'RoleName', 64)).attached.add(arn);
        return undefined;
      },
    },
    DetachRolePolicy: {
      parameters: ['RoleName!', 'PolicyArn!'],
      run(input) {
        if (!roleNamed(state, nameOf(input, 'RoleName', 64)).attached.delete(String(input.PolicyArn)))
          throw new ApiError('NoSuchEntity', `Policy ${input.PolicyArn} was not found.`, 404);
        return undefined;
      },
    },
    ListAttachedRolePolicies: {
      parameters: ['RoleName!', 'PathPrefix', ...PAGING],
      run: (input) =>
        pageAs(
          'AttachedPolicies',
          [...roleNamed(state, nameOf(input, 'RoleName', 64)).attached].sort(),
          input,
          (arn) => ({ PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn }),
        ),
    },
  };
}
