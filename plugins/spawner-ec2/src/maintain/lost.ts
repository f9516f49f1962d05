import { machineKey, recordKey } from '../records.ts';
import { nameOf } from './kinds.ts';
import { eachOf, type Round } from './round.ts';
import { forget } from './unused.ts';

/** What a sweep did not show is asked for by id, and believed to be gone after two such answers this far apart. */
const MISSES_APART_MS = 60_000;
/** EC2 may not know what it has just made. */
const CONSISTENCY_MS = 90_000;
const CACHED_MS = 10 * 60_000;
/** Looks go out together: a hundred ids are one call. */
const TOGETHER = 100;

/** Records of machines that are no more: forgotten, so that the next login makes another with the same home. */
export async function lost(round: Round): Promise<void> {
  const { world, io } = round;
  const there = new Set([...round.active, ...round.resting].map(({ id }) => id));
  const missing = [...round.tracked.values()].filter(({ instanceId }) => instanceId !== null && !there.has(instanceId));
  await eachOf(missing, TOGETHER, async (record) => {
    const { instanceId } = record;
    const row = round.servers.get(record.server);
    // A start or a stop that is under way looks for itself.
    if (instanceId === null || (row && !['stopped', 'ready'].includes(row.phase))) return;
    if (round.now - record.startedAt < CONSISTENCY_MS) return;
    const cached = await world.instances.look(instanceId, CACHED_MS, { signal: io.signal });
    if (cached && cached.state !== 'terminated') return;
    const seen = await world.instances.look(instanceId, 2_000, { signal: io.signal });
    if (seen && seen.state !== 'terminated') return;
    if (!seen) {
      const age = await round.sighted('lost', instanceId);
      if (age === undefined || age < MISSES_APART_MS) return;
    }
    const reason = seen?.stateReason?.message || seen?.stateReason?.code;
    await round.act(
      {
        code: 'forget_machine',
        message: `${nameOf({ id: instanceId }, row)} is gone${reason ? ` (${reason})` : ''}; its record ${round.is('cleared')}. The next start makes another with the same home.`,
      },
      () => forget(round, record),
    );
  });
  await bury(round);
}

/** Records of servers that were deleted, once they have no machine any more. */
async function bury(round: Round): Promise<void> {
  const { io } = round;
  if (round.servers.size === 0 || io.dryRun) return;
  for (const record of round.records.values()) {
    if (round.servers.has(record.server) || record.attempt !== null) continue;
    if (record.instanceId !== null) {
      const seen = round.world.instances.last(record.instanceId);
      if (seen?.state !== 'terminated') continue;
      await io.store.delete(machineKey(record.instanceId));
    }
    if ((await round.sighted('bury', record.server)) === undefined) continue;
    await io.store.delete(recordKey(record.server));
  }
}
