import type { Io, Meter } from '@atrium/sdk';
import type { HomeRow } from '../homes/home-row.ts';
import { within } from '../homes/storage-door.ts';
import type { InstanceRecord } from '../records.ts';
import { activeInstances, ourVolumes } from '../survey.ts';
import type { Ec2World } from '../world.ts';
import { follow } from './stretches.ts';
import { type Books, copiesThatCost, disksThatCost, machinesThatCost } from './things.ts';

/** The hub's own sweep is half a minute old at most. */
const MACHINES_AGE_MS = 45_000;
/** Disks come and go seldom. */
const DISKS_AGE_MS = 5 * 60_000;

/**
 * Everything that costs money now, or did in the last hour: machines by the second, disks, copies, addresses. A type
 * whose price nobody knows has the price null. @throws Ec2Fault when EC2 cannot be asked
 */
export async function* meters(base: Ec2World, io: Io): AsyncIterable<Meter> {
  const world = within(base, io);
  const options = { signal: io.signal };
  const [machines, disks] = [
    await activeInstances(world, MACHINES_AGE_MS, options),
    await ourVolumes(world, DISKS_AGE_MS, options),
  ];
  const books = await readBooks(world);
  const things = [
    ...machinesThatCost(world, machines.found, books),
    ...disksThatCost(disks.found, books),
    ...copiesThatCost(books.homes),
  ];
  yield* follow(things, (id, since) => endOf(world, id, since, io.signal), io);
}

async function readBooks({ store, cluster }: Ec2World): Promise<Books> {
  const records = (await store.entries('instance/')).map(([, value]) => value as InstanceRecord);
  const homes = (await store.entries('home/')).map(([, value]) => value as HomeRow);
  return {
    records: new Map(
      records.flatMap((record) =>
        record.cluster === cluster.id && record.instanceId !== null ? [[record.instanceId, record] as const] : [],
      ),
    ),
    homes,
  };
}

/** EC2 says when a machine was stopped; for all else it is when it was missed. */
async function endOf(world: Ec2World, id: string, since: number, signal: AbortSignal): Promise<number | undefined> {
  const now = world.clock.now();
  if (!id.startsWith('i-')) return now;
  const seen = await world.instances.look(id.split('/')[0] ?? id, 60_000, { signal });
  // Started a moment ago, after the look that did not show it.
  if (seen?.state === 'running' && seen.launchedAt <= since) return undefined;
  const end = seen?.transitionAt ?? now;
  return end >= since && end <= now ? end : now;
}
