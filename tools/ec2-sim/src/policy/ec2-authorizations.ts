import type { AuthRequest } from '../services/index.ts';
import type { World } from '../world.ts';
import { created, existing, requestTags, type TagSpecifications, type Tags } from './ec2-resources.ts';
import { EC2_ACTIONS } from './ec2-table.ts';
import { fleetAuthorizations, launchAuthorizations, type Profiles } from './launch-authorizations.ts';

type Params = Record<string, unknown>;

/** Which rights an EC2 call needs: one request per action and resource, with the condition keys AWS gives them. */
export function ec2Authorizations(action: string, params: Params, world: World, profiles: Profiles): AuthRequest[] {
  const requests = requestsOf(action, params, world, profiles);
  return requests.map((request) => ({
    ...request,
    context: { 'aws:RequestedRegion': world.region, 'ec2:Region': world.region, ...request.context },
  }));
}

function requestsOf(action: string, params: Params, world: World, profiles: Profiles): AuthRequest[] {
  if (action === 'RunInstances') return launchAuthorizations(params, world, profiles);
  if (action === 'CreateFleet') return fleetAuthorizations(params, world, profiles);
  const checked = Object.hasOwn(EC2_ACTIONS, action) ? EC2_ACTIONS[action] : undefined;
  if (!checked) return [{ action: `ec2:${action}`, resource: '*', context: {} }];

  const specifications = (params.TagSpecifications ?? []) as TagSpecifications;
  const tagsFor = (type: string): Tags | undefined =>
    specifications.find(({ ResourceType }) => ResourceType === type)?.Tags ?? undefined;
  const tagged = action === 'CreateTags' || action === 'DeleteTags' ? requestTags(params.Tags as Tags) : {};
  const used = (checked.uses ?? []).flatMap((name) => idsOf(params, name, world)).map((id) => existing(world, id));
  const made = (checked.creates ?? []).map((type) => created(world, type, tagsFor(type), newVolume(type, params)));
  const requests: AuthRequest[] = [...made, ...used].map(({ resource, context }) => ({
    action: `ec2:${action}`,
    resource,
    context: { ...context, ...tagged },
  }));
  return [...requests, ...tagOnCreate(action, specifications, world)];
}

/** Tags given while creating need ec2:CreateTags with the creating action as `ec2:CreateAction`. */
export function tagOnCreate(action: string, specifications: TagSpecifications, world: World): AuthRequest[] {
  return specifications
    .filter(({ Tags: tags }) => tags && tags.length > 0)
    .map(({ ResourceType = '', Tags: tags }) => ({
      action: 'ec2:CreateTags',
      ...created(world, ResourceType, tags, { 'ec2:CreateAction': action }),
    }));
}

function newVolume(type: string, params: Params): Record<string, string> {
  if (type !== 'volume') return {};
  return {
    'ec2:VolumeType': String(params.VolumeType ?? 'gp2'),
    'ec2:Encrypted': String(params.Encrypted ?? false),
    ...(params.Size === undefined ? {} : { 'ec2:VolumeSize': String(params.Size) }),
    ...(params.AvailabilityZone === undefined ? {} : { 'ec2:AvailabilityZone': String(params.AvailabilityZone) }),
  };
}

/** Ids in a parameter; groups and launch templates that are named instead are looked up. */
function idsOf(params: Params, name: string, world: World): string[] {
  if (name === 'AssociationId') return associated(world, String(params.AssociationId));
  const value = name.split('.').reduce<unknown>((at, part) => (at as Params | undefined)?.[part], params);
  if (value !== undefined) return ([value].flat() as string[]).filter((id) => typeof id === 'string');
  if (name === 'LaunchTemplateId')
    return [...world.templates.values()].filter((one) => one.name === params.LaunchTemplateName).map(({ id }) => id);
  if (name === 'GroupId' && params.GroupName !== undefined)
    return [...world.groups.values()].filter((one) => one.name === params.GroupName).map(({ id }) => id);
  return [];
}

/** What an association joins: an address, or a route table and its subnet. */
function associated(world: World, id: string): string[] {
  const addresses = [...world.addresses.values()].filter(({ associationId }) => associationId === id);
  const tables = [...world.routeTables.values()].flatMap(({ id: table, associations }) =>
    associations.filter((one) => one.id === id).flatMap(({ subnetId }) => (subnetId ? [table, subnetId] : [table])),
  );
  return [...addresses.map((one) => one.id), ...tables];
}
