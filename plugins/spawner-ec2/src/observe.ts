import type { Io, Observed, Owned } from '@atrium/sdk';
import type { Ec2Instance } from './calls/types.ts';
import { Ec2Fault } from './errors.ts';
import { within } from './homes/index.ts';
import { type InstanceRecord, ownRecord } from './records.ts';
import type { Ec2Ref } from './spec.ts';
import { sweepActive } from './survey.ts';
import { TAG } from './tags.ts';
import { readSession } from './worker/session.ts';
import type { Ec2World } from './world.ts';

/** How old a look may be, ms; what asked for it in this time is answered from one call. */
const FRESH_MS = 1_000;
const CONSISTENCY_MS = 60_000;

/** What is there of one start. A question that EC2 did not answer is "unknown", never "absent". */
export async function observe(world: Ec2World, ref: Ec2Ref, io: Io): Promise<Observed> {
  const record = await ownRecord(io.store, world.cluster.id, ref.server);
  if (record?.generation !== ref.generation) return { phase: 'absent' };
  try {
    return await look(world, record, io);
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    world.log.warn(
      { server: ref.server, api: error.api, code: error.code, err: error },
      'EC2 could not be asked for a server',
    );
    return { phase: 'unknown' };
  }
}

/** @throws Ec2Fault */
export async function look(world: Ec2World, record: InstanceRecord, io: Io): Promise<Observed> {
  if (record.instanceId === null) {
    if (record.attempt === null) return { phase: 'absent' };
    const made = await findByToken(world, record, io);
    if (made) return { phase: 'starting' };
    return { phase: world.clock.now() - record.attempt.at < CONSISTENCY_MS ? 'pending' : 'absent' };
  }
  const seen = await world.instances.look(record.instanceId, FRESH_MS, { signal: io.signal });
  if (!seen) return { phase: world.clock.now() - record.startedAt < CONSISTENCY_MS ? 'pending' : 'absent' };
  return phaseOf(record, seen, io);
}

/** An instance that a call made whose answer never came; its id is then known. */
export async function findByToken(world: Ec2World, record: InstanceRecord, io: Io): Promise<Ec2Instance | undefined> {
  if (!record.attempt) return undefined;
  const filters = { 'client-token': [record.attempt.token] };
  const [made] = await world.ec2.describeInstances({ filters }, { signal: io.signal });
  return made;
}

async function phaseOf(record: InstanceRecord, seen: Ec2Instance, io: Io): Promise<Observed> {
  switch (seen.state) {
    case 'pending':
      return { phase: 'starting' };
    case 'running': {
      const session = await readSession(io.store, record.server);
      const mine = session?.generation === record.generation && session.instanceId === seen.id && session.ready;
      if (!mine) return { phase: 'starting' };
      return { phase: 'running', address: { kind: 'tcp', host: session.host, port: session.port } };
    }
    case 'stopping':
    case 'shutting-down':
      return { phase: 'stopping' };
    case 'stopped':
      // After `destroy` nothing of the start is left; the machine waits for the next one.
      if (record.released >= record.generation) return { phase: 'absent' };
      return { phase: 'exited', exit: { code: null, reason: 'stopped' } };
    case 'terminated':
      return record.released >= record.generation ? { phase: 'absent' } : endedBy(seen);
  }
}

/** Ended by AWS with a reason that the person should read; else it is just gone. */
function endedBy(seen: Ec2Instance): Observed {
  if (seen.stateReason?.code !== 'Server.SpotInstanceTermination') return { phase: 'absent' };
  return {
    phase: 'exited',
    exit: { code: null, reason: 'evicted' },
    fault: {
      class: 'lost',
      code: 'spot_taken_back',
      message: 'AWS took this machine back: it was a spot machine, which is cheaper and can be reclaimed at any time.',
      advice: 'Start again: your files are safe. What was only in memory is lost.',
    },
  };
}

/** Everything of ours that runs, in one sweep for all; stopped machines are nobody's start. @throws Ec2Fault */
export async function* list(world: Ec2World, io: Io): AsyncIterable<Owned<Ec2Ref>> {
  for await (const page of sweepActive(within(world, io), { signal: io.signal })) {
    for (const seen of page) {
      // A spare is nobody's start.
      if (seen.tags[TAG.role] !== 'worker') continue;
      const server = seen.tags[TAG.server];
      const tagged = Number(seen.tags[TAG.generation]);
      if (!server || !Number.isSafeInteger(tagged)) continue;
      const record = await ownRecord(io.store, world.cluster.id, server);
      // A resumed machine keeps the tag of an earlier start until it is refreshed: the record wins.
      const tracked = record?.instanceId === seen.id;
      const generation = tracked ? record.generation : tagged;
      const observed: Observed = tracked ? await phaseOf(record, seen, io) : { phase: untracked(seen) };
      yield { ref: { server, generation }, hubId: world.hubId, serverId: server, generation, observed };
    }
  }
}

const untracked = ({ state }: Ec2Instance) =>
  state === 'stopping' || state === 'shutting-down' ? 'stopping' : 'starting';
