import type { LaunchTemplateSpecification, RunInstancesCommandInput, TagSpecification } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { isVisible, type SimTemplate, type World } from '../world.ts';
import { find, KINDS } from './find.ts';

/** The data of the template a call names, or undefined. Throws EC2's refusals for missing ones. */
export function templateData(
  world: World,
  spec: LaunchTemplateSpecification | undefined,
): RunInstancesCommandInput | undefined {
  if (!spec) return undefined;
  const template = findTemplate(world, spec);
  const wanted = spec.Version ?? '$Default';
  const number =
    wanted === '$Default' ? template.defaultVersion : wanted === '$Latest' ? template.latestVersion : Number(wanted);
  const version = template.versions.get(number);
  if (!version) {
    throw new ApiError(
      'InvalidLaunchTemplateId.VersionNotFound',
      `Could not find the specified version ${wanted} for the launch template with ID ${template.id}.`,
    );
  }
  return version.LaunchTemplateData as unknown as RunInstancesCommandInput;
}

export function findTemplate(
  world: World,
  by: { LaunchTemplateId?: string | undefined; LaunchTemplateName?: string | undefined },
): SimTemplate {
  const { LaunchTemplateId: id, LaunchTemplateName: name } = by;
  if (id && name)
    throw new ApiError('InvalidParameterCombination', 'Give the launch template by id or by name, not both');
  if (id) return find(world, world.templates, id, KINDS.template);
  const found = [...world.templates.values()].find((one) => one.name === name && isVisible(world, one));
  if (found) return found;
  throw new ApiError(
    'InvalidLaunchTemplateName.NotFoundException',
    `The specified launch template, with template name ${name}, does not exist.`,
  );
}

/** The call's own parameters win; tag specifications of the call replace those of the template for the same resource type. */
export function mergeTemplate(
  input: RunInstancesCommandInput,
  data: RunInstancesCommandInput | undefined,
): RunInstancesCommandInput {
  if (!data) return input;
  const { LaunchTemplate: _, ...own } = input;
  const merged: RunInstancesCommandInput = { ...data, ...own };
  for (const key of ['MetadataOptions', 'Placement'] as const) {
    if (data[key] && own[key]) Object.assign(merged, { [key]: { ...data[key], ...own[key] } });
  }
  const tags = mergeTags(data.TagSpecifications, own.TagSpecifications);
  if (tags.length > 0) merged.TagSpecifications = tags;
  return merged;
}

/**
 * The call's specification for a type of resource stands in the place of the template's. AWS does not say whether tags are
 * put together instead; code that relies on neither works with both.
 */
export function mergeTags(template: TagSpecification[] = [], call: TagSpecification[] = []): TagSpecification[] {
  const named = new Set(call.map(({ ResourceType }) => ResourceType));
  return [...call, ...template.filter(({ ResourceType }) => !named.has(ResourceType))];
}
