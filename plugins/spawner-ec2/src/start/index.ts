import type { Observed, ServerIo } from '@atrium/sdk';
import type { ProgressBook } from '../progress.ts';
import { type InstanceRecord, isClosed, ownRecord } from '../records.ts';
import type { Ec2Ref, Ec2Spec } from '../spec.ts';
import { endSession, readSession } from '../worker/session.ts';
import type { Ec2World } from '../world.ts';
import { launchStep } from './launch.ts';
import { change, type Start, told, withWords } from './parts.ts';
import { resumeStep } from './resume.ts';
import { waitStep } from './wait.ts';

/** How old a look at an instance may be while a start is under way, ms. */
const FRESH_MS = 800;
/** EC2 may not know an instance that it has just made; after this long it is gone. */
const CONSISTENCY_MS = 90_000;

/**
 * One step towards running, decided by what EC2 says of the tracked instance:
 * none or gone → launch anew, pending or running → wait for its agent, stopping → wait, stopped → start it.
 */
export async function ensure(
  world: Ec2World,
  book: ProgressBook,
  ref: Ec2Ref,
  spec: Ec2Spec,
  io: ServerIo,
): Promise<Observed> {
  const known = await ownRecord(io.store, world.cluster.id, ref.server);
  // A later start has taken over, or a stop overtook this one: nothing may be made for it any more.
  if (known && known.generation > ref.generation) return { phase: 'absent' };
  if (await isClosed(io.store, world.cluster.id, ref.server, ref.generation)) {
    return { phase: 'exited', exit: { code: null, reason: 'stopped' } };
  }
  const start: Start = { world, book, ref, spec, io, record: known ?? firstRecord(world, ref, spec) };
  return withWords(start, async () => {
    if (start.record.generation < ref.generation) await takeOver(start);
    return step(start);
  });
}

async function step(start: Start): Promise<Observed> {
  const { world, record, io } = start;
  if (record.instanceId === null) return launchStep(start);
  const seen = await world.instances.look(record.instanceId, FRESH_MS, { signal: io.signal });
  if (!seen) {
    if (world.clock.now() - record.startedAt < CONSISTENCY_MS)
      return told(start, 'pending', 10, 'Your machine is being made');
    world.log.warn({ server: record.server, instance: record.instanceId }, 'an instance is gone; making another');
    return replace(start);
  }
  switch (seen.state) {
    case 'pending':
    case 'running':
      return waitStep(start, seen);
    case 'stopping':
      return told(start, 'stopping', 5, 'Your machine is still shutting down; it starts again as soon as it has');
    case 'stopped':
      return resumeStep(start, seen);
    case 'shutting-down':
    case 'terminated':
      return died(start, seen.stateReason?.code ?? '');
  }
}

/** An instance that was terminated: by hand, by AWS, or because it could not be had after all. A new one at once. */
async function died(start: Start, reason: string): Promise<Observed> {
  const { world, record } = start;
  world.log.warn({ server: record.server, instance: record.instanceId, reason }, 'an instance was terminated');
  const forThisStart = record.startedAt >= record.curedAt && record.runningAt === null;
  if (forThisStart && /Capacity|VolumeLimitExceeded|InternalError|SpotInstanceTermination/.test(reason)) {
    world.capacity.note({ type: record.type, zone: record.zone, market: record.market });
    await change(start, { deaths: record.deaths + 1 });
  }
  return replace(start, reason);
}

async function replace(start: Start, reason = ''): Promise<Observed> {
  await change(start, { instanceId: null, attempt: null, runningAt: null, privateIp: null, cures: 0 });
  return launchStep(start, reason);
}

/** The record of the last start becomes this one's. */
async function takeOver(start: Start): Promise<void> {
  const { world, ref, spec, io, record } = start;
  const session = await readSession(io.store, ref.server);
  if (session && session.generation < ref.generation) await endSession(io.store, ref.server);
  await change(start, {
    generation: ref.generation,
    user: spec.user,
    storage: spec.storage,
    cures: 0,
    deaths: 0,
    curedAt: world.clock.now(),
    // What was running for another start holds that start's token and must come up anew.
    stale: session !== undefined && session.instanceId === record.instanceId,
  });
}

function firstRecord(world: Ec2World, { server, generation }: Ec2Ref, spec: Ec2Spec): InstanceRecord {
  return {
    cluster: world.cluster.id,
    server,
    generation,
    user: spec.user,
    storage: spec.storage,
    profile: spec.profile,
    onIdle: spec.onIdle,
    attempts: 0,
    attempt: null,
    instanceId: null,
    type: spec.types[0]!,
    zone: '',
    market: spec.market,
    imageId: null,
    homeVolume: null,
    attached: false,
    startedAt: 0,
    runningAt: null,
    privateIp: null,
    released: 0,
    deaths: 0,
    cures: 0,
    curedAt: 0,
    stale: false,
  };
}
