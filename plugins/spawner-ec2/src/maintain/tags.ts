import { TAG, userTag } from '../tags.ts';
import { kindOf } from './kinds.ts';
import type { Round } from './round.ts';

/** Calls of one round: a class that has just started is tagged over some minutes. */
const MOST_CALLS = 10;
/** Resources of one call. */
const AT_ONCE = 500;

/**
 * The tags of machines that were resumed, adopted or resized say what is so now: they are what a rebuild goes by.
 * Machines that want the same are tagged in one call.
 */
export async function refreshTags(round: Round): Promise<void> {
  const { world, io } = round;
  const wanted = new Map<string, { tags: Record<string, string>; ids: string[] }>();
  for (const seen of [...round.active, ...round.resting]) {
    const kind = kindOf(round, seen);
    if (kind.is !== 'tracked' || !['running', 'stopped'].includes(seen.state)) continue;
    const { server, record } = kind;
    const should: Record<string, string> = {
      [TAG.role]: 'worker',
      [TAG.server]: server.id,
      [TAG.generation]: String(record.generation),
      [TAG.user]: userTag(server.user),
      [TAG.profile]: record.profile,
    };
    const tags = Object.fromEntries(Object.entries(should).filter(([key, value]) => seen.tags[key] !== value));
    // Nobody's no longer.
    if (seen.tags[TAG.orphanSince]) tags[TAG.orphanSince] = '';
    if (Object.keys(tags).length === 0) continue;
    const key = JSON.stringify(tags);
    const group = wanted.get(key) ?? { tags, ids: [] };
    group.ids.push(seen.id);
    wanted.set(key, group);
  }
  const groups = [...wanted.values()].toSorted((a, b) => b.ids.length - a.ids.length);
  for (const { tags, ids } of groups.slice(0, MOST_CALLS)) {
    const some = ids.slice(0, AT_ONCE);
    const names = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
    const whom = some.length === 1 ? some[0] : `${some.length} machines`;
    await round.act(
      { code: 'refresh_tags', message: `${whom} ${round.is('tagged')} ${names.join(', ')}.` },
      async () => {
        await world.ec2.createTags(some, tags, { signal: io.signal });
        // The sweep that is remembered holds them as they were.
        for (const id of some) {
          const seen = [...round.active, ...round.resting].find((one) => one.id === id);
          if (seen) Object.assign(seen, { tags: { ...seen.tags, ...tags } });
        }
      },
    );
  }
}
