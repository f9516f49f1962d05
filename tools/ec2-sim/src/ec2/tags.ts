import { ApiError } from '../errors.ts';
import { isVisible, type Resource, seenTags, type World } from '../world.ts';
import { type Action, action } from './action.ts';
import type { FilterTable } from './filters.ts';
import { select } from './filters.ts';
import { checkMetadataTagKeys, checkTags, KINDS } from './find.ts';
import { paginate } from './paging.ts';

/** Resource type of an id's prefix, where its kind is known and where it lives. */
const TYPES: Record<
  string,
  [type: string, kind: keyof typeof KINDS, of: (world: World) => ReadonlyMap<string, Resource>]
> = {
  i: ['instance', 'instance', (w) => w.instances],
  vol: ['volume', 'volume', (w) => w.volumes],
  snap: ['snapshot', 'snapshot', (w) => w.snapshots],
  ami: ['image', 'image', (w) => w.images],
  lt: ['launch-template', 'template', (w) => w.templates],
  vpc: ['vpc', 'vpc', (w) => w.vpcs],
  subnet: ['subnet', 'subnet', (w) => w.subnets],
  sg: ['security-group', 'group', (w) => w.groups],
  igw: ['internet-gateway', 'gateway', (w) => w.gateways],
  rtb: ['route-table', 'routeTable', (w) => w.routeTables],
  nat: ['natgateway', 'nat', (w) => w.nats],
  vpce: ['vpc-endpoint', 'endpoint', (w) => w.endpoints],
  eipalloc: ['elastic-ip', 'address', (w) => w.addresses],
  eni: ['network-interface', 'interface', (w) => w.interfaces],
};

function typeOf(id: string) {
  const found = TYPES[id.split('-')[0] ?? ''];
  if (!found) throw new ApiError('InvalidID', `The ID '${id}' is not valid`);
  return found;
}

function resources(world: World, ids: readonly string[] | undefined): Resource[] {
  if (!ids?.length) throw new ApiError('MissingParameter', 'The request must contain the parameter resourceIdSet');
  return ids.map((id) => {
    const [, kind, of] = typeOf(id);
    const found = of(world).get(id);
    if (found && isVisible(world, found)) return found;
    throw new ApiError(KINDS[kind].notFound, `The ${KINDS[kind].what} '${id}' does not exist`);
  });
}

interface TagRecord extends Resource {
  type: string;
  of: string;
  key: string;
  value: string;
}

const TAG_FILTERS: FilterTable<TagRecord> = {
  key: (t) => t.key,
  value: (t) => t.value,
  'resource-id': (t) => t.of,
  'resource-type': (t) => t.type,
};

export const tagActions: Action[] = [
  action('CreateTags', {
    parameters: 'Resources Tags',
    run({ Resources, Tags }, { world }) {
      const found = resources(world, Resources);
      if (!Tags?.length) throw new ApiError('MissingParameter', 'The request must contain the parameter tagSet');
      const tags = checkTags(Tags);
      for (const resource of found) {
        const keys = new Set([...resource.tags.keys(), ...tags.map(([key]) => key)]);
        if (keys.size > 50) throw new ApiError('TagLimitExceeded', `${resource.id} would have more than 50 tags`);
        if (world.instances.get(resource.id)?.metadata.tags === 'enabled') checkMetadataTagKeys(keys);
      }
      for (const resource of found) for (const [key, value] of tags) resource.tags.set(key, value);
      return {};
    },
  }),

  action('DeleteTags', {
    parameters: 'Resources Tags',
    run({ Resources, Tags }, { world }) {
      for (const resource of resources(world, Resources)) {
        if (!Tags) resource.tags.clear();
        for (const { Key = '', Value } of Tags ?? []) {
          if (Value === undefined || resource.tags.get(Key) === Value) resource.tags.delete(Key);
        }
      }
      return {};
    },
  }),

  action('DescribeTags', {
    parameters: 'MaxResults NextToken',
    filters: TAG_FILTERS,
    run({ Filters, ...request }, { world }) {
      const records: TagRecord[] = [];
      for (const [type, , of] of Object.values(TYPES)) {
        for (const resource of of(world).values()) {
          for (const [key, value] of seenTags(world, resource)) {
            records.push({ ...resource, seq: records.length + 1, tags: new Map(), type, of: resource.id, key, value });
          }
        }
      }
      const { page, ...rest } = paginate(select(world, records, TAG_FILTERS, Filters), request);
      const Tags = page.map(({ type, of, key, value }) => ({
        ResourceId: of,
        ResourceType: type as 'instance',
        Key: key,
        Value: value,
      }));
      return { Tags, ...rest };
    },
  }),
];
