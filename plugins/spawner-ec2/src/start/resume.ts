import type { Observed } from '@atrium/sdk';
import type { Ec2Instance } from '../calls/types.ts';
import { Ec2Fault } from '../errors.ts';
import { fitOf } from '../fit.ts';
import { nextRung } from '../ladder.ts';
import { isClosed } from '../records.ts';
import { launchStep } from './launch.ts';
import { change, PACE, type Start, told } from './parts.ts';

/** One step of a start whose machine is stopped: fit it to what was chosen, and start it. */
export async function resumeStep(start: Start, seen: Ec2Instance): Promise<Observed> {
  const { world, spec, io, ref } = start;
  const fit = await fitOf(world, spec, seen);
  if (fit.do === 'replace') return replaceAround(start, seen, fit.why);
  const outUntil = world.capacity.outUntil({ type: seen.type, zone: seen.zone, market: seen.market });
  const type = fit.do === 'resize' ? fit.type : outUntil === undefined ? undefined : otherType(start, seen);
  if (type !== undefined && type !== seen.type) {
    if (seen.hibernation) return replaceAround(start, seen, 'a machine that hibernates keeps its type');
    await world.ec2.modifyInstanceType(seen.id, type, { signal: io.signal });
    world.instances.stale(seen.id);
    await change(start, { type, profile: spec.profile, onIdle: spec.onIdle });
    return told(start, 'pending', 8, `Your machine becomes a ${type}`);
  }
  if (outUntil !== undefined) return replaceAround(start, seen, 'no machine of its type is free');
  if (await isClosed(io.store, world.cluster.id, ref.server, ref.generation)) {
    return { phase: 'exited', exit: { code: null, reason: 'stopped' } };
  }
  // Before the call: identity documents of this start are not older than this.
  await io.save({ start: seen.id, generation: ref.generation, at: world.clock.now() });
  await change(start, {
    startedAt: world.clock.now(),
    runningAt: null,
    curedAt: world.clock.now(),
    type: seen.type,
    zone: seen.zone,
    market: seen.market,
    profile: spec.profile,
    onIdle: spec.onIdle,
    stale: false,
    // Another server of the same person may have taken the home meanwhile.
    attached: false,
  });
  try {
    await world.ec2.startInstance(seen.id, { signal: io.signal });
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    world.instances.stale(seen.id);
    if (error.class !== 'capacity') throw error;
    world.capacity.note({ type: seen.type, zone: seen.zone, market: seen.market });
    return told(start, 'pending', 6, `AWS has no ${seen.type} free in ${seen.zone} just now; looking for another`);
  }
  world.instances.stale(seen.id);
  return told(start, 'starting', 12, 'Your machine is starting; this usually takes about 20 seconds', PACE.powersOn);
}

/** The next type of the profile that may be free; the machine then keeps its disks. */
function otherType({ world, spec }: Start, seen: Ec2Instance): string | undefined {
  const ladder = spec.types.map((type) => ({ type, zone: seen.zone, market: seen.market }));
  const next = nextRung(ladder, world.capacity);
  return 'rung' in next ? next.rung.type : undefined;
}

/** Machines are cattle: this one goes, its home stays, and another is made around it. */
async function replaceAround(start: Start, seen: Ec2Instance, why: string): Promise<Observed> {
  const { world, io } = start;
  world.log.info({ server: start.ref.server, instance: seen.id, why }, 'replacing a stopped instance around its home');
  await world.ec2.terminateInstances([seen.id], { signal: io.signal });
  world.instances.stale(seen.id);
  await change(start, { instanceId: null, attempt: null, attached: false, runningAt: null, privateIp: null });
  return launchStep(start);
}
