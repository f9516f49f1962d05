import { isThere, ours } from '../homes/look.ts';
import { activeInstances, ourVolumes, restingInstances } from '../survey.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';

/** What tags tell of one server or one home, for a hub whose database is lost. */
export interface InventoryRow {
  /** As the tag has it: names that a tag cannot hold are `sha256:…`. */
  user: string | null;
  server: string | null;
  storage: string | null;
  generation: number | null;
  instance: { id: string; type: string; zone: string; state: string } | null;
  home: { volumeId: string; zone: string; sizeGb: number } | { snapshotId: string; sizeGb: number } | null;
}

/**
 * Everything of ours that belongs to somebody, by its tags. Reads only. When the rows of servers are there again, upkeep
 * takes over the machines and homes by the same tags. @throws Ec2Fault
 */
export async function inventory(world: Ec2World): Promise<InventoryRow[]> {
  const rows = new Map<string, InventoryRow>();
  const rowOf = (tags: Readonly<Record<string, string>>, id: string): InventoryRow => {
    const key = tags[TAG.storage] ?? tags[TAG.server] ?? id;
    const row = rows.get(key) ?? {
      user: null,
      server: null,
      storage: null,
      generation: null,
      instance: null,
      home: null,
    };
    row.user ??= tags[TAG.user] ?? null;
    row.storage ??= tags[TAG.storage] ?? null;
    rows.set(key, row);
    return row;
  };
  const machines = [...(await activeInstances(world, 0)).found, ...(await restingInstances(world, 0)).found];
  for (const seen of machines.filter(({ tags }) => tags[TAG.role] === 'worker')) {
    // Two servers of one person share a home: the key of the second is its own.
    const first = rows.get(seen.tags[TAG.storage] ?? '');
    const server = seen.tags[TAG.server] ?? null;
    const row =
      first?.server && first.server !== server
        ? rowOf({ [TAG.server]: server ?? '', [TAG.user]: seen.tags[TAG.user] ?? '' }, seen.id)
        : rowOf(seen.tags, seen.id);
    const generation = Number(seen.tags[TAG.generation] ?? 0);
    if (row.instance && (row.generation ?? 0) > generation) continue;
    Object.assign(row, {
      server,
      storage: seen.tags[TAG.storage] ?? null,
      generation,
      instance: { id: seen.id, type: seen.type, zone: seen.zone, state: seen.state },
    });
  }
  for (const volume of (await ourVolumes(world, 0)).found) {
    if (volume.tags[TAG.role] !== 'home' || volume.tags[TAG.trash] === 'yes' || !isThere(volume)) continue;
    rowOf(volume.tags, volume.id).home = { volumeId: volume.id, zone: volume.zone, sizeGb: volume.sizeGb };
  }
  // A home whose disk is gone lives in its newest copy.
  const copies = await world.ec2.describeSnapshots({ filters: ours(world, 'snapshot') });
  for (const copy of copies.filter(({ state }) => state === 'completed').toSorted((a, b) => b.startedAt - a.startedAt))
    rowOf(copy.tags, copy.id).home ??= { snapshotId: copy.id, sizeGb: copy.sizeGb };
  return [...rows.values()];
}
