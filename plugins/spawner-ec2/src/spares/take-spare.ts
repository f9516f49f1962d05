import type { Ec2Instance } from '../calls/types.ts';
import { TAG, userTag } from '../tags.ts';
import type { Ec2World } from '../world.ts';
import { claimSpare, type SpareRow, spareKey, spareRows } from './spare-row.ts';

export interface SpareWanted {
  profile: string;
  /** Where the home is; without it any zone will do. */
  zone?: string | undefined;
  serverId: string;
  generation: number;
  user: string;
  storage: string;
}

/** A machine in one of these states can become somebody's, best first. */
const USABLE: readonly Ec2Instance['state'][] = ['running', 'pending', 'stopped', 'stopping'];
/** Tried in one step; the next step tries others. */
const MOST_TRIES = 5;

/**
 * Gives this server a machine that was kept ready, in whatever state it is; undefined when there is none. The same one
 * when it is asked for again: whoever was cut off after the claim finds it claimed. @throws Ec2Fault
 */
export async function takeSpare(
  world: Ec2World,
  want: SpareWanted,
  signal?: AbortSignal,
): Promise<Ec2Instance | undefined> {
  // Most installations keep none: that is known without a look.
  const rows = (await spareRows(world.store, world.cluster.id)).filter(
    (row) => row.profile === want.profile && (want.zone === undefined || row.zone === want.zone),
  );
  const mine = rows.find(({ taken }) => taken?.server === want.serverId && taken.generation === want.generation);
  const rank = (row: SpareRow) => {
    const state = world.instances.last(row.instanceId)?.state;
    return state === undefined ? USABLE.length : USABLE.indexOf(state);
  };
  const free = rows.filter(({ taken }) => taken === null).toSorted((a, b) => rank(a) - rank(b) || a.at - b.at);
  for (const row of [...(mine ? [mine] : []), ...free].slice(0, MOST_TRIES)) {
    const seen = await world.instances.look(row.instanceId, 5_000, signal && { signal });
    if (!seen || !USABLE.includes(seen.state)) continue;
    const taken = { server: want.serverId, generation: want.generation, at: world.clock.now() };
    if (row.taken === null && !(await claimSpare(world.store, row, taken))) continue;
    await world.ec2.createTags([seen.id], tagsAs(world, want), signal && { signal });
    world.instances.stale(seen.id);
    world.log.info({ server: want.serverId, instance: seen.id, state: seen.state }, 'a spare machine was taken');
    return { ...seen, tags: { ...seen.tags, ...tagsAs(world, want) } };
  }
  return undefined;
}

/** The server's record names the machine now: it is no spare any more. */
export async function settleSpare(world: Ec2World, instanceId: string): Promise<void> {
  await world.store.delete(spareKey(instanceId));
}

function tagsAs(world: Ec2World, { serverId, generation, user, storage, profile }: SpareWanted) {
  return {
    [TAG.role]: 'worker',
    [TAG.server]: serverId,
    [TAG.generation]: String(generation),
    [TAG.user]: userTag(user),
    [TAG.storage]: userTag(storage),
    [TAG.profile]: profile,
    [TAG.name]: `${world.cluster.name} ${userTag(user)}`.slice(0, 255),
  };
}
