import { type Observed, type ServerIo, SpawnFault } from '@atrium/sdk';
import { Ec2Fault } from '../errors.ts';
import type { ProgressBook } from '../progress.ts';
import { type InstanceRecord, writeRecord } from '../records.ts';
import type { Ec2Ref, Ec2Spec } from '../spec.ts';
import { noteTrouble } from '../troubles.ts';
import { spawnFault } from '../words.ts';
import type { Ec2World } from '../world.ts';

/** One step of one start. */
export interface Start {
  readonly world: Ec2World;
  readonly ref: Ec2Ref;
  readonly spec: Ec2Spec;
  readonly io: ServerIo;
  readonly book: ProgressBook;
  record: InstanceRecord;
  /** What the last call asked for, when it came that far. */
  tried?: { type: string; zone: string; market: string };
}

/** How long there is nothing to look for, ms: what a class asks EC2 in vain, and the hub its rows, is a burst of its own. */
export const PACE = {
  /** EC2 takes seconds from the call to `running`. */
  powersOn: 2_500,
  boots: 1_500,
  /** The agent wakes the start by itself; this is for one that does not. */
  agent: 4_000,
};

/** What the hub is told after a step that has not reached the end; it looks again after `againMs`, or at its own pace. */
export function told(
  start: Start,
  phase: Observed['phase'],
  percent: number,
  message: string,
  againMs?: number,
): Observed {
  const { server, generation } = start.ref;
  const progress = start.book.say(server, generation, { percent, message });
  return { phase, progress, ...(againMs === undefined ? {} : { againMs }) };
}

/** Stores what changed. */
export async function change(start: Start, values: Partial<InstanceRecord>): Promise<void> {
  start.record = { ...start.record, ...values };
  await writeRecord(start.io.store, start.record);
}

/**
 * Runs a step, and makes of EC2's refusals what the hub understands: what passes by itself is "unknown yet", the rest
 * ends the start in words.
 */
export async function withWords(start: Start, step: () => Promise<Observed>): Promise<Observed> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof Ec2Fault)) throw error;
    const { world, ref, record } = start;
    const facts = { server: ref.server, api: error.api, code: error.code, err: error };
    if (error.retryable) {
      world.log.info(facts, 'EC2 could not be asked; trying again');
      return { phase: 'unknown', progress: start.book.soFar(ref.server, ref.generation) };
    }
    world.log.error(facts, 'EC2 refused a step of a start');
    const { type, zone, market } = start.tried ?? record;
    await noteTrouble(world, start.io.store, error, { profile: start.spec.profile, type, zone, market });
    throw spawnFault(error, { type, market });
  }
}

/** Words for a machine that does not come up, however often it is made. */
export function diesAgain(reason: string): SpawnFault {
  return new SpawnFault({
    class: 'config',
    code: 'machine_dies',
    message: 'Machines made for you ended by themselves while they came up, several times in a row.',
    advice: `An administrator should look at the account; EC2's last reason was “${reason}”. Your files are safe.`,
  });
}
