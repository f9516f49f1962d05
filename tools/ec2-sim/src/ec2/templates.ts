import type {
  LaunchTemplate,
  LaunchTemplateVersion,
  RequestLaunchTemplateData,
  ResponseLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { newResource, type SimTemplate, tagList, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { checkSpecifications, findAll, KINDS, onceFor, tagsFor } from './find.ts';
import { LAUNCH_PARAMETERS } from './instances.ts';
import { checkUserData } from './launch-spec.ts';
import { paginate } from './paging.ts';
import { findTemplate } from './template-data.ts';

const DATA = LAUNCH_PARAMETERS.split(/\s+/)
  .filter(Boolean)
  .map((path) => `LaunchTemplateData.${path}`)
  .join(' ');

function view(world: World, template: SimTemplate): LaunchTemplate {
  return {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    CreateTime: new Date(template.createdAt),
    CreatedBy: `arn:aws:iam::${world.accountId}:root`,
    DefaultVersionNumber: template.defaultVersion,
    LatestVersionNumber: template.latestVersion,
    Tags: tagList(world, template),
  };
}

const FILTERS: FilterTable<SimTemplate> = {
  'create-time': (t) => new Date(t.createdAt).toISOString(),
  'launch-template-name': (t) => t.name,
};

function addVersion(
  world: World,
  template: SimTemplate,
  data: RequestLaunchTemplateData,
  description: string | undefined,
): LaunchTemplateVersion {
  checkUserData(data.UserData);
  template.latestVersion += 1;
  const version: LaunchTemplateVersion = {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    VersionNumber: template.latestVersion,
    ...(description ? { VersionDescription: description } : {}),
    CreateTime: new Date(world.clock.now()),
    LaunchTemplateData: data as ResponseLaunchTemplateData,
  };
  template.versions.set(template.latestVersion, version);
  return version;
}

function versionNumber(template: SimTemplate, version: string): number {
  if (version === '$Latest') return template.latestVersion;
  if (version === '$Default') return template.defaultVersion;
  return Number(version);
}

const shown = (template: SimTemplate, version: LaunchTemplateVersion): LaunchTemplateVersion => ({
  ...version,
  DefaultVersion: version.VersionNumber === template.defaultVersion,
});

export const templateActions: Action[] = [
  action('CreateLaunchTemplate', {
    parameters: `ClientToken LaunchTemplateName VersionDescription TagSpecifications ${DATA}`,
    run(input, { world }) {
      const template = onceFor(world, 'CreateLaunchTemplate', input.ClientToken, input, () => {
        const { LaunchTemplateName: name = '', LaunchTemplateData: data } = input;
        if (!/^[\w().\-/]{3,128}$/.test(name))
          throw new ApiError('InvalidLaunchTemplateName.MalformedException', `Invalid launch template name '${name}'`);
        if ([...world.templates.values()].some((one) => one.name === name)) {
          throw new ApiError(
            'InvalidLaunchTemplateName.AlreadyExistsException',
            'Launch template name already in use.',
          );
        }
        checkSpecifications(input.TagSpecifications, ['launch-template']);
        const made: SimTemplate = {
          ...newResource(world, 'lt', tagsFor(input.TagSpecifications, 'launch-template')),
          name,
          defaultVersion: 1,
          latestVersion: 0,
          versions: new Map(),
        };
        addVersion(world, made, data ?? {}, input.VersionDescription);
        world.templates.set(made.id, made);
        return made;
      });
      return { LaunchTemplate: view(world, template) };
    },
  }),

  action('CreateLaunchTemplateVersion', {
    parameters: `ClientToken LaunchTemplateId LaunchTemplateName SourceVersion VersionDescription ${DATA}`,
    run(input, { world }) {
      const template = findTemplate(world, input);
      const version = onceFor(world, 'CreateLaunchTemplateVersion', input.ClientToken, input, () => {
        const base = input.SourceVersion
          ? template.versions.get(versionNumber(template, input.SourceVersion))
          : undefined;
        if (input.SourceVersion && !base) {
          throw new ApiError(
            'InvalidLaunchTemplateId.VersionNotFound',
            `Could not find the specified version ${input.SourceVersion}`,
          );
        }
        const data = {
          ...(base?.LaunchTemplateData as RequestLaunchTemplateData | undefined),
          ...input.LaunchTemplateData,
        };
        return addVersion(world, template, data, input.VersionDescription);
      });
      return { LaunchTemplateVersion: shown(template, version) };
    },
  }),

  action('ModifyLaunchTemplate', {
    parameters: 'ClientToken LaunchTemplateId LaunchTemplateName DefaultVersion',
    run(input, { world }) {
      const template = findTemplate(world, input);
      const version = versionNumber(template, input.DefaultVersion ?? '');
      if (!template.versions.has(version)) {
        throw new ApiError(
          'InvalidLaunchTemplateId.VersionNotFound',
          `Could not find the specified version ${input.DefaultVersion}`,
        );
      }
      template.defaultVersion = version;
      return { LaunchTemplate: view(world, template) };
    },
  }),

  action('DeleteLaunchTemplate', {
    parameters: 'LaunchTemplateId LaunchTemplateName',
    run(input, { world }) {
      const template = findTemplate(world, input);
      world.templates.delete(template.id);
      return { LaunchTemplate: view(world, template) };
    },
  }),

  action('DeleteLaunchTemplateVersions', {
    parameters: 'LaunchTemplateId LaunchTemplateName Versions',
    run(input, { world }) {
      const template = findTemplate(world, input);
      const gone = [];
      const failed = [];
      for (const text of input.Versions ?? []) {
        const VersionNumber = Number(text);
        const item = { LaunchTemplateId: template.id, LaunchTemplateName: template.name, VersionNumber };
        if (VersionNumber === template.defaultVersion) {
          failed.push({
            ...item,
            ResponseError: { Code: 'unexpectedError' as const, Message: 'The default version cannot be deleted' },
          });
        } else if (!template.versions.delete(VersionNumber)) {
          failed.push({
            ...item,
            ResponseError: { Code: 'launchTemplateVersionDoesNotExist' as const, Message: `No version ${text}` },
          });
        } else gone.push(item);
      }
      return {
        SuccessfullyDeletedLaunchTemplateVersions: gone,
        UnsuccessfullyDeletedLaunchTemplateVersions: failed,
      };
    },
  }),

  action('DescribeLaunchTemplates', {
    parameters: 'LaunchTemplateIds LaunchTemplateNames MaxResults NextToken',
    filters: FILTERS,
    run({ LaunchTemplateIds: ids, LaunchTemplateNames: names, Filters, ...request }, { world }) {
      const byId = ids?.length ? findAll(world, world.templates, ids, KINDS.template) : undefined;
      const byName = names?.map((LaunchTemplateName) => findTemplate(world, { LaunchTemplateName }));
      const found = select(world, byId ?? byName ?? world.templates.values(), FILTERS, Filters);
      const { page, ...rest } = paginate(found, request, { min: 1, max: 200 });
      return { LaunchTemplates: page.map((template) => view(world, template)), ...rest };
    },
  }),

  action('DescribeLaunchTemplateVersions', {
    parameters: 'LaunchTemplateId LaunchTemplateName Versions MinVersion MaxVersion MaxResults NextToken',
    run(input, { world }) {
      const template = findTemplate(world, input);
      const wanted = input.Versions?.map((version) => {
        const found = template.versions.get(versionNumber(template, version));
        if (found) return found;
        throw new ApiError(
          'InvalidLaunchTemplateId.VersionNotFound',
          `Could not find the specified version ${version}`,
        );
      });
      const versions = (wanted ?? [...template.versions.values()].reverse()).filter(
        ({ VersionNumber = 0 }) =>
          VersionNumber >= Number(input.MinVersion ?? 0) && VersionNumber <= Number(input.MaxVersion ?? Infinity),
      );
      const records = versions.map((version, n) => ({ ...newRecord(template), seq: n + 1, version }));
      const { page, ...rest } = paginate(records, input, { min: 1, max: 200 });
      return { LaunchTemplateVersions: page.map(({ version }) => shown(template, version)), ...rest };
    },
  }),
];

const newRecord = ({ id, tags, createdAt, visibleAt, tagsVisibleAt }: SimTemplate) => ({
  id,
  tags,
  createdAt,
  visibleAt,
  tagsVisibleAt,
});
