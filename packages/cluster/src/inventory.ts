import type { Image, Instance, Snapshot, Volume } from '@aws-sdk/client-ec2';
import { ownerOf, type Scene } from './engine/part.ts';
import { ours, TAG, type Tagged, tagOf } from './tags.ts';

/** The machines and disks that carry the cluster's id. Nothing else is ever looked at for deletion. */
export interface Inventory {
  instances: Instance[];
  volumes: Volume[];
  snapshots: Snapshot[];
  images: Image[];
}

/** Pages are small: an answer about a thousand machines takes a quarter of a second to read. */
const PAGE = 200;

/** Every page of a call that gives pages. */
export async function allPages<T>(
  call: (NextToken?: string) => Promise<{ NextToken?: string | undefined; of: T[] | undefined }>,
) {
  const found: T[] = [];
  let next: string | undefined;
  do {
    const page = await call(next);
    found.push(...(page.of ?? []));
    next = page.NextToken || undefined;
  } while (next);
  return found;
}

export async function takeInventory(scene: Scene): Promise<Inventory> {
  const ec2 = await scene.aws.ec2();
  const Filters = [ours(ownerOf(scene))];
  const more = (NextToken?: string) => (NextToken ? { NextToken } : {});
  const reservations = await allPages(async (token) => {
    const page = await ec2.describeInstances({ Filters, MaxResults: PAGE, ...more(token) });
    return { NextToken: page.NextToken, of: page.Reservations };
  });
  const volumes = await allPages(async (token) => {
    const page = await ec2.describeVolumes({ Filters, MaxResults: PAGE, ...more(token) });
    return { NextToken: page.NextToken, of: page.Volumes };
  });
  const snapshots = await allPages(async (token) => {
    const page = await ec2.describeSnapshots({ Filters, OwnerIds: ['self'], MaxResults: PAGE, ...more(token) });
    return { NextToken: page.NextToken, of: page.Snapshots };
  });
  const { Images = [] } = await ec2.describeImages({ Filters, Owners: ['self'] });
  return {
    instances: reservations
      .flatMap(({ Instances = [] }) => Instances)
      .filter(({ State }) => State?.Name !== 'terminated'),
    volumes: volumes.filter(({ State }) => State !== 'deleting' && State !== 'deleted'),
    snapshots,
    images: Images,
  };
}

export const roleOf = (thing: Tagged): string | undefined => tagOf(thing, TAG.role);

/** What is somebody's work: never deleted unless asked for by name. */
export const isHome = (thing: Volume | Snapshot): boolean =>
  ['home', 'snapshot', 'archive'].includes(roleOf(thing) ?? '');

/** The hub's own disk, and copies of it. */
export const isHubData = (thing: Volume | Snapshot): boolean =>
  ['manager-data', 'hub-snapshot'].includes(roleOf(thing) ?? '');

export interface RebuiltRow {
  user: string | null;
  server: string | null;
  storage: string | null;
  generation: number | null;
  instance: { id: string; type: string; zone: string; state: string } | null;
  home: { volumeId: string; zone: string; sizeGb: number } | { snapshotId: string; sizeGb: number } | null;
}

/**
 * What tags tell of people's machines and homes, for a hub whose database is lost: one row per server or home. Names that
 * tags cannot hold are there as `sha256:…` and are found again when the person signs in.
 */
export function rowsFrom(inventory: Inventory): RebuiltRow[] {
  const rows = new Map<string, RebuiltRow>();
  const keyOf = (thing: Tagged, id: string) => tagOf(thing, TAG.server) ?? tagOf(thing, TAG.storage) ?? id;
  const rowOf = (thing: Tagged, id: string) => {
    const key = keyOf(thing, id);
    const row = rows.get(key) ?? {
      user: null,
      server: null,
      storage: null,
      generation: null,
      instance: null,
      home: null,
    };
    row.user ??= tagOf(thing, TAG.user) ?? null;
    row.server ??= tagOf(thing, TAG.server) ?? null;
    row.storage ??= tagOf(thing, TAG.storage) ?? null;
    rows.set(key, row);
    return row;
  };
  for (const each of inventory.instances.filter((instance) => roleOf(instance) === 'worker')) {
    const row = rowOf(each, each.InstanceId!);
    const generation = Number(tagOf(each, 'atrium:gen') ?? 0);
    if (row.instance && (row.generation ?? 0) > generation) continue;
    row.generation = generation;
    row.instance = {
      id: each.InstanceId!,
      type: `${each.InstanceType}`,
      zone: each.Placement?.AvailabilityZone ?? '',
      state: `${each.State?.Name}`,
    };
  }
  for (const each of inventory.volumes.filter((volume) => roleOf(volume) === 'home' && !tagOf(volume, TAG.trash))) {
    rowOf(each, each.VolumeId!).home = {
      volumeId: each.VolumeId!,
      zone: each.AvailabilityZone ?? '',
      sizeGb: each.Size ?? 0,
    };
  }
  // A home whose disk is gone lives in its newest copy.
  const newestFirst = inventory.snapshots
    .filter((snapshot) => isHome(snapshot) && snapshot.State === 'completed')
    .sort((a, b) => Number(b.StartTime) - Number(a.StartTime));
  for (const each of newestFirst) {
    const row = rowOf(each, each.SnapshotId!);
    row.home ??= { snapshotId: each.SnapshotId!, sizeGb: each.VolumeSize ?? 0 };
  }
  return [...rows.values()];
}
