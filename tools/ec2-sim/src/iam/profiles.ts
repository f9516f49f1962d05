import type { QueryAction } from '../services/query-service.ts';
import { ApiError, type ServiceContext } from '../services/service.ts';
import type { XmlValue } from '../services/xml.ts';
import { nameOf, pathOf, tagsOf, uniqueId } from './names.ts';
import { PAGING, pageAs } from './pages.ts';
import { byName, showRole, tagList } from './roles.ts';
import { type IamState, type InstanceProfile, profileNamed, roleNamed } from './state.ts';

/** The actions on instance profiles: the wrapper through which EC2 gets a role. */
export function profileActions(state: IamState, context: ServiceContext): Record<string, QueryAction> {
  const show = (profile: InstanceProfile): XmlValue => ({
    Path: profile.path,
    InstanceProfileName: profile.name,
    InstanceProfileId: profile.id,
    Arn: profile.arn,
    CreateDate: new Date(profile.created).toISOString(),
    Roles: profile.role ? { member: [showRole(roleNamed(state, profile.role), false)] } : {},
    Tags: profile.tags.size > 0 ? tagList(profile.tags) : undefined,
  });
  return {
    CreateInstanceProfile: {
      parameters: ['InstanceProfileName!', 'Path', 'Tags'],
      run(input) {
        const name = nameOf(input, 'InstanceProfileName', 128);
        const path = pathOf(input);
        const tags = tagsOf(input);
        if (state.profiles.has(name))
          throw new ApiError('EntityAlreadyExists', `Instance Profile ${name} already exists.`, 409);
        const now = context.clock.now();
        const profile: InstanceProfile = {
          name,
          id: uniqueId('AIPA'),
          path,
          arn: `arn:aws:iam::${context.accountId}:instance-profile${path}${name}`,
          created: now,
          changed: now,
          tags,
        };
        state.profiles.set(name, profile);
        return { InstanceProfile: show(profile) };
      },
    },
    GetInstanceProfile: {
      parameters: ['InstanceProfileName!'],
      run: (input) => ({ InstanceProfile: show(profileNamed(state, nameOf(input, 'InstanceProfileName', 128))) }),
    },
    ListInstanceProfiles: {
      parameters: ['PathPrefix', ...PAGING],
      run(input) {
        const prefix = String(input.PathPrefix ?? '/');
        const found = [...state.profiles.values()].filter((profile) => profile.path.startsWith(prefix));
        return pageAs('InstanceProfiles', found.sort(byName), input, show);
      },
    },
    ListInstanceProfilesForRole: {
      parameters: ['RoleName!', ...PAGING],
      run(input) {
        const role = roleNamed(state, nameOf(input, 'RoleName', 64));
        const found = [...state.profiles.values()].filter((profile) => profile.role === role.name);
        return pageAs('InstanceProfiles', found.sort(byName), input, show);
      },
    },
    TagInstanceProfile: {
      parameters: ['InstanceProfileName!', 'Tags!'],
      run(input) {
        const profile = profileNamed(state, nameOf(input, 'InstanceProfileName', 128));
        for (const [key, value] of tagsOf(input)) profile.tags.set(key, value);
        return undefined;
      },
    },
    AddRoleToInstanceProfile: {
      parameters: ['InstanceProfileName!', 'RoleName!'],
      run(input) {
        const profile = profileNamed(state, nameOf(input, 'InstanceProfileName', 128));
        const role = roleNamed(state, nameOf(input, 'RoleName', 64));
        if (profile.role)
          throw new ApiError('LimitExceeded', 'Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1', 409);
        profile.role = role.name;
        profile.changed = context.clock.now();
        return undefined;
      },
    },
    RemoveRoleFromInstanceProfile: {
      parameters: ['InstanceProfileName!', 'RoleName!'],
      run(input) {
        const profile = profileNamed(state, nameOf(input, 'InstanceProfileName', 128));
        const role = nameOf(input, 'RoleName', 64);
        if (profile.role !== role)
          throw new ApiError('NoSuchEntity', `The role with name ${role} is not in ${profile.name}.`, 404);
        delete profile.role;
        profile.changed = context.clock.now();
        return undefined;
      },
    },
    DeleteInstanceProfile: {
      parameters: ['InstanceProfileName!'],
      run(input) {
        const profile = profileNamed(state, nameOf(input, 'InstanceProfileName', 128));
        if (profile.role)
          throw new ApiError(
            'DeleteConflict',
            'Cannot delete entity, must remove roles from instance profile first.',
            409,
          );
        state.profiles.delete(profile.name);
        return undefined;
      },
    },
  };
}
