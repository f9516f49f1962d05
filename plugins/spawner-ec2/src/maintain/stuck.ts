import type { Ec2Instance } from '../calls/types.ts';
import { kindOf, nameOf } from './kinds.ts';
import { fresh } from './machine-acts.ts';
import { type Round, span } from './round.ts';

const PENDING_MS = 5 * 60_000;
const STOPPING_MS = 10 * 60_000;
const SHUTTING_DOWN_MS = 30 * 60_000;

/** Machines that are on their way for too long. */
export async function stuck(round: Round): Promise<void> {
  for (const seen of round.active) {
    if (seen.state === 'pending' && round.now - seen.launchedAt > PENDING_MS) await replace(round, seen);
    else if (seen.state === 'stopping') await push(round, seen);
    else if (seen.state === 'shutting-down') await tell(round, seen);
  }
}

function label(round: Round, seen: Ec2Instance): string {
  const kind = kindOf(round, seen);
  return 'server' in kind ? nameOf(seen, kind.server) : seen.id;
}

/** It will not come up. It goes; the start that waits for it makes another, around the same home. */
async function replace(round: Round, seen: Ec2Instance): Promise<void> {
  const { world, io } = round;
  const why = seen.stateReason ? ` EC2 says: ${seen.stateReason.message || seen.stateReason.code}.` : '';
  await round.act(
    {
      code: 'replace_pending',
      message: `${label(round, seen)} is pending for ${span(round.now - seen.launchedAt)}; it ${round.is('removed')}, and made anew by its start.${why}`,
      alert: true,
    },
    async () => {
      const now = await fresh(world, seen, round);
      if (now?.state !== 'pending') return;
      const output = await world.ec2.getConsoleOutput(seen.id, io).catch(() => '');
      world.log.warn(
        { instance: seen.id, reason: now.stateReason, console: output.slice(-2000) },
        'an instance does not get beyond pending',
      );
      await world.ec2.terminateInstances([seen.id], io);
      world.instances.stale(seen.id);
    },
  );
}

async function push(round: Round, seen: Ec2Instance): Promise<void> {
  const { world, io } = round;
  const noted = await round.sighted('stopping', seen.id);
  const age = seen.transitionAt === undefined ? noted : round.now - seen.transitionAt;
  if (age === undefined || age < STOPPING_MS) return;
  await round.act(
    {
      code: 'force_stop',
      message: `${label(round, seen)} is stopping for ${span(age)}; it ${round.is('stopped by force')}. It costs nothing meanwhile.`,
      alert: true,
    },
    async () => {
      const now = await fresh(world, seen, round);
      if (now?.state !== 'stopping') return;
      await world.ec2.stopInstance(seen.id, { hibernate: false, force: true }, io);
      world.instances.stale(seen.id);
    },
  );
}

async function tell(round: Round, seen: Ec2Instance): Promise<void> {
  const age = await round.sighted('shutting-down', seen.id);
  if (age === undefined || age < SHUTTING_DOWN_MS) return;
  round.actions.push({
    code: 'stuck_shutting_down',
    message: `${label(round, seen)} is being terminated since before ${new Date(round.now - age).toISOString()}. Only AWS support can help.`,
    alert: true,
  });
}
