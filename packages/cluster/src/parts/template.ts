import type { RequestLaunchTemplateData } from '@aws-sdk/client-ec2';
import { isThere, orGone } from '../aws/errors.ts';
import { type ClusterConfig, ClusterError } from '../config.ts';
import { idOf, type Look, notFound, ownerOf, type Part, remember, type Scene } from '../engine/part.ts';
import { digest, ourPart, TAG, tagged, tagOf, tagsOf, tokenFor } from '../tags.ts';

/** What people's machines are launched from. Every change is a new version; machines name the version they want. */
export function templateParts(config: ClusterConfig): Part[] {
  return [template(config)];
}

const nameOf = (scene: Scene) => `atrium-${scene.config.name}-worker`;

const template = (config: ClusterConfig): Part => ({
  part: 'launch-template',
  title: "template of people's machines",
  async look(scene): Promise<Look> {
    const ec2 = await scene.aws.ec2();
    if (!scene.owner) return blockedByNamesake(scene);
    const { LaunchTemplates = [] } = await ec2.describeLaunchTemplates({
      Filters: ourPart(scene.owner, 'launch-template'),
    });
    const [found] = LaunchTemplates;
    if (!found) {
      const blocked = await blockedByNamesake(scene);
      return blocked.state === 'blocked' ? blocked : notFound(scene, 'launch-template');
    }
    const id = found.LaunchTemplateId!;
    if (!scene.ids.has('image')) return { state: 'differs', id, note: 'its image is new' };
    const { LaunchTemplateVersions = [] } = await ec2.describeLaunchTemplateVersions({ LaunchTemplateId: id });
    const wanted = digest(JSON.stringify(dataFor(scene, config)));
    const version = LaunchTemplateVersions.find(({ VersionDescription }) => VersionDescription === wanted);
    if (!version) return { state: 'differs', id, note: 'needs a new version' };
    if (!version.DefaultVersion)
      return { state: 'differs', id, note: `version ${version.VersionNumber} is not the one in use` };
    return { state: 'same', id, note: `version ${version.VersionNumber}` };
  },
  async make(scene, seen) {
    const ec2 = await scene.aws.ec2();
    const owner = ownerOf(scene);
    const LaunchTemplateData = dataFor(scene, config);
    const VersionDescription = digest(JSON.stringify(LaunchTemplateData));
    if (seen.state === 'differs') {
      const { LaunchTemplateVersions = [] } = await ec2.describeLaunchTemplateVersions({ LaunchTemplateId: seen.id });
      let number = LaunchTemplateVersions.find((each) => each.VersionDescription === VersionDescription)?.VersionNumber;
      if (number === undefined) {
        const made = await ec2.createLaunchTemplateVersion({
          LaunchTemplateId: seen.id,
          VersionDescription,
          LaunchTemplateData,
          ClientToken: tokenFor(owner, 'version', VersionDescription, LaunchTemplateVersions.length),
        });
        number = made.LaunchTemplateVersion?.VersionNumber;
        return;
      }
      await ec2.modifyLaunchTemplate({ LaunchTemplateId: seen.id, DefaultVersion: String(number) });
      return;
    }
    const made = await ec2
      .createLaunchTemplate({
        LaunchTemplateName: nameOf(scene),
        VersionDescription,
        LaunchTemplateData,
        ClientToken: tokenFor(owner, 'launch-template', VersionDescription),
        TagSpecifications: tagged('launch-template', tagsOf(owner, 'launch-template', 'launch-template')),
      })
      .catch((error: unknown) => {
        if (!isThere(error)) throw error;
        return undefined;
      });
    if (made) remember(scene, 'launch-template', made.LaunchTemplate?.LaunchTemplateId);
    else if ((await blockedByNamesake(scene)).state === 'blocked') {
      throw new ClusterError(`A launch template ${nameOf(scene)} is there, and not this cluster's.`);
    }
  },
});

async function blockedByNamesake(scene: Scene): Promise<Look> {
  const ec2 = await scene.aws.ec2();
  const found = await orGone(ec2.describeLaunchTemplates({ LaunchTemplateNames: [nameOf(scene)] }));
  const same = found?.LaunchTemplates?.[0];
  if (!same || (scene.owner && tagOf(same, TAG.clusterId) === scene.owner.id)) return { state: 'absent' };
  return { state: 'blocked', note: `a launch template ${nameOf(scene)} is there, and not this cluster's` };
}

/**
 * Without a security group: the spawner names it at each launch, for AWS refuses a template's group beside a launch's own
 * network interface. Metadata needs a session (no request forged by a page gets there), the root disk is
 * encrypted and goes with the machine.
 */
function dataFor(scene: Scene, config: ClusterConfig): RequestLaunchTemplateData {
  const type = config.profiles[0]?.types[0] ?? 't3.medium';
  return {
    ImageId: idOf(scene, 'image'),
    InstanceType: type as never,
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, InstanceMetadataTags: 'enabled' },
    InstanceInitiatedShutdownBehavior: 'stop',
  };
}
