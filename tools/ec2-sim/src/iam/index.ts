import { queryService } from '../services/query-service.ts';
import type { Service, ServiceContext } from '../services/service.ts';
import { profileActions } from './profiles.ts';
import { rolePolicyActions } from './role-policies.ts';
import { roleActions } from './roles.ts';
import type { IamState } from './state.ts';

/** What EC2 sees of an instance profile: `fresh` ones it does not know yet. */
export type SeenProfile = { state: 'unknown' | 'fresh' } | { state: 'ready'; arn: string; id: string; roleArn: string };

export interface Iam {
  service: Service;
  /** Looks a profile up by name or ARN as RunInstances does. */
  profile(nameOrArn: string): SeenProfile;
  state: IamState;
}

/** IAM as far as a cluster uses it: roles with their policies, instance profiles. */
export function createIam(context: ServiceContext): Iam {
  const state: IamState = { roles: new Map(), profiles: new Map() };
  const actions = {
    ...roleActions(state, context),
    ...rolePolicyActions(state),
    ...profileActions(state, context),
  };
  return {
    service: queryService('iam', 'https://iam.amazonaws.com/doc/2010-05-08/', actions, context),
    state,
    profile(nameOrArn) {
      const found = nameOrArn.startsWith('arn:')
        ? [...state.profiles.values()].find((profile) => profile.arn === nameOrArn)
        : state.profiles.get(nameOrArn);
      if (!found) return { state: 'unknown' };
      const role = found.role ? state.roles.get(found.role) : undefined;
      if (!role || context.clock.now() - found.changed < context.consistencyMs) return { state: 'fresh' };
      return { state: 'ready', arn: found.arn, id: found.id, roleArn: role.arn };
    },
  };
}
