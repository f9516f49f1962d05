import type { QueryAction } from '../services/query-service.ts';
import { ApiError, type ServiceContext } from '../services/service.ts';
import type { XmlValue } from '../services/xml.ts';
import { nameOf, pathOf, policyText, tagsOf, uniqueId } from './names.ts';
import { PAGING, pageAs } from './pages.ts';
import { type IamState, type Role, roleNamed } from './state.ts';

/** Tags as IAM lists them. */
export const tagList = (tags: Map<string, string>): XmlValue => ({
  member: [...tags].map(([Key, Value]) => ({ Key, Value })),
});

/** A role as answers show it; lists leave the tags out, as IAM does. */
export const showRole = (role: Role, withTags = true): XmlValue => ({
  Path: role.path,
  RoleName: role.name,
  RoleId: role.id,
  Arn: role.arn,
  CreateDate: new Date(role.created).toISOString(),
  AssumeRolePolicyDocument: encodeURIComponent(role.trust),
  Description: role.description,
  MaxSessionDuration: role.maxSession,
  Tags: withTags && role.tags.size > 0 ? tagList(role.tags) : undefined,
});

/** The actions on roles themselves. */
export function roleActions(state: IamState, context: ServiceContext): Record<string, QueryAction> {
  return {
    CreateRole: {
      parameters: ['RoleName!', 'AssumeRolePolicyDocument!', 'Path', 'Description', 'MaxSessionDuration', 'Tags'],
      run(input) {
        const name = nameOf(input, 'RoleName', 64);
        const trust = policyText(input, 'AssumeRolePolicyDocument');
        const path = pathOf(input);
        const tags = tagsOf(input);
        if (state.roles.has(name))
          throw new ApiError('EntityAlreadyExists', `Role with name ${name} already exists.`, 409);
        const role: Role = {
          name,
          id: uniqueId('AROA'),
          path,
          arn: `arn:aws:iam::${context.accountId}:role${path}${name}`,
          created: context.clock.now(),
          trust,
          ...(input.Description === undefined ? {} : { description: String(input.Description) }),
          maxSession: Number(input.MaxSessionDuration ?? 3600),
          tags,
          policies: new Map(),
          attached: new Set(),
        };
        state.roles.set(name, role);
        return { Role: showRole(role) };
      },
    },
    GetRole: {
      parameters: ['RoleName!'],
      run: (input) => ({ Role: showRole(roleNamed(state, nameOf(input, 'RoleName', 64))) }),
    },
    ListRoles: {
      parameters: ['PathPrefix', ...PAGING],
      run(input) {
        const found = [...state.roles.values()].filter((role) => role.path.startsWith(String(input.PathPrefix ?? '/')));
        return pageAs('Roles', found.sort(byName), input, (role) => showRole(role, false));
      },
    },
    UpdateAssumeRolePolicy: {
      parameters: ['RoleName!', 'PolicyDocument!'],
      run(input) {
        const role = roleNamed(state, nameOf(input, 'RoleName', 64));
        role.trust = policyText({ AssumeRolePolicyDocument: input.PolicyDocument }, 'AssumeRolePolicyDocument');
        return undefined;
      },
    },
    TagRole: {
      parameters: ['RoleName!', 'Tags!'],
      run(input) {
        const role = roleNamed(state, nameOf(input, 'RoleName', 64));
        for (const [key, value] of tagsOf(input)) role.tags.set(key, value);
        return undefined;
      },
    },
    ListRoleTags: {
      parameters: ['RoleName!', ...PAGING],
      run: (input) =>
        pageAs('Tags', [...roleNamed(state, nameOf(input, 'RoleName', 64)).tags], input, ([Key, Value]) => ({
          Key,
          Value,
        })),
    },
    DeleteRole: {
      parameters: ['RoleName!'],
      run(input) {
        const role = roleNamed(state, nameOf(input, 'RoleName', 64));
        if ([...state.profiles.values()].some((profile) => profile.role === role.name))
          throw new ApiError(
            'DeleteConflict',
            'Cannot delete entity, must remove roles from instance profile first.',
            409,
          );
        if (role.attached.size > 0)
          throw new ApiError('DeleteConflict', 'Cannot delete entity, must detach all policies first.', 409);
        if (role.policies.size > 0)
          throw new ApiError('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
        state.roles.delete(role.name);
        return undefined;
      },
    },
  };
}

export const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
