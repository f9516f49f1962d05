import { isThere, orGone } from '../aws/errors.ts';
import type { ClusterConfig } from '../config.ts';
import { ownerOf, type Part, type Scene } from '../engine/part.ts';
import { managerPolicy, TRUST_EC2 } from '../policies/manager.ts';
import type { PolicyDocument } from '../policies/policy.ts';
import { TAG, tagOf, tagsOf } from '../tags.ts';

export const POLICY_NAME = 'atrium-manager';

/** Name of the manager's role and instance profile. */
export const roleName = (scene: Pick<Scene, 'config'>): string => `atrium-${scene.config.name}-manager`;
const pathOf = (scene: Scene) => `/atrium/${scene.config.name}/`;

/** The manager's role with its one policy, and the profile by which a machine gets it; or a profile made by others. */
export function roleParts(config: ClusterConfig): Part[] {
  const given = config.manager.instanceProfile;
  return given === undefined ? [role, profile] : [adoptedProfile(given)];
}

const role: Part = {
  part: 'role',
  title: "the manager's rights (role)",
  async look(scene) {
    const iam = await scene.aws.iam();
    const RoleName = roleName(scene);
    const found = (await orGone(iam.getRole({ RoleName })))?.Role;
    if (!found) return { state: 'absent' };
    if (!scene.owner || tagOf(found, TAG.clusterId) !== scene.owner.id) {
      return { state: 'blocked', note: `a role ${RoleName} is there, and not this cluster's` };
    }
    const policy = await orGone(iam.getRolePolicy({ RoleName, PolicyName: POLICY_NAME }));
    if (!policy) return { state: 'differs', id: RoleName, note: 'it has no policy' };
    const isSame = sameDocument(decodeURIComponent(policy.PolicyDocument!), managerPolicy(factsOf(scene)));
    return isSame ? { state: 'same', id: RoleName } : { state: 'differs', id: RoleName, note: 'other rights' };
  },
  async make(scene, seen) {
    const iam = await scene.aws.iam();
    const RoleName = roleName(scene);
    if (seen.state === 'absent') {
      const Tags = tagsOf(ownerOf(scene), 'role', 'role') as { Key: string; Value: string }[];
      await iam
        .createRole({ RoleName, Path: pathOf(scene), AssumeRolePolicyDocument: JSON.stringify(TRUST_EC2), Tags })
        .catch(ignoreThere);
      return;
    }
    const PolicyDocument = JSON.stringify(managerPolicy(factsOf(scene)));
    await iam.putRolePolicy({ RoleName, PolicyName: POLICY_NAME, PolicyDocument });
  },
};

const profile: Part = {
  part: 'profile',
  title: "the manager's rights (instance profile)",
  async look(scene) {
    const iam = await scene.aws.iam();
    const InstanceProfileName = roleName(scene);
    const found = (await orGone(iam.getInstanceProfile({ InstanceProfileName })))?.InstanceProfile;
    if (!found) return { state: 'absent' };
    if (!scene.owner || tagOf(found, TAG.clusterId) !== scene.owner.id) {
      return { state: 'blocked', note: `an instance profile ${InstanceProfileName} is there, and not this cluster's` };
    }
    if (!found.Roles?.length) return { state: 'differs', id: InstanceProfileName, note: 'it has no role' };
    return { state: 'same', id: InstanceProfileName };
  },
  async make(scene, seen) {
    const iam = await scene.aws.iam();
    const InstanceProfileName = roleName(scene);
    if (seen.state === 'absent') {
      const Tags = tagsOf(ownerOf(scene), 'profile', 'role') as { Key: string; Value: string }[];
      await iam.createInstanceProfile({ InstanceProfileName, Path: pathOf(scene), Tags }).catch(ignoreThere);
      return;
    }
    await iam.addRoleToInstanceProfile({ InstanceProfileName, RoleName: roleName(scene) });
  },
};

const adoptedProfile = (name: string): Part => ({
  part: 'profile',
  title: `instance profile ${name}`,
  async look({ aws }) {
    const found = await orGone((await aws.iam()).getInstanceProfile({ InstanceProfileName: name }));
    if (!found?.InstanceProfile) return { state: 'blocked', note: `there is no instance profile ${name}` };
    if (!found.InstanceProfile.Roles?.length) return { state: 'blocked', note: 'it has no role' };
    return { state: 'same', id: name, adopted: true };
  },
  make: async () => {},
});

/** What the manager's policy is about. */
export function factsOf(scene: Scene) {
  return {
    owner: ownerOf(scene),
    region: scene.region,
    account: scene.account,
    types: [...new Set(scene.config.profiles.flatMap(({ types }) => types))],
    workerRoles: [] as string[],
  };
}

const ignoreThere = (error: unknown) => {
  if (!isThere(error)) throw error;
};

function sameDocument(text: string, wanted: PolicyDocument): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(wanted);
  } catch {
    return false;
  }
}
