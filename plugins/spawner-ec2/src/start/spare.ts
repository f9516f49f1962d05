import type { Observed } from '@atrium/sdk';
import { isClosed, machineKey } from '../records.ts';
import { settleSpare, takeSpare } from '../spares/index.ts';
import { change, type Start, told } from './parts.ts';

/** A machine that was kept ready becomes this person's. Undefined when there is none. */
export async function adoptSpare(start: Start, zone: string | undefined): Promise<Observed | undefined> {
  const { world, spec, io, ref } = start;
  const want = { profile: spec.profile, user: spec.user, storage: spec.storage, zone };
  const seen = await takeSpare(world, { ...want, serverId: ref.server, generation: ref.generation }, io.signal);
  if (!seen) return undefined;
  const now = world.clock.now();
  await io.store.put(machineKey(seen.id), { server: ref.server });
  await change(start, {
    attempt: null,
    instanceId: seen.id,
    profile: spec.profile,
    onIdle: spec.onIdle,
    type: seen.type,
    zone: seen.zone,
    market: seen.market,
    imageId: seen.imageId,
    attached: false,
    // Its identity document is of its own boot, which was before this start.
    startedAt: seen.launchedAt,
    runningAt: seen.state === 'running' ? now : null,
    privateIp: seen.privateIp ?? null,
    stale: false,
    curedAt: now,
    cures: 0,
  });
  await settleSpare(world, seen.id);
  // A stop that came meanwhile either sees the record, or is seen here.
  if (await isClosed(io.store, world.cluster.id, ref.server, ref.generation)) {
    if (seen.market === 'spot') await world.ec2.terminateInstances([seen.id], { signal: io.signal });
    else if (seen.state === 'running') {
      await world.ec2.stopInstance(seen.id, { hibernate: false, force: false }, { signal: io.signal });
    }
    return { phase: 'exited', exit: { code: null, reason: 'stopped' } };
  }
  return told(start, 'starting', 12, 'A machine that was kept ready is yours now');
}
