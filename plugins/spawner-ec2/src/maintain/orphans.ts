import type { Ec2Instance } from '../calls/types.ts';
import { forgetResting } from '../survey.ts';
import { TAG } from '../tags.ts';
import { adopt } from './adopt.ts';
import { kindOf } from './kinds.ts';
import { fresh, stopMachine, takesHomeAlong } from './machine-acts.ts';
import { type Round, span } from './round.ts';

/** Two looks this far apart agree before a machine of nobody is stopped. */
const GRACE_MS = 10 * 60_000;
/** A second machine costs twice and nobody can use it. */
const SECOND_GRACE_MS = 60_000;
const TERMINATE_AFTER_MS = 7 * 86_400_000;

/** Machines of ours that no row names: told, stopped after a while, removed after a week where that is allowed. */
export async function orphans(round: Round): Promise<void> {
  for (const seen of [...round.active, ...round.resting]) {
    const kind = kindOf(round, seen);
    if (kind.is === 'unclaimed') await adopt(round, seen, kind.server.id, kind.record);
    else if (kind.is === 'second')
      await unwanted(round, seen, 'stop_second', `a second machine of ${kind.server.user}'s server`, SECOND_GRACE_MS);
    else if (kind.is === 'orphan') await unwanted(round, seen, 'stop_orphan', 'a machine of no server', GRACE_MS);
  }
}

async function unwanted(round: Round, seen: Ec2Instance, code: string, what: string, graceMs: number): Promise<void> {
  const { world } = round;
  if (seen.state === 'shutting-down' || seen.state === 'terminated') return;
  const age = await round.sighted(code, seen.id);
  if (seen.state === 'stopped') return remove(round, seen, what);
  if (age === undefined && graceMs > SECOND_GRACE_MS) {
    round.actions.push({
      code: `found_${code.slice('stop_'.length)}`,
      message: `${seen.id} is ${what}. It is stopped in ${span(graceMs)} unless a row claims it.`,
      alert: true,
    });
  }
  if (age === undefined || age < graceMs || seen.state !== 'running') return;
  await round.act(
    { code, message: `${seen.id}, ${what}, ${round.is('stopped')}. Its disks stay.`, alert: true },
    async () => {
      const now = await fresh(world, seen, round);
      if (now?.state !== 'running') return;
      await world.ec2.createTags([seen.id], { [TAG.orphanSince]: new Date(round.now).toISOString() });
      await stopMachine(world, now);
    },
  );
}

/** A stopped machine that nobody has claimed for a week. Never when there is no row at all: then the rows are lost. */
async function remove(round: Round, seen: Ec2Instance, what: string): Promise<void> {
  const { world, io } = round;
  const since = Date.parse(seen.tags[TAG.orphanSince] ?? '');
  if (Number.isNaN(since)) {
    await round.act(
      {
        code: 'mark_orphan',
        message: `${seen.id}, ${what}, is stopped and ${round.is('marked')} as nobody's.`,
        alert: true,
      },
      () => world.ec2.createTags([seen.id], { [TAG.orphanSince]: new Date(round.now).toISOString() }, io),
    );
    return;
  }
  if (!world.config.terminateOrphans || round.servers.size === 0 || round.now - since < TERMINATE_AFTER_MS) return;
  if (takesHomeAlong(round, seen)) return;
  await round.act(
    {
      code: 'terminate_orphan',
      message: `${seen.id}, ${what} for ${span(round.now - since)}, ${round.is('removed')}. Homes stay.`,
      alert: true,
    },
    async () => {
      const now = await fresh(world, seen, round);
      if (now?.state !== 'stopped') return;
      await world.ec2.terminateInstances([seen.id], io);
      forgetResting(world);
    },
  );
}
