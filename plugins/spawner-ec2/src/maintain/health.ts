import { kindOf, nameOf } from './kinds.ts';
import { fresh, stopMachine } from './machine-acts.ts';
import { type Round, span } from './round.ts';

/** Two looks this far apart must agree that a machine is broken before anybody is told. */
const TELL_MS = 60_000;
/** A machine that thrashes for a while may come to; one that is unreachable for so long will not. */
const STOP_MS = 10 * 60_000;

/**
 * Machines whose status checks fail. Asked for are only the failed ones, so that a thousand sound machines cost two
 * calls. A start that is under way cures its machine itself.
 */
export async function health(round: Round): Promise<void> {
  const { world, io } = round;
  if (!round.active.some(({ state }) => state === 'running')) return;
  const ask = (check: string) =>
    world.ec2.describeInstanceStatus(
      { filters: { [`${check}.status`]: ['impaired'], 'instance-state-name': ['running'] } },
      { signal: io.signal },
    );
  const system = await ask('system-status');
  const impaired = new Map([...system, ...(await ask('instance-status'))].map((one) => [one.id, one]));
  const broken = new Set(system.map(({ id }) => id));
  // The answer is about the whole account: only what is ours is looked at further.
  for (const seen of round.active) {
    if (!impaired.has(seen.id) || seen.state !== 'running') continue;
    const kind = kindOf(round, seen);
    if (kind.is !== 'tracked' || kind.server.phase !== 'ready') continue;
    const age = await round.sighted('impaired', seen.id);
    if (age === undefined || age < TELL_MS) continue;
    const name = nameOf(seen, kind.server);
    const what = broken.has(seen.id) ? 'the hardware under it is out of order' : 'its system does not answer';
    if (age < STOP_MS) {
      round.actions.push({
        code: 'impaired',
        message: `${name} fails its status checks: ${what}. It is stopped when that lasts ${span(STOP_MS)}.`,
        alert: true,
      });
      continue;
    }
    await round.act(
      {
        code: 'stop_impaired',
        message: `${name} fails its status checks for ${span(age)}: ${what}. It ${round.is('stopped by force')}; the next start puts it on other hardware.`,
        alert: true,
      },
      async () => {
        const now = await fresh(world, seen, round);
        if (now?.state === 'running') await stopMachine(world, now, true);
      },
    );
  }
}
