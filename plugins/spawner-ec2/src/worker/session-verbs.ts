import { HubError, type Json, type WorkerIo, type WorkerRequest, type WorkerServer } from '@atrium/sdk';
import { z } from 'zod';
import { Ec2Fault } from '../errors.ts';
import { type HomeTask, homeMounted, homeTaskDone, homeTasks, within } from '../homes/index.ts';
import { ownRecord } from '../records.ts';
import type { Ec2World } from '../world.ts';
import { type MachineSession, sessionOf, writeSession } from './session.ts';
import { finishTask, openTasks } from './tasks.ts';

const Secret = z.string().min(16).max(512);
const Line = z.object({ percent: z.number().min(0).max(100), message: z.string().max(500) });
const Step = Line.extend({
  session: Secret,
  /** What was said while the last call was under way. */
  earlier: z.array(Line).max(50).default([]),
  fault: z
    .object({ class: z.string().max(20), code: z.string().regex(/^[a-z0-9_]{1,60}$/), message: z.string().max(1000) })
    .optional(),
});
const Heartbeat = z.object({
  session: Secret,
  busy: z.boolean(),
  lastWork: z.number().nullable(),
  spot: z.object({ action: z.string().max(40), at: z.number() }).optional(),
});
const Done = z.object({
  session: Secret,
  id: z.string().regex(/^[\w.:-]{1,128}$/),
  ok: z.boolean(),
  message: z.string().max(1000).optional(),
});

/** The agent says so of a mounted home, and of a server that answers. */
const MOUNTED_AT = 75;
const READY_AT = 95;

/** A step of the start, for the person who waits. @throws HubError */
export async function step(world: Ec2World, request: WorkerRequest, io: WorkerIo): Promise<Json> {
  const { session: secret, percent, message, fault, earlier } = read(Step, request);
  const { session, row } = await known(world, secret, request, io);
  if (fault) {
    await writeSession(io.store, { ...session, fault });
    row.wake();
    return {};
  }
  for (const line of [...earlier, { percent, message }]) await row.progress(line);
  if (percent >= MOUNTED_AT) await mounted(world, session, io);
  if (percent >= READY_AT && !session.ready) {
    await writeSession(io.store, { ...session, ready: true });
    row.wake();
  }
  return {};
}

/** Every half minute: the machine gets another lease, and is told what to do. @throws HubError */
export async function heartbeat(world: Ec2World, request: WorkerRequest, io: WorkerIo): Promise<Json> {
  const { session: secret, busy, lastWork, spot } = read(Heartbeat, request);
  const { session, row } = await known(world, secret, request, io);
  const now = world.clock.now();
  if (!session.ready) {
    await writeSession(io.store, { ...session, ready: true });
    row.wake();
    await mounted(world, session, io);
  }
  if (busy) await row.worked(now);
  else if (lastWork !== null) await row.worked(Math.min(lastWork, now));
  if (spot) {
    const at = new Date(spot.at).toISOString().slice(11, 16);
    const message = `AWS takes this machine back at ${at} UTC (it is a spot machine). Save your work; your files stay.`;
    await row.notice({ code: 'spot_interruption', at: spot.at, message });
  }
  return {
    leaseUntil: now + world.config.agent.leaseMinutes * 60_000,
    serverNow: now,
    tasks: [...(await openTasks(io.store, session.server)), ...(await homeWork(world, session, io))] as Json[],
  };
}

/** @throws HubError */
export async function taskDone(world: Ec2World, request: WorkerRequest, io: WorkerIo): Promise<Json> {
  const { session: secret, id, ok, message = '' } = read(Done, request);
  const { session, row } = await known(world, secret, request, io);
  const at = world.clock.now();
  await finishTask(io.store, session.server, { id, ok, message, at });
  if (!ok) world.log.warn({ server: session.server, task: id, message }, 'a machine could not do a task');
  const storage = await storageOf(world, session, io);
  const told = storage === undefined ? undefined : await homeTaskDone(within(world, io), { storage, id, ok, message });
  if (told) await row.notice({ ...told, at });
  return {};
}

/** What the home on this machine needs done. A heartbeat is answered even when EC2 cannot be asked. */
async function homeWork(world: Ec2World, session: MachineSession, io: WorkerIo): Promise<HomeTask[]> {
  const storage = await storageOf(world, session, io);
  if (storage === undefined) return [];
  try {
    return await homeTasks(within(world, io), { storage, instanceId: session.instanceId }, io.signal);
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    world.log.warn({ server: session.server, storage, err: error }, 'the work of a home could not be gone on with');
    return [];
  }
}

async function storageOf(world: Ec2World, session: MachineSession, io: WorkerIo): Promise<string | undefined> {
  const record = await ownRecord(io.store, world.cluster.id, session.server);
  return record?.storage ?? undefined;
}

async function mounted(world: Ec2World, session: MachineSession, io: WorkerIo): Promise<void> {
  const storage = await storageOf(world, session, io);
  if (storage !== undefined) await homeMounted(within(world, io), storage);
}

/** The session that the secret opens, while its start or its server is there. */
async function known(
  world: Ec2World,
  secret: string,
  { peer }: WorkerRequest,
  io: WorkerIo,
): Promise<{ session: MachineSession; row: WorkerServer }> {
  const session = await sessionOf(io.store, secret, world.cluster.id);
  const gone = (why: string) =>
    new HubError('not_allowed', 'not recognised', { facts: { server: session.server, peer, why } });
  if (peer.replace(/^::ffff:/i, '') !== session.host) throw gone('it calls from another address');
  const row = await io.find(session.server);
  if (!row || row.generation !== session.generation) throw gone('its start is over');
  return { session, row };
}

function read<T extends z.ZodType>(schema: T, { body, verb }: WorkerRequest): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new HubError('bad_request', `'${parsed.error.issues[0]?.path.join('.')}' of ${verb} is not as it should be`);
}
