import type { Json } from '@atrium/sdk';
import type { Ec2Instance } from '../calls/types.ts';
import { type InstanceRecord, machineKey, recordKey } from '../records.ts';
import { forgetResting } from '../survey.ts';
import { kindOf, nameOf } from './kinds.ts';
import { fresh, stopMachine, takesHomeAlong } from './machine-acts.ts';
import { type Round, span } from './round.ts';

/** A machine may run for so long without a server: a stop that was cut off, or somebody who started it by hand. */
const IDLE_MS = 10 * 60_000;
const DAY_MS = 86_400_000;

/** Machines that run without a server are stopped; those that were stopped for long go, their homes stay. */
export async function unused(round: Round): Promise<void> {
  for (const seen of round.active) await stopUnused(round, seen);
  const { terminateAfterDays } = round.world.config.homes.tiers;
  if (terminateAfterDays === null) return;
  for (const seen of round.resting) await retire(round, seen, terminateAfterDays * DAY_MS);
}

async function stopUnused(round: Round, seen: Ec2Instance): Promise<void> {
  const { world } = round;
  const kind = kindOf(round, seen);
  if (kind.is !== 'tracked' || seen.state !== 'running' || kind.server.phase !== 'stopped') return;
  const idle = round.now - Math.max(kind.server.phaseAt, seen.launchedAt);
  if (idle < IDLE_MS) return;
  await round.act(
    {
      code: 'stop_unused',
      message: `${nameOf(seen, kind.server)} runs without a server for ${span(idle)}; it ${round.is('stopped')}.`,
      alert: true,
    },
    async () => {
      const now = await fresh(world, seen, round);
      if (now?.state === 'running' && (await isUnchanged(round, kind.record))) await stopMachine(world, now);
    },
  );
}

/** A stopped machine costs its system disk, and whatever is not in the home has been there long enough. */
async function retire(round: Round, seen: Ec2Instance, afterMs: number): Promise<void> {
  const { world, io } = round;
  const kind = kindOf(round, seen);
  if (kind.is !== 'tracked' || seen.state !== 'stopped' || kind.server.phase !== 'stopped') return;
  const unusedFor = round.now - Math.max(kind.server.phaseAt, seen.launchedAt, seen.transitionAt ?? 0);
  if (unusedFor < afterMs || takesHomeAlong(round, seen)) return;
  await round.act(
    {
      code: 'retire_machine',
      message: `${nameOf(seen, kind.server)} is stopped for ${span(unusedFor)}; it ${round.is('removed')}. The home stays, and the next start makes another machine.`,
    },
    async () => {
      const now = await fresh(world, seen, round);
      if (now?.state !== 'stopped' || !(await isUnchanged(round, kind.record))) return;
      await world.ec2.terminateInstances([seen.id], io);
      world.instances.stale(seen.id);
      forgetResting(world);
      await forget(round, kind.record);
    },
  );
}

/** Nobody has begun a start since the round began. */
async function isUnchanged({ io }: Round, record: InstanceRecord): Promise<boolean> {
  return JSON.stringify(await io.store.get(recordKey(record.server))) === JSON.stringify(record);
}

/** The server has no machine any more; its next start makes one. Nothing when a start was faster. */
export async function forget({ io }: Round, record: InstanceRecord): Promise<void> {
  const gone = { instanceId: null, attempt: null, attached: false, runningAt: null, privateIp: null };
  const { instanceId } = record;
  if (!(await io.store.swap(recordKey(record.server), record as Json, { ...record, ...gone } as Json))) return;
  if (instanceId !== null) await io.store.delete(machineKey(instanceId));
}
