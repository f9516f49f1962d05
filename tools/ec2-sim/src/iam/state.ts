import { ApiError } from '../services/service.ts';

export interface Role {
  name: string;
  id: string;
  path: string;
  arn: string;
  created: number;
  trust: string;
  description?: string;
  maxSession: number;
  tags: Map<string, string>;
  /** Inline policies by name, as JSON text. */
  policies: Map<string, string>;
  /** ARNs of managed policies. */
  attached: Set<string>;
}

export interface InstanceProfile {
  name: string;
  id: string;
  path: string;
  arn: string;
  created: number;
  tags: Map<string, string>;
  role?: string;
  /** When its role was last added or taken away: EC2 hears of it later. */
  changed: number;
}

export interface IamState {
  roles: Map<string, Role>;
  profiles: Map<string, InstanceProfile>;
}

export function roleNamed(state: IamState, name: string): Role {
  const role = state.roles.get(name);
  if (!role) throw new ApiError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);
  return role;
}

export function profileNamed(state: IamState, name: string): InstanceProfile {
  const profile = state.profiles.get(name);
  if (!profile) throw new ApiError('NoSuchEntity', `Instance Profile ${name} cannot be found.`, 404);
  return profile;
}
