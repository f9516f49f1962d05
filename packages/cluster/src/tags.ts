import { createHash } from 'node:crypto';
import type { Filter, ResourceType, Tag, TagSpecification } from '@aws-sdk/client-ec2';

/** What marks a thing as ours. `part` is the thing's place in the plan: one cluster has one of each. */
export const TAG = {
  cluster: 'atrium:cluster',
  clusterId: 'atrium:cluster-id',
  role: 'atrium:role',
  part: 'atrium:part',
  recipe: 'atrium:recipe',
  schema: 'atrium:schema',
  user: 'atrium:user',
  server: 'atrium:server',
  storage: 'atrium:storage',
  trash: 'atrium:trash',
} as const;

export interface Owner {
  name: string;
  /** Never changes and never comes again: a later cluster of the same name does not touch what this one left. */
  id: string;
}

/** Tags of one part. */
export function tagsOf(owner: Owner, part: string, role: string, more: Record<string, string> = {}): Tag[] {
  const tags = {
    Name: `atrium-${owner.name}-${part}`,
    [TAG.cluster]: owner.name,
    [TAG.clusterId]: owner.id,
    [TAG.part]: part,
    [TAG.role]: role,
    [TAG.schema]: '1',
    ...more,
  };
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export const tagged = (type: ResourceType, tags: Tag[]): TagSpecification[] => [{ ResourceType: type, Tags: tags }];

export const ours = (owner: Owner): Filter => ({ Name: `tag:${TAG.clusterId}`, Values: [owner.id] });

export const ourPart = (owner: Owner, part: string): Filter[] => [
  ours(owner),
  { Name: `tag:${TAG.part}`, Values: [part] },
];

/** Anything that carries tags. */
export interface Tagged {
  Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined;
}

export const tagOf = (thing: Tagged, key: string): string | undefined =>
  thing.Tags?.find((tag) => tag.Key === key)?.Value;

/** A token that is the same whenever the same thing is asked for; AWS then makes it once. */
export const tokenFor = (owner: Owner, ...what: (string | number)[]): string => digest([owner.id, ...what].join('\n'));

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40);

/** Where this cluster's parameters lie. */
export const parameterPath = (name: string, ...rest: string[]): string => ['/atrium', name, ...rest].join('/');
