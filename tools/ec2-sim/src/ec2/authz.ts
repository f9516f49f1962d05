import type { TagSpecification } from '@aws-sdk/client-ec2';
import type { AuthRequest } from '../services/index.ts';
import type { Resource, World } from '../world.ts';

type Asked = Omit<AuthRequest, 'action'>;

/** ARN of something in this account and region. */
export function arn(world: World, type: string, id: string, account = world.accountId): string {
  return `arn:aws:ec2:${world.region}:${account}:${type}/${id}`;
}

/** A resource that exists, with the tags a policy sees on it. */
export function existing(
  world: World,
  type: string,
  id: string | undefined,
  resource: Resource | undefined,
  context: Asked['context'] = {},
): Asked {
  const tags: Asked['context'] = {};
  for (const [key, value] of resource?.tags ?? []) {
    tags[`aws:ResourceTag/${key}`] = value;
    tags[`ec2:ResourceTag/${key}`] = value;
  }
  return { resource: arn(world, type, id ?? '*'), context: { ...tags, ...context } };
}

/** A resource that the call makes, with the tags it asks for. */
export function created(
  world: World,
  type: string,
  specifications: readonly TagSpecification[] | undefined,
  context: Asked['context'] = {},
): Asked {
  const tags = (specifications ?? []).filter((one) => one.ResourceType === type).flatMap((one) => one.Tags ?? []);
  return { resource: arn(world, type, '*'), context: { ...requestTags(tags), ...context } };
}

export function requestTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Asked['context'] {
  const context: Asked['context'] = {};
  for (const { Key, Value } of tags) if (Key) context[`aws:RequestTag/${Key}`] = Value ?? '';
  if (tags.length > 0) context['aws:TagKeys'] = tags.map(({ Key }) => Key ?? '');
  return context;
}
