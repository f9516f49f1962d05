import { type Batcher, batcher } from '../calls/batch.ts';
import type { Ec2Snapshot, Ec2Volume } from '../calls/types.ts';
import { Ec2Fault } from '../errors.ts';
import { TAG, userTag } from '../tags.ts';
import type { Ec2World } from '../world.ts';

/** What carries the tags of one storage. */
export interface Found {
  volumes: Ec2Volume[];
  /** Complete ones, newest first. */
  snapshots: Ec2Snapshot[];
}

interface Lookers {
  volume: Batcher<Ec2Volume | undefined>;
  byTag: Batcher<Found>;
}

/** A class that arrives asks for its homes at the same moment: one call for all. */
const WINDOW_MS = 200;
const AT_ONCE = 100;
const lookers = new WeakMap<object, Lookers>();

function lookersOf(world: Ec2World): Lookers {
  let made = lookers.get(world.ec2);
  if (!made) {
    const { clock } = world;
    made = {
      volume: batcher({
        clock,
        windowMs: WINDOW_MS,
        most: AT_ONCE,
        async run(ids) {
          const found = await describeKnown(world, ids);
          return new Map(ids.map((id) => [id, { value: found.get(id) }]));
        },
      }),
      byTag: batcher({
        clock,
        windowMs: WINDOW_MS,
        most: AT_ONCE,
        async run(tags) {
          const found = await describeTagged(world, tags);
          return new Map(tags.map((tag) => [tag, { value: found.get(tag) ?? { volumes: [], snapshots: [] } }]));
        },
      }),
    };
    lookers.set(world.ec2, made);
  }
  return made;
}

/** The volume now. Undefined: EC2 says that there is no such id, which it also says of one made seconds ago. */
export async function lookVolume(world: Ec2World, id: string, signal?: AbortSignal): Promise<Ec2Volume | undefined> {
  const volume = await lookersOf(world).volume(id, signal);
  return volume && isThere(volume) ? volume : undefined;
}

/** Volumes and snapshots that carry this storage's tags. */
export function findByTag(world: Ec2World, storage: string, signal?: AbortSignal): Promise<Found> {
  return lookersOf(world).byTag(userTag(storage), signal);
}

export const isThere = ({ state }: Ec2Volume): boolean => state !== 'deleting' && state !== 'deleted';

/** Filters for everything of ours that plays `role`. */
export function ours(world: Pick<Ec2World, 'cluster'>, ...roles: string[]): Record<string, readonly string[]> {
  return { [`tag:${TAG.clusterId}`]: [world.cluster.id], [`tag:${TAG.role}`]: roles };
}

async function describeKnown(world: Ec2World, ids: readonly string[]): Promise<Map<string, Ec2Volume>> {
  if (ids.length === 0) return new Map();
  try {
    return new Map((await world.ec2.describeVolumes({ ids })).map((volume) => [volume.id, volume]));
  } catch (error) {
    if (!(error instanceof Ec2Fault) || !error.code.startsWith('InvalidVolume.')) throw error;
    if (ids.length === 1) return new Map();
    const named = new Set(error.message.match(/\bvol-[0-9a-zA-Z]+\b/g) ?? []);
    const rest = ids.filter((id) => !named.has(id));
    if (rest.length < ids.length) return describeKnown(world, rest);
    const half = Math.ceil(ids.length / 2);
    const one = await describeKnown(world, ids.slice(0, half));
    return new Map([...one, ...(await describeKnown(world, ids.slice(half)))]);
  }
}

async function describeTagged(world: Ec2World, tags: readonly string[]): Promise<Map<string, Found>> {
  const storage = { [`tag:${TAG.storage}`]: tags };
  const volumes = await world.ec2.describeVolumes({ filters: { ...ours(world, 'home'), ...storage } });
  const snapshots = await world.ec2.describeSnapshots({ filters: { ...ours(world, 'snapshot'), ...storage } });
  return new Map(
    tags.map((tag) => [
      tag,
      {
        volumes: volumes.filter(
          (one) => one.tags[TAG.storage] === tag && isThere(one) && one.tags[TAG.trash] !== 'yes',
        ),
        snapshots: snapshots
          .filter((one) => one.tags[TAG.storage] === tag && one.state === 'completed')
          .toSorted((a, b) => b.startedAt - a.startedAt),
      },
    ]),
  );
}
