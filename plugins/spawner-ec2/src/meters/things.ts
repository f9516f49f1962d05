import type { Ec2Instance, Ec2Volume } from '../calls/types.ts';
import type { HomeRow } from '../homes/home-row.ts';
import { priceOf } from '../prices.ts';
import type { InstanceRecord } from '../records.ts';
import { TAG } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { ADDRESS_PER_HOUR, DISK_RATES, perHour } from './rates.ts';
import type { Thing } from './stretches.ts';

/** AWS bills a start for a minute at least. */
const MINIMUM_MS = 60_000;

type Owner = { serverId?: string; user?: string };

/** What our rows say about who owns what. */
export interface Books {
  /** By instance. */
  records: ReadonlyMap<string, InstanceRecord>;
  homes: readonly HomeRow[];
}

/** Machines that run, and their public addresses. A stopped machine costs its disks only. */
export function machinesThatCost(world: Ec2World, instances: readonly Ec2Instance[], books: Books): Thing[] {
  return instances
    .filter(({ state }) => state === 'running')
    .flatMap((seen): Thing[] => {
      const record = books.records.get(seen.id);
      const owner: Owner = record ? { serverId: record.server, user: record.user } : {};
      const since = seen.launchedAt;
      const machine: Thing = {
        id: seen.id,
        kind: 'compute',
        what: seen.market === 'spot' ? `${seen.type} (spot)` : seen.type,
        perHour: hourOf(world, seen, record?.profile ?? seen.tags[TAG.profile]),
        since,
        minimumMs: MINIMUM_MS,
        ...owner,
      };
      if (seen.publicIp === undefined) return [machine];
      const address: Thing = {
        id: `${seen.id}/address`,
        kind: 'address',
        what: 'public IPv4 address',
        perHour: ADDRESS_PER_HOUR,
        since,
        ...owner,
      };
      return [machine, address];
    });
}

function hourOf(world: Ec2World, seen: Ec2Instance, profile: string | undefined): number | null {
  const { config } = world;
  const stated = config.profiles.find(({ id }) => id === profile)?.price ?? null;
  // Without a region in the configuration it is the one that the machine is in.
  const region = config.region ?? seen.zone.replace(/[a-z]$/, '');
  return priceOf({ ...config, region }, { type: seen.type, market: seen.market, stated }).perHour;
}

/** Homes, system disks and copies on their way, whether a machine runs or not. */
export function disksThatCost(volumes: readonly Ec2Volume[], books: Books): Thing[] {
  const homes = new Map(books.homes.map((row) => [row.volumeId, row]));
  return volumes
    .filter(({ state }) => state !== 'deleting' && state !== 'deleted' && state !== 'error')
    .map((volume) => {
      const role = volume.tags[TAG.role];
      const name = role === 'home' ? 'home' : role === 'restored' ? 'restored copy' : 'system disk';
      const holder = volume.attachments.find(({ state }) => state !== 'detached')?.instanceId;
      const record = holder === undefined ? undefined : books.records.get(holder);
      const user = homes.get(volume.id)?.user ?? record?.user ?? plain(volume.tags[TAG.user]);
      return {
        id: volume.id,
        kind: 'disk',
        what: `${volume.sizeGb} GB ${name}`,
        perHour: perHour(DISK_RATES.gp3, volume.sizeGb),
        since: volume.createdAt,
        lasting: true,
        ...(role === 'root' && record && { serverId: record.server }),
        ...(user && { user }),
      };
    });
}

/** A name that the tag holds as it is. */
const plain = (tag: string | undefined): string | undefined => (tag?.startsWith('sha256:') ? undefined : tag);

/**
 * Copies of homes. AWS bills the blocks that differ and tells nobody how many those are: reckoned is one whole copy of
 * each home that has any.
 */
export function copiesThatCost(homes: readonly HomeRow[]): Thing[] {
  return homes
    .filter(({ tier, snapshotId }) => tier !== 'none' && snapshotId !== null)
    .map((row) => ({
      id: `copies/${row.storage}`,
      kind: 'snapshot',
      what: row.tier === 'archived' ? `${row.sizeGb} GB home, archived` : `copies of a ${row.sizeGb} GB home`,
      perHour: perHour(DISK_RATES.snapshot, row.sizeGb),
      since: row.snapshotAt ?? row.usedAt,
      lasting: true,
      ...(row.user && { user: row.user }),
    }));
}
