import { HubError, type MaintainAction, type MaintainIo } from '@atrium/sdk';
import { wantedSpares } from '../calendar/calendar.service.ts';
import type { AppContext } from '../context.ts';
import { whileHeld } from '../db/while-held.ts';
import { pluginIo } from '../plugins/plugin-io.ts';
import * as repo from './upkeep.repo.ts';

export { type Alert, deleteAlerts, listAlerts, putAlert } from './upkeep.repo.ts';

const EVERY_MS = 60_000;
/** Longer than a round and its pause, so that the same hub keeps it; a dead hub's work is taken over after this. */
const LEASE_MS = 90_000;
const RENEW_MS = 20_000;
/** One round at most; what is not done then is done in the next. */
const ROUND_MS = 10 * 60_000;
/** How long an alert stays on the administration page after it was seen last. */
const ALERT_MS = 24 * 3_600_000;
/** Rounds that fail in a row before the administrator is told: a cloud that is out of order for a minute is no news. */
const FAILURES = 3;
const FAILED = 'upkeep_failed';

/** Rounds of one process come one after the other, whoever asks for them. */
const rounds = new WeakMap<AppContext['db'], Promise<unknown>>();

/** Runs the spawner's upkeep once a minute until the signal; of several hubs, one does. */
export async function watchUpkeep(ctx: AppContext, signal: AbortSignal): Promise<void> {
  if (!ctx.spawner.maintain) return;
  for (let failures = 0; !signal.aborted; ) {
    try {
      await runUpkeep(ctx, { dryRun: false, signal });
      failures = 0;
    } catch (err) {
      if (signal.aborted) return;
      failures += 1;
      ctx.log.error({ err, failures }, 'upkeep failed; trying again');
      if (failures >= FAILURES) await tellFailure(ctx).catch(() => {});
    }
    await ctx.clock.sleep(EVERY_MS, signal).catch(() => {});
  }
}

async function tellFailure(ctx: AppContext): Promise<void> {
  const message = 'Upkeep has not worked for some minutes; the hub’s log says why.';
  await repo.putAlert(ctx.db, { code: FAILED, message }, ctx.clock.now());
}

/**
 * One round. With `dryRun` nothing is changed, and no turn is needed.
 * @returns what was done, or would be; undefined when another hub has the turn.
 */
export async function runUpkeep(
  ctx: AppContext,
  { dryRun, signal }: { dryRun: boolean; signal: AbortSignal },
): Promise<readonly MaintainAction[] | undefined> {
  const before = rounds.get(ctx.db) ?? Promise.resolve();
  const round = before.then(() => (dryRun ? maintain(ctx, true, signal) : holdingTurn(ctx, signal)));
  rounds.set(
    ctx.db,
    round.catch(() => {}),
  );
  return round;
}

function holdingTurn(ctx: AppContext, signal: AbortSignal): Promise<readonly MaintainAction[] | undefined> {
  const lease = { name: 'upkeep', forMs: LEASE_MS, everyMs: RENEW_MS, work: 'does the upkeep' };
  return whileHeld(ctx, lease, async (lost) => {
    const actions = await maintain(ctx, false, AbortSignal.any([signal, lost, AbortSignal.timeout(ROUND_MS)]));
    await record(ctx, actions);
    return actions;
  });
}

async function maintain(ctx: AppContext, dryRun: boolean, signal: AbortSignal): Promise<readonly MaintainAction[]> {
  const io: MaintainIo = {
    ...pluginIo(ctx, signal),
    dryRun,
    wantedSpares: wantedSpares(ctx),
    async servers() {
      const all = [];
      for await (const some of repo.readServers(ctx.db, ctx.spawner.id)) all.push(...some);
      return all;
    },
  };
  return (await ctx.spawner.maintain?.(io)) ?? [];
}

async function record(ctx: AppContext, actions: readonly MaintainAction[]): Promise<void> {
  const now = ctx.clock.now();
  for (const { code, message, alert } of actions) {
    ctx.log[alert ? 'warn' : 'info']({ code }, message);
    if (alert) await repo.putAlert(ctx.db, { code, message }, now);
  }
  await repo.deleteAlerts(ctx.db, { code: FAILED });
  await repo.deleteAlerts(ctx.db, { before: now - ALERT_MS });
}

/** One round for the command line. @throws HubError when there is nothing to keep up, or another hub is at it. */
export async function upkeepNow(ctx: AppContext, dryRun: boolean): Promise<readonly MaintainAction[]> {
  if (!ctx.spawner.maintain) {
    throw new HubError('bad_request', `The spawner ${ctx.spawner.id} has nothing that needs upkeep.`);
  }
  const actions = await runUpkeep(ctx, { dryRun, signal: AbortSignal.timeout(ROUND_MS) });
  if (actions) return actions;
  throw new HubError('bad_request', 'Another hub of this installation does the upkeep. Ask there, or try --dry-run.');
}
