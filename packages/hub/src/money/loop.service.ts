import type { AppContext } from '../context.ts';
import { holdLease } from '../db/leases.repo.ts';
import { isReady, listActiveServers, requestStop, type Server, setLimitStop } from '../servers/servers.service.ts';
import { findUserById } from '../users/users.service.ts';
import { mendRuns, readMeters } from './ledger.service.ts';
import { exceededOf, hasLimits, limitState } from './limits.service.ts';

const EVERY_MS = 60_000;
/** Longer than a look, so that the same hub keeps it; a dead hub's work is taken over after this. */
const LEASE_MS = 150_000;
/** One look of the spawner at what costs. */
const READ_TIMEOUT_MS = 55_000;

/** Reads the meters every minute until the signal; of several hubs, one does. */
export async function watchMoney(ctx: AppContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await lookAtMoney(ctx, signal).catch((err) => {
      if (!signal.aborted) ctx.log.error({ err }, 'could not bring the ledger up to date; trying again');
    });
    await ctx.clock.sleep(EVERY_MS, signal).catch(() => {});
  }
}

/** One round: hours mended, meters read, limits kept. False when another hub does it. */
export async function lookAtMoney(ctx: AppContext, signal: AbortSignal): Promise<boolean> {
  const now = ctx.clock.now();
  if (!(await holdLease(ctx.db, 'money', ctx.instanceId, now, now + LEASE_MS))) return false;
  await mendRuns(ctx);
  await readMeters(ctx, AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)])).catch((err) => {
    // A spawner that cannot say what it costs now must not keep limits from being kept by what is known.
    if (!signal.aborted) ctx.log.error({ err }, 'the spawner could not say what costs money; trying again');
  });
  await keepLimits(ctx);
  return true;
}

/** Stops what goes on after a limit is used up, once its time of grace is over; a limit that was raised lets it go on. */
async function keepLimits(ctx: AppContext): Promise<void> {
  const { onExceeded } = ctx.config.limits;
  if (onExceeded === 'refuse' || !hasLimits(ctx.config)) return;
  const byOwner = Map.groupBy((await listActiveServers(ctx.db)).filter(isReady), (server) => server.userId);
  for (const [userId, servers] of byOwner) {
    const user = await findUserById(ctx.db, userId);
    if (!user) continue;
    const state = await limitState(ctx, { name: user.name, groups: user.groups });
    const exceeded = exceededOf(state) !== undefined;
    for (const server of servers) await keepLimit(ctx, server, exceeded, onExceeded.stopAfter * 1000);
  }
}

async function keepLimit(ctx: AppContext, server: Server, exceeded: boolean, graceMs: number): Promise<void> {
  const now = ctx.clock.now();
  if (!exceeded) {
    if (server.limitStopAt !== null) await setLimitStop(ctx, server, null);
    return;
  }
  if (server.limitStopAt === null) await setLimitStop(ctx, server, now + graceMs);
  else if (server.limitStopAt <= now) await requestStop(ctx, server, { code: 'limit' });
}
