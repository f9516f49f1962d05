import type { Io, Observed, StopHow } from '@atrium/sdk';
import type { Ec2Instance } from './calls/types.ts';
import { Ec2Fault } from './errors.ts';
import { findByToken } from './observe.ts';
import type { ProgressBook } from './progress.ts';
import { close, type InstanceRecord, machineKey, ownRecord, writeRecord } from './records.ts';
import type { Ec2Ref } from './spec.ts';
import { TAG } from './tags.ts';
import { endSession } from './worker/session.ts';
import type { Ec2World } from './world.ts';

/** How long EC2 may not yet know what a call made whose answer never came. */
const CONSISTENCY_MS = 60_000;
const FRESH_MS = 400;
/** A machine that is still stopping after this long is switched off, if the hub asks for force. */
const STUCK_MS = 5 * 60_000;
const FORCE_AGAIN_MS = 2 * 60_000;

/**
 * One step towards stopped, confirmed by EC2: it is over when EC2 says so, not when it was asked. The machine is stopped,
 * hibernated or terminated as its profile says; the home stays in any case.
 */
export async function stop(world: Ec2World, ref: Ec2Ref, { force }: StopHow, io: Io): Promise<Observed> {
  // First of all: a start that is under way in another place makes nothing after this.
  await close(io.store, world.cluster.id, ref.server, ref.generation);
  const record = await ownRecord(io.store, world.cluster.id, ref.server);
  try {
    if (!record || record.generation !== ref.generation) return await stopUntracked(world, ref, record, io);
    return await stopTracked(world, record, force, io);
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    world.log.warn(
      { server: ref.server, api: error.api, code: error.code, err: error },
      'a stop could not be carried out yet',
    );
    return { phase: error.class === 'state' ? 'stopping' : 'unknown' };
  }
}

async function stopTracked(world: Ec2World, record: InstanceRecord, force: boolean, io: Io): Promise<Observed> {
  if (record.instanceId === null) {
    if (!record.attempt) return { phase: 'absent' };
    // A call whose answer never came: what it made is found by its token, if it made something.
    const made = await findByToken(world, record, io);
    if (!made) return { phase: world.clock.now() - record.attempt.at < CONSISTENCY_MS ? 'stopping' : 'absent' };
    await io.store.put(machineKey(made.id), { server: record.server });
    const found = { ...record, instanceId: made.id, attempt: null, startedAt: made.launchedAt, attached: false };
    await writeRecord(io.store, found);
    return stopTracked(world, found, force, io);
  }
  const seen = await world.instances.look(record.instanceId, FRESH_MS, { signal: io.signal });
  if (!seen) return { phase: world.clock.now() - record.startedAt < CONSISTENCY_MS ? 'stopping' : 'absent' };
  return take(
    world,
    seen,
    { terminate: record.onIdle === 'terminate', hibernate: record.onIdle === 'hibernate', force },
    io,
  );
}

/** A machine with our labels that no record names: found by its tags, and only if it is of this start. */
async function stopUntracked(
  world: Ec2World,
  ref: Ec2Ref,
  record: InstanceRecord | undefined,
  io: Io,
): Promise<Observed> {
  const filters = {
    [`tag:${TAG.clusterId}`]: [world.cluster.id],
    [`tag:${TAG.server}`]: [ref.server],
    'instance-state-name': ['pending', 'running', 'stopping', 'shutting-down'],
  };
  const found = await world.ec2.describeInstances({ filters }, { signal: io.signal });
  const theirs = found.filter(
    (one) => one.id !== record?.instanceId && one.tags[TAG.generation] === String(ref.generation),
  );
  const phases = await Promise.all(
    theirs.map((one) => take(world, one, { terminate: false, hibernate: false, force: false }, io)),
  );
  return phases.find(({ phase }) => phase === 'stopping') ?? { phase: 'absent' };
}

async function take(
  world: Ec2World,
  seen: Ec2Instance,
  asked: { terminate: boolean; hibernate: boolean; force: boolean },
  io: Io,
): Promise<Observed> {
  const options = { signal: io.signal };
  // EC2 does not stop one-time spot machines.
  const how = { ...asked, terminate: asked.terminate || seen.market === 'spot' };
  switch (seen.state) {
    case 'terminated':
      return { phase: 'absent' };
    case 'shutting-down':
      return { phase: 'stopping' };
    case 'stopped':
      if (!how.terminate) return { phase: 'exited', exit: { code: null, reason: 'stopped' } };
      await world.ec2.terminateInstances([seen.id], options);
      break;
    case 'pending':
      // EC2 stops nothing that is still pending; the next step finds it running.
      if (how.terminate) await world.ec2.terminateInstances([seen.id], options);
      break;
    case 'stopping':
      if (!how.force || !mayForce(world, seen)) return { phase: 'stopping' };
      world.log.warn({ instance: seen.id }, 'an instance does not stop; it is switched off');
      await world.ec2.stopInstance(seen.id, { hibernate: false, force: true }, options);
      break;
    case 'running':
      if (how.terminate) await world.ec2.terminateInstances([seen.id], options);
      else await stopOrTerminate(world, seen, how, io);
  }
  world.instances.stale(seen.id);
  return { phase: 'stopping' };
}

const forced = new WeakMap<Ec2World, Map<string, number>>();

/** An ordinary stop takes EC2 up to some minutes, and each forced one begins it anew. */
function mayForce(world: Ec2World, { id, transitionAt }: Ec2Instance): boolean {
  const now = world.clock.now();
  const last = forced.get(world) ?? new Map<string, number>();
  forced.set(world, last);
  for (const [other, at] of last) if (now - at > FORCE_AGAIN_MS) last.delete(other);
  if (transitionAt === undefined || now - transitionAt < STUCK_MS || last.has(id)) return false;
  last.set(id, now);
  return true;
}

async function stopOrTerminate(
  world: Ec2World,
  seen: Ec2Instance,
  { hibernate, force }: { hibernate: boolean; force: boolean },
  io: Io,
): Promise<void> {
  const options = { signal: io.signal };
  try {
    // Politely, whatever the hub's patience is: file systems are written back. Force is for what does not stop then.
    await world.ec2.stopInstance(
      seen.id,
      { hibernate: hibernate && seen.hibernation && !force, force: false },
      options,
    );
  } catch (error) {
    if (!(error instanceof Ec2Fault) || error.code !== 'UnsupportedHibernationConfiguration') throw error;
    // Not ready to hibernate yet (its agent has not prepared the disk): an ordinary stop.
    await world.ec2.stopInstance(seen.id, { hibernate: false, force: false }, options);
  }
}

/** What is left of a start that is over: the session. The machine and its home wait for the next one. */
export async function destroy(world: Ec2World, book: ProgressBook, ref: Ec2Ref, io: Io): Promise<void> {
  const record = await ownRecord(io.store, world.cluster.id, ref.server);
  if (record && record.generation > ref.generation) return;
  await endSession(io.store, ref.server);
  book.forget(ref.server);
  if (record?.generation === ref.generation) await writeRecord(io.store, { ...record, released: ref.generation });
}
